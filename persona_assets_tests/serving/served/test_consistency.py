"""Each rule is broken by a row that is planted, and by no other."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from persona_assets.lake import DeltaStore
from persona_assets.serving.served.consistency import (
    broken_places,
    contract_broken,
    deeds_without_view,
    impressions_broken,
    lists_broken,
)
from persona_assets.serving.served.impressions import impressions
from persona_assets.serving.served.ingest import rows_of
from persona_assets.serving.served.record import ServedList
from persona_assets.tables.collected import COLLECTED_EVENTS, IMPRESSIONS, SERVED_LISTS

DAY = date(2026, 1, 1)
LISTS = rows_of(
    [
        ServedList(
            recommendation_id=name, served_at=1_767_268_800_000_000, route="similar", model="knn",
            version="v", path="similar", latency_us=3, products=["a", "b", "c"],
            scores=[3.0, 2.0, 1.0],
        )
        for name in ("r", "s")
    ]
)  # fmt: skip
MADE = impressions(LISTS, COLLECTED_EVENTS.empty())


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    found = DeltaStore(str(tmp_path))
    found.overwrite(SERVED_LISTS, LISTS, partitions=[DAY])
    found.overwrite(IMPRESSIONS, MADE, partitions=[DAY])
    return found


def test_what_is_right_breaks_nothing(store: DeltaStore) -> None:
    assert lists_broken(store, [DAY]) == impressions_broken(store, [DAY]) == {}
    assert contract_broken(store, SERVED_LISTS, [DAY]) == {}
    assert contract_broken(store, IMPRESSIONS, [DAY]) == {}


def test_a_gap_and_a_product_that_is_twice_in_a_list_are_found() -> None:
    in_r = pl.col("recommendation_id") == "r"
    gap = LISTS.filter(~(in_r & (pl.col("position") == 2)))
    assert broken_places(gap) == {"places are 1, 2, 3 …": 2}
    twice = LISTS.with_columns(product_id=pl.when(in_r).then(pl.lit("a")).otherwise("product_id"))
    assert broken_places(twice) == {"a product once in a list": 3}


def test_a_click_without_a_view_is_found() -> None:
    clicked = MADE.with_columns(clicked=pl.col("position") == 1)
    assert deeds_without_view(clicked) == {"clicked and not viewed": 2}
    assert deeds_without_view(clicked.with_columns(viewed=pl.lit(value=True))) == {}


def test_a_product_that_was_not_served_or_is_missing_is_found(store: DeltaStore) -> None:
    store.overwrite(SERVED_LISTS, LISTS.tail(5), partitions=[DAY])
    assert impressions_broken(store, [DAY]) == {"a product was not served": 1}
    store.overwrite(SERVED_LISTS, LISTS, partitions=[DAY])
    store.overwrite(IMPRESSIONS, MADE.tail(5), partitions=[DAY])
    assert impressions_broken(store, [DAY]) == {"a served product is missing": 1}


def test_a_place_that_is_there_twice_breaks_the_contract(store: DeltaStore) -> None:
    store.overwrite(IMPRESSIONS, pl.concat([MADE, MADE.head(1)]), partitions=[DAY])
    assert contract_broken(store, IMPRESSIONS, [DAY]) == {"key_unique": 2}
