from datetime import date

from persona_assets.recommenders.history import known_before

CUTOFF = date(2024, 3, 4)


def test_a_row_must_have_happened_and_arrived_before_midnight_of_the_cutoff(mart):
    microsecond = 1 / 86_400e6
    rows = mart(
        ("in_time", "p", "view", 1, 3),
        ("last_instant", "p", "view", 1, microsecond, microsecond),
        ("at_midnight", "p", "view", 1, 0),
        ("future", "p", "view", 1, -1),
        ("arrived_at_midnight", "p", "view", 1, 3, 0),
        ("arrived_late", "p", "view", 1, 3, -2),
    )

    assert known_before(rows, CUTOFF)["user_id"].to_list() == ["in_time", "last_instant"]
