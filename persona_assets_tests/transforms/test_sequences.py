from datetime import UTC, date, datetime, timedelta

from persona_assets.transforms.sequences import interaction_sequences

CUTOFF = date(2025, 3, 10)
NINE = datetime(2025, 3, 3, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_sequences_are_in_order_without_returns_and_repeats(mart):
    rows = mart(
        {"at": NINE + 5 * MINUTE, "product_id": "c"},
        {"at": NINE, "product_id": "a", "event_id": "2"},
        {"at": NINE, "product_id": "b", "event_id": "1"},
        {"at": NINE + MINUTE, "product_id": "a"},
        {"at": NINE + 2 * MINUTE, "product_id": "d", "event_type": "return"},
        {"at": NINE + 3 * MINUTE, "product_id": "a", "event_type": "add_to_cart"},
        {"at": NINE + 6 * MINUTE, "product_id": "a"},
        {"at": NINE + 9 * MINUTE, "product_id": "a", "user_id": "v"},
        {"at": NINE, "product_id": "d", "event_type": "return", "user_id": "w"},
    )
    result = interaction_sequences(rows, cutoff=CUTOFF)
    assert result.rows() == [("u", ["b", "a", "c", "a"]), ("v", ["a"])]
    shuffled = rows.sample(fraction=1, shuffle=True, seed=1)
    assert interaction_sequences(shuffled, cutoff=CUTOFF).equals(result)


def test_rows_that_happen_or_arrive_at_the_cut_off_are_unknown(mart):
    start = datetime(2025, 3, 10, tzinfo=UTC)
    just_before = start - timedelta(microseconds=1)
    rows = mart(
        {"at": just_before, "arrived_at": just_before, "product_id": "a"},
        {"at": start, "arrived_at": just_before, "product_id": "b"},
        {"at": just_before, "arrived_at": start, "product_id": "c"},
    )
    assert interaction_sequences(rows, cutoff=CUTOFF).rows() == [("u", ["a"])]
