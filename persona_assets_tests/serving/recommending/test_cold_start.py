"""Whoever is unknown gets what is popular in their context, and new products have neighbours."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.lake import DeltaStore
from persona_assets.serving.collector.referrers import site_of
from persona_assets.serving.recommending.context_popularity import (
    NAMES,
    PEOPLE,
    SHRINKAGE,
    ContextPopularity,
    Wanted,
)
from persona_assets.serving.recommending.ranking import Person, beside, ranked
from persona_assets.serving.recommending.served_model import ServedModel, load
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS
from persona_assets_tests.serving.small_lake import SOLD, category_of, small_lake

CUTOFF = date(2026, 1, 5)
PRODUCTS = pl.Series("product_id", ["a", "b", "c"])
EVERYONE = np.array([5.0, 3.0, 2.0])


def counted(*visits: tuple[int, dict[str, str]]) -> ContextPopularity:
    """Of each (people, context): so many people who viewed `b` half a day before the cut-off."""
    rows, contexts = [], []
    for group, (people, context) in enumerate(visits):
        for person in range(people):
            name = f"{group}-{person}"
            happened = datetime(2026, 1, 4, 12, tzinfo=UTC)
            rows.append((name, f"u{name}", "b", happened, 1.0))
            contexts.append((name, *(context.get(each) for each in NAMES)))
    columns = ["event_id", "user_id", "product_id", "event_ts", "weight"]
    schema = {name: USER_ITEM_INTERACTIONS.polars_schema[name] for name in columns}
    interactions = pl.DataFrame(rows, schema=schema, orient="row")
    found = pl.DataFrame(
        contexts, schema={"event_id": pl.String, **dict.fromkeys(NAMES, pl.String)}, orient="row"
    )
    return ContextPopularity.of(PRODUCTS, EVERYONE, interactions, found, CUTOFF)


def test_scores_are_shares_in_the_context_shrunk_to_those_of_everybody() -> None:
    found = counted((PEOPLE, {"country": "NO"})).within(Wanted(country="no"))
    assert found is not None
    context, scores = found
    own = PEOPLE * 2 ** (-0.5 / 14)
    assert context == ("no",)
    expected = (np.array([0, own, 0]) + SHRINKAGE * EVERYONE / 10) / (own + SHRINKAGE)
    assert scores == pytest.approx(expected)
    assert math.isclose(scores.sum(), 1.0)


def test_a_context_with_too_few_people_is_widened_and_says_so() -> None:
    contexts = counted(
        (PEOPLE, {"country": "no", "device": "mobile"}),
        (PEOPLE - 1, {"country": "no", "device": "tablet", "referrer": "news.example"}),
        (PEOPLE, {"country": "pt"}),
    )

    def context(**wanted: str) -> tuple[str, ...] | None:
        found = contexts.within(Wanted(**wanted))
        return None if found is None else found[0]

    assert context(country="NO", device="Mobile") == ("no", "mobile")
    assert context(country="no", device="tablet") == ("no",)
    assert context(country="no", referrer="news.example") == ("no",)
    assert context(country="pt", device="mobile") == ("pt",)
    assert context(device="mobile") == ("mobile",)
    assert context(device="tablet") is None
    assert context(country="xx") is None
    assert context() is None


@given(
    visits=st.lists(
        st.tuples(
            st.sampled_from([3, PEOPLE - 3, PEOPLE]),
            st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, st.sampled_from(["x", "y"]))),
        ),
        max_size=4,
    ),
    wanted=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, st.sampled_from(["x", "y"]))),
)
def test_no_context_is_told_by_fewer_people_than_the_minimum_and_none_is_wider_than_needed(
    visits: list[Any], wanted: dict[str, str]
) -> None:
    found = counted(*visits).within(Wanted(**wanted))

    def people(context: dict[str, str]) -> int:
        return sum(n for n, of in visits if all(of.get(k) == v for k, v in context.items()))

    enough = [
        some
        for mask in range(1, 2 ** len(wanted))
        if people(some := {k: v for i, (k, v) in enumerate(wanted.items()) if mask >> i & 1})
        >= PEOPLE
    ]
    if not enough:
        assert found is None
        return
    assert found is not None
    assert len(found[0]) == max(map(len, enough))
    assert sorted(found[0]) in [sorted(each.values()) for each in enough]


@pytest.mark.parametrize(
    ("referrer", "site"),
    [
        ("https://www.News.example/a/b?q=my+secret", "news.example"),
        ("news.example/path", "news.example"),
        ("news.example", "news.example"),
        ("android-app://com.shop", "com.shop"),
        ("http://[half", None),
        ("", None),
        (None, None),
    ],
)
def test_of_a_referrer_the_site_is_kept_alone(referrer: str | None, site: str | None) -> None:
    assert site_of(referrer) == site


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> DeltaStore:
    return small_lake(tmp_path_factory.mktemp("cold") / "lake")


@pytest.fixture(scope="module")
def served(lake: DeltaStore) -> ServedModel:
    return load(lake, "bought")


Listing = Callable[..., Any]


@pytest.fixture
def listed(served: ServedModel) -> Listing:
    def of(k: int = 10, context: Wanted | None = None, **more: Any) -> Any:
        person = Person("f" * 32, context=context or Wanted())
        return ranked(served, person, k, weights=DEFAULT_WEIGHTS, exclude="bought", **more)

    return of


def test_a_country_has_its_own_popular_products(listed: Listing) -> None:
    anybody, norway, elsewhere = (
        listed(context=context) for context in (Wanted(), Wanted("no"), Wanted("is"))
    )
    assert {each.reason for each in norway.items} == {"popular now (no)"}
    assert (norway.path, norway.model) == ("cold_start", "context_popularity")
    assert norway.items != anybody.items == elsewhere.items
    # People of that country are drawn to the first half of the catalogue (see `small_lake`).
    first = sum(int(each.product_id[1:]) < 20 for each in norway.items)
    assert first > sum(int(each.product_id[1:]) < 20 for each in listed(context=Wanted("pt")).items)


def test_a_new_product_has_neighbours_by_its_description(served: ServedModel) -> None:
    near = beside(served, served.similar, "n0", 5, "near", described=True)
    assert near
    assert {each.reason for each in near} == {"described alike"}
    assert {category_of(each.product_id) for each in near} == {category_of("n0")}
    assert "n0" not in [each.product_id for each in near]
    known = beside(served, served.similar, SOLD[3], 5, "near", described=True)
    assert {each.reason for each in known} == {"near"}


def test_a_new_product_stands_for_those_that_are_described_like_it(listed: Listing) -> None:
    found = listed(looked_at=("n0", 1_767_700_000_000_000))
    assert (found.path, found.model) == ("fold_in", "item_knn")
    assert "n0" not in [each.product_id for each in found.items]
    assert found.items != listed().items
    assert any(each.reason.endswith("looked at shoes n0") for each in found.items)
    near = [each for each in found.items[:5] if category_of(each.product_id) == "shoes"]
    assert near


def test_devices_and_referrers_of_collected_events_are_contexts(tmp_path: Path) -> None:
    from persona_assets.serving.collector.contract import CollectedEvent
    from persona_assets.serving.collector.ingest import rows_of
    from persona_assets.tables.collected import COLLECTED_EVENTS

    store = small_lake(tmp_path / "lake")
    mart = store.read(USER_ITEM_INTERACTIONS)
    events = [
        CollectedEvent(
            event_id=row["event_id"],
            event_type="view",
            event_time=int(row["event_ts"].timestamp() * 1e6),
            arrival_time=int(row["arrived_at"].timestamp() * 1e6),
            source="events",
            user_id=row["user_id"],
            product_id=row["product_id"],
            device="mobile" if int(row["product_id"][1:]) < 20 else "desktop",
            referrer="news.example",
            consent=True,
        )
        for row in mart.iter_rows(named=True)
    ]
    rows = rows_of(events)
    days = rows["event_date"].unique().sort().to_list()
    assert min(days) > CUTOFF - timedelta(days=56)
    store.overwrite(COLLECTED_EVENTS, rows, partitions=days)
    served = load(store, "bought")
    for device, first_half in (("mobile", True), ("desktop", False)):
        person = Person(None, context=Wanted(device=device, referrer="news.example"))
        found = ranked(served, person, 10, weights=DEFAULT_WEIGHTS, exclude="bought")
        assert found.items[0].reason == f"popular now ({device}, news.example)"
        assert (int(found.items[0].product_id[1:]) < 20) == first_half
