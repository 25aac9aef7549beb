"""Cohorts are those of a count by hand, and know nothing of what came later."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from persona_assets.exploration.cohorts import cohorts
from persona_assets.tables.exploration import COHORTS

CUTOFF = date(2025, 4, 7)


def bought(user: str, day: date, price: float = 1.0, **more: object) -> dict[str, object]:
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return {"at": at, "user_id": user, "event_type": "purchase", "unit_price": price, **more}


def test_who_buys_again_is_counted_by_month(mart, on_polars):
    rows = mart(
        bought("a", date(2024, 12, 31)),
        bought("a", date(2025, 2, 1), 2.0),
        bought("a", date(2025, 2, 9), 3.0),
        bought("b", date(2024, 12, 1), 4.0),
        bought("c", date(2025, 4, 2), 5.0),
        {"at": datetime(2025, 1, 1, tzinfo=UTC), "user_id": "d"},  # has bought nothing
        bought("e", date(2025, 4, 2), arrived_at=datetime(2025, 4, 7, tzinfo=UTC)),  # not known yet
        bought("b", CUTOFF),  # not yet happened
    )
    result = on_polars(cohorts, rows, cutoff=CUTOFF).sort("cohort", "months_since")
    assert dict(result.schema) == dict(COHORTS.polars_schema)
    assert result.rows() == [
        (CUTOFF, "2024-12", 0, True, 2, 2, 1.0, 5.0),
        (CUTOFF, "2024-12", 2, True, 2, 1, 0.5, 5.0),
        (CUTOFF, "2025-04", 0, False, 1, 1, 1.0, 5.0),
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(1, 120), st.integers(1, 99)),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_every_customer_is_in_one_cohort_and_no_revenue_is_lost(mart, on_polars, purchases):
    rows = mart(
        *(bought(user, CUTOFF - timedelta(days=back), cents / 4) for user, back, cents in purchases)
    )
    found = on_polars(cohorts, rows, cutoff=CUTOFF)
    months = defaultdict(set)
    for user, back, _ in purchases:
        months[user].add(f"{CUTOFF - timedelta(days=back):%Y-%m}")
    expected = defaultdict(int)
    for seen in months.values():
        for month in seen:
            expected[min(seen), month] += 1
    assert sorted(expected.values()) == sorted(found["customers"])
    assert found.filter(found["months_since"] == 0)["customers"].sum() == len(months)
    assert abs(found["revenue"].sum() - sum(cents for *_, cents in purchases) / 4) < 1e-6
