import polars as pl

from persona_assets.recommenders.visits import in_visits

MINUTE = 1 / (24 * 60)


def contents(rows: pl.DataFrame, **settings) -> set:
    grouped = rows.pipe(in_visits, gap_minutes=30.0, **settings).group_by("user_id")
    return {frozenset(products) for products in grouped.agg("product_id")["product_id"].to_list()}


def test_a_silence_longer_than_the_gap_begins_a_session(mart):
    rows = mart(
        ("a", "x", "view", 1, 5),
        ("a", "y", "view", 1, 5 - 30 * MINUTE),
        ("a", "z", "view", 1, 5 - 61 * MINUTE),
        ("b", "z", "view", 1, 5 - 20 * MINUTE),
        ("a", "w", "view", 1, 5 - 61 * MINUTE),
    )

    assert contents(rows) == {frozenset("xy"), frozenset("zw"), frozenset("z")}
    assert contents(rows.reverse()) == contents(rows)


def test_sessions_that_rows_tell_are_taken_of_each_user_apart(mart):
    rows = mart(
        ("a", "x", "view", 1, 5),
        ("a", "y", "view", 1, 1),
        ("b", "z", "view", 1, 1),
        ("b", "w", "view", 1, 1),
    ).with_columns(session_id=pl.lit("s"))

    assert contents(rows) == {frozenset("xy"), frozenset("zw")}


def test_where_products_are_interacted_with_one_at_a_time_a_person_is_a_session(mart):
    rows = mart(*(("a", product, "view", 1, day) for day, product in enumerate("wxyz")))

    assert contents(rows) == {frozenset("wxyz")}
