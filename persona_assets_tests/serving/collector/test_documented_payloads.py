"""The vendors' own documented payloads give the expected rows, and what is wrong is named.

The payloads follow the pages that the formats name; a second item without an identifier and numbers
as texts are of those that shops really send.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from persona_assets.serving.collector import ga4, own_format, segment
from persona_assets.serving.collector.contract import Reading, UnreadableError
from persona_assets.serving.collector.event_names import event_types
from persona_assets.serving.collector.instants import microseconds
from persona_assets.serving.collector.items import item_id
from persona_assets.sources.presets import preset_text
from persona_assets.tables.collected import RAW_TYPES
from persona_assets.tables.mart import UNUSED

DOCUMENTED = Path(__file__).parent / "documented"


def payload(name: str) -> Any:
    return json.loads((DOCUMENTED / name).read_text(encoding="utf-8"))


def fields(reading: Reading, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(event, name) for name in names) for event in reading.events]


def read(reader: Callable[[bytes], Reading], document: Any) -> Reading:
    return reader(json.dumps(document).encode())


def test_a_purchase_of_google_analytics_is_one_event_per_item() -> None:
    found = read(ga4.read, payload("ga4_purchase.json"))
    assert (found.ignored, found.rejected) == (1, [])
    assert fields(
        found, "event_type", "product_id", "quantity", "price", "list_id", "position"
    ) == [
        ("purchase", "SKU_12345", 1.0, 9.99, "related_products", 0),
        ("purchase", "Google Grey Women's Tee", 2.0, 20.99, None, 1),
    ]
    shared = fields(found, "order_id", "currency", "session_id", "consent", "source", "event_time")
    assert set(shared) == {("T_12345", "USD", "1664522406", True, "ga4", 1669995420000000)}
    # A device, as in the preset of the export.
    assert set(fields(found, "user_id", "anonymous_id")) == {(None, "123456.7654321")}
    assert fields(found, "event_id") == [
        (item_id("ga4", "purchase", "order", "T_12345", item=place),) for place in (0, 1)
    ]


@pytest.mark.parametrize(
    ("consent", "consents"),
    [
        (None, False),
        ({}, False),
        ({"ad_user_data": "GRANTED"}, False),
        ({"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}, False),
        ({"ad_user_data": "GRANTED", "ad_personalization": "GRANTED"}, True),
    ],
)
def test_consent_that_is_missing_is_none_in_google_analytics(consent: Any, consents: bool) -> None:
    found = read(ga4.read, {**payload("ga4_purchase.json"), "consent": consent})
    assert {event.consent for event in found.events} == {consents}


def test_an_event_of_google_analytics_that_is_sent_again_is_known_by_time_and_place() -> None:
    view = {"name": "view_item", "params": {"items": [{"item_id": 7}]}}
    body = {"client_id": 1, "timestamp_micros": "1669995420000000", "events": [view, view]}
    ids = fields(read(ga4.read, body), "event_id")
    assert ids == fields(read(ga4.read, body), "event_id")
    assert len(set(ids)) == 2
    assert ids != fields(read(ga4.read, {**body, "timestamp_micros": 1669995420000001}), "event_id")
    # Without a time nothing tells two views of a product from one that is sent twice.
    assert fields(read(ga4.read, {"client_id": 1, "events": [view]}), "event_id") == [("",)]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"name": "view_item"}, "events[0].params.items"),
        ({"name": "view_item", "params": {"items": [{"price": 1}]}},
         "events[0].params.items[0].item_id"),
        ({"name": "purchase", "params": {"items": [{"item_id": "a", "price": "x"}]}},
         "events[0].params.items[0].price"),
        ({"name": "purchase", "params": {"items": [{"item_id": "a", "quantity": -1}]}},
         "events[0].params.items[0].quantity"),
        ({"name": "purchase", "params": 3}, "events[0].params"),
        ({"params": {}}, "events[0].name"),
        (3, "events[0]"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_an_event_of_google_analytics_is_named(event: Any, field: str) -> None:
    found = read(ga4.read, {"client_id": "1", "events": [event]})
    assert found.events == []
    assert [(each.index, each.field) for each in found.rejected] == [(0, field)]


@pytest.mark.parametrize(
    ("body", "field"), [({"events": []}, "client_id"), ({"client_id": "1"}, "events"), ([], "")]
)
def test_a_body_that_is_not_of_the_measurement_protocol_is_refused(body: Any, field: str) -> None:
    with pytest.raises(UnreadableError) as raised:
        read(ga4.read, body)
    assert raised.value.field == field


def test_an_order_of_segment_is_one_event_per_product() -> None:
    found = read(segment.read_track, payload("segment_order_completed.json"))
    assert (found.ignored, found.rejected) == (0, [])
    assert fields(found, "event_type", "product_id", "quantity", "price") == [
        ("purchase", "507f1f77bcf86cd799439011", 1.0, 19.0),
        ("purchase", "46493-32", 2.0, 3.0),
    ]
    happened = microseconds(datetime(2015, 12, 12, 19, 11, 1, 249_000, tzinfo=UTC))
    assert set(fields(found, "user_id", "order_id", "currency", "consent", "event_time")) == {
        ("AiUGstSDIg", "50314b8e9bcf000000000000", "USD", True, happened)
    }
    message = "ajs-f8ca1e4de5024d9430b3928bd8ac6b96"
    assert fields(found, "event_id") == [
        (item_id("segment", message, item=place),) for place in (0, 1)
    ]


def test_a_batch_of_segment_is_its_events_in_order() -> None:
    found = read(segment.read_batch, payload("segment_batch.json"))
    assert (found.ignored, found.rejected) == (2, [])
    names = ("index", "event_type", "product_id", "price", "list_id", "position", "query")
    assert fields(found, *names) == [
        (1, "view", "507f1f77bcf86cd799439011", 18.99, None, 3, None),
        (2, "search", None, None, None, None, "blue hotpants"),
        (3, "list_view", "507f1f77bcf86cd799439011", 19.0, "hot_deals_1", 1, None),
        (3, "list_view", "505bd76785ebb509fc183733", 3.0, "hot_deals_1", 2, None),
    ]
    assert {event.consent for event in found.events} == {True}  # stated for the batch
    second = microseconds(datetime(2015, 2, 2, 0, 30, 14, tzinfo=UTC))
    assert found.events[2].event_time == second


@pytest.mark.parametrize(
    ("preferences", "consents"),
    [(None, False), ({}, False), ({"A": True, "B": False}, False), ({"A": True}, True)],
)
def test_consent_that_is_missing_is_none_in_segment(preferences: Any, consents: bool) -> None:
    call = payload("segment_order_completed.json")
    call["context"]["consent"] = preferences and {"categoryPreferences": preferences}
    assert {event.consent for event in read(segment.read_track, call).events} == {consents}


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ({"event": "Product Viewed", "properties": {}}, "batch[0].properties.product_id"),
        ({"event": "Product Viewed", "properties": {"sku": "a", "price": "x"}},
         "batch[0].properties.price"),
        ({"event": "Order Completed", "properties": {"products": [{"price": 1}]}},
         "batch[0].properties.products[0].product_id"),
        ({"event": "Product Viewed", "timestamp": "yesterday"}, "batch[0].timestamp"),
        ({"event": "Products Searched", "properties": {"query": "x" * 1025}},
         "batch[0].properties.query"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_call_of_segment_is_named(call: Any, field: str) -> None:
    found = read(segment.read_batch, {"batch": [call]})
    assert found.events == []
    assert [each.field for each in found.rejected] == [field]


@pytest.mark.parametrize("vendor", ["ga4", "segment"])
def test_a_name_means_the_same_in_a_file_and_at_the_door(vendor: str) -> None:
    import tomllib

    said = tomllib.loads(preset_text(vendor))["events"]["values"]["event_type"]
    types = event_types(vendor)
    assert types.keys() == said.keys()
    for name, event_type in types.items():
        # A refund is a return at the door, where it can be one of a product; files say less.
        expected = "return" if event_type == "refund" else said[name]
        assert RAW_TYPES.get(event_type, UNUSED) == expected


def test_no_message_repeats_what_was_sent() -> None:
    secret = "anna@example.org"
    bodies = [
        (own_format.read, {"event_id": "1", "event_type": secret}),
        (own_format.read, {"event_id": "1", "event_type": "view", "price": secret}),
        (own_format.read, {"event_id": secret * 100, "event_type": "view"}),
        (ga4.read, {"client_id": secret, "events": [{"name": 3, "params": {secret: secret}}]}),
        (segment.read_batch, {"batch": [{"userId": [secret], "event": "Product Viewed"}]}),
    ]
    for reader, body in bodies:
        found = read(reader, body)
        assert found.rejected
        assert all(secret not in f"{each.field} {each.message}" for each in found.rejected)
