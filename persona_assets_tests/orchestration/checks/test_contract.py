"""The contract check finds the rows that break a contract, counts them, and shows some."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl

from persona_assets.tables import mart, raw

SECOND = date(2025, 1, 2)
FIRST_KEY, SECOND_KEY, THIRD_KEY = "2025-01-01", "2025-01-02", "2025-01-03"


def test_only_the_spoiled_day_fails(spoiled: Callable[..., Any]) -> None:
    def negative_weight(frame: pl.DataFrame) -> pl.DataFrame:
        first_three = pl.int_range(pl.len()) < 3
        return frame.with_columns(weight=pl.when(first_three).then(-1.0).otherwise("weight"))

    graph = spoiled(mart.USER_ITEM_INTERACTIONS, SECOND, negative_weight)
    found = graph.check("mart/user_item_interactions", FIRST_KEY, THIRD_KEY)
    assert found["contract", FIRST_KEY].passed
    assert not found["contract", SECOND_KEY].passed
    assert found["contract", THIRD_KEY].passed
    assert not found["contract", ""].passed
    assert found["contract", ""].metadata["failed_partitions"].value == [SECOND_KEY]


def test_failure_carries_count_and_sample_and_says_what_to_do(spoiled: Callable[..., Any]) -> None:
    def strange_type(frame: pl.DataFrame) -> pl.DataFrame:
        second = pl.int_range(pl.len()) == 1
        return frame.with_columns(
            event_type=pl.when(second).then(pl.lit("steal")).otherwise("event_type")
        )

    graph = spoiled(mart.USER_ITEM_INTERACTIONS, SECOND, strange_type)
    failed = graph.check("mart/user_item_interactions", SECOND_KEY)["contract", SECOND_KEY]
    broken = failed.metadata["event_type: allowed value"].value
    assert broken["rows"] == 1
    assert "event_type=steal" in broken["sample"][0]
    assert "event_type: allowed value (1 rows)" in failed.description
    assert failed.description.endswith("materialize it again")


def test_repeated_key_and_unknown_product_are_found(spoiled: Callable[..., Any]) -> None:
    def doubled_and_orphaned(frame: pl.DataFrame) -> pl.DataFrame:
        orphan = frame.head(1).with_columns(
            product_id=pl.lit("nowhere"), event_id=pl.lit("orphan-1")
        )
        return pl.concat([frame, frame.head(2), orphan])

    graph = spoiled(mart.USER_ITEM_INTERACTIONS, SECOND, doubled_and_orphaned)
    failed = graph.check("mart/user_item_interactions", SECOND_KEY)["contract", SECOND_KEY]
    assert failed.metadata["key_unique"].value["rows"] == 4
    assert failed.metadata["product_id: in raw/product_history.product_id"].value["rows"] == 1


def test_sample_withholds_personal_data(spoiled: Callable[..., Any]) -> None:
    def without_row_numbers(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(source_row=pl.lit(-1, pl.Int64))

    graph = spoiled(raw.EVENTS, SECOND, without_row_numbers)
    people = set(graph.store.read(raw.EVENTS)["user_id"].drop_nulls())
    failed = graph.check("raw/events", SECOND_KEY)["contract", SECOND_KEY]
    assert not failed.passed
    shown = str(failed.metadata)
    assert not [person for person in people if person in shown]


def test_day_without_rows_keeps_the_contract(spoiled: Callable[..., Any]) -> None:
    graph = spoiled(mart.USER_ITEM_INTERACTIONS, SECOND, lambda frame: frame.clear())
    found = graph.check("mart/user_item_interactions", SECOND_KEY)
    assert found["contract", SECOND_KEY].passed
