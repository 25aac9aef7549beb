"""An impression is of a list, of one product or several, and no interaction with them."""

import json
from typing import Any

import pytest

from persona_assets.serving.collector import own_format
from persona_assets.serving.collector.acceptance import Door, live
from persona_assets.serving.collector.ingest import rows_of
from persona_assets.sources.collected import as_delivered
from persona_assets.tables.collected import RAW_TYPES

NOW = 1_767_268_800_000_000
SHOWN = {
    "event_id": "e", "event_type": "impression", "user_id": "anna", "recommendation_id": "r",
    "product_ids": ["a", "b", "a", 7], "consent": True,
}  # fmt: skip


def read(**changed: Any) -> Any:
    event = {name: value for name, value in (SHOWN | changed).items() if value is not None}
    return own_format.read(json.dumps(event).encode())


def test_each_product_that_was_shown_is_an_event_that_is_the_same_when_it_is_sent_again() -> None:
    first, again = read(), read()
    assert [each.product_id for each in first.events] == ["a", "b", "7"]
    assert len({each.event_id for each in first.events}) == 3
    assert [each.event_id for each in first.events] == [each.event_id for each in again.events]
    assert {each.recommendation_id for each in first.events} == {"r"}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"recommendation_id": None}, "recommendation_id"),
        ({"product_ids": None}, "product_id"),
        ({"product_id": "a"}, "product_ids"),
        ({"event_type": "view"}, "product_ids"),
        ({"product_ids": []}, "product_ids"),
    ],
)
def test_what_is_wrong_with_an_impression_is_named(changed: dict[str, Any], field: str) -> None:
    found = read(**changed)
    assert not found.events
    assert [each.field for each in found.rejected] == [field]


def test_an_impression_is_no_interaction() -> None:
    kept = Door(b"0123456789abcdef").accepted(read(), NOW)
    assert [live(each) for each in kept] == [None] * 3
    assert "impression" not in RAW_TYPES
    assert as_delivered(rows_of(kept)).is_empty()


def test_an_impression_without_consent_says_nothing_and_is_not_kept() -> None:
    reading = read(consent=False)
    assert Door(b"0123456789abcdef").accepted(reading, NOW) == []
    assert reading.ignored == 3
