from datetime import UTC, date, datetime, timedelta

from persona_assets.transforms.history import known_before, midnight

CUTOFF = date(2024, 3, 4)
MIDNIGHT = datetime(2024, 3, 4, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)


def test_a_row_must_have_happened_and_arrived_before_midnight_of_the_cutoff(mart):
    moments = {
        "in_time": (MIDNIGHT - 3 * DAY, MIDNIGHT - 3 * DAY),
        "last_instant": (MIDNIGHT - MICROSECOND, MIDNIGHT - MICROSECOND),
        "at_midnight": (MIDNIGHT, MIDNIGHT),
        "future": (MIDNIGHT + DAY, MIDNIGHT + DAY),
        "arrived_at_midnight": (MIDNIGHT - 3 * DAY, MIDNIGHT),
        "arrived_late": (MIDNIGHT - 3 * DAY, MIDNIGHT + 2 * DAY),
    }
    rows = mart(
        *(
            {"at": at, "arrived_at": arrived, "user_id": name}
            for name, (at, arrived) in moments.items()
        )
    )
    assert sorted(known_before(rows, CUTOFF)["user_id"]) == ["in_time", "last_instant"]
    assert midnight(CUTOFF) == MIDNIGHT
