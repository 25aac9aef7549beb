"""What presets make of their vendors' documented shapes: events, and what they are about."""

import gzip
import json
from datetime import date

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.sources.files import FilesSource
from persona_assets.sources.inspection import inspect_files
from persona_assets.sources.validation import check_files
from persona_assets_tests.sources.mapping_files import read_mapping

TODAY = date(2024, 12, 1)
DAY = date(2024, 5, 13)
VIEWED = {
    "product_id": "p1", "sku": "s1", "name": "Hoodie", "category": "merch", "brand": "Acme",
    "price": 80, "quantity": 1,
}  # fmt: skip
ORDERED = {
    "order_id": "o1",
    "products": [
        {"product_id": "p1", "name": "Hoodie", "price": 80, "quantity": 1},
        {"product_id": "p2", "name": "Mug", "price": 9.5, "quantity": 2},
    ],
}


def _posthog(event, properties, second):
    """A row of PostHog's events model."""
    return {
        "uuid": f"018f-{second}",
        "event": event,
        "distinct_id": "ann@example.org",
        "person_id": "0190-1",
        "properties": {"$lib": "web", **properties},
        "person_properties": {"email": "ann@example.org"},
        "elements_chain": "",
        "timestamp": f"2024-05-13T10:00:{second:02}.123456+00:00",
        "created_at": f"2024-05-13T10:01:{second:02}.000000+00:00",
        "_inserted_at": f"2024-05-13T10:02:{second:02}.000000+00:00",
    }


POSTHOG = [
    _posthog("Product Viewed", VIEWED, 1),
    _posthog("Order Completed", ORDERED, 2),
    _posthog("$pageview", {"$current_url": "https://shop.example"}, 3),
]


@pytest.fixture(params=["JSON lines", "JSON lines, properties as text", "Parquet"])
def posthog_export(request, tmp_path):
    """A folder as a batch export leaves it, with its manifest."""
    folder = tmp_path / "in" / "2024-05-13_events"
    folder.mkdir(parents=True)
    (folder / "2024-05-13T00:00-2024-05-14T00:00_manifest.json").write_text('{"files": ["a"]}')
    nested = ("properties", "person_properties")
    rows = [{**row, **{name: json.dumps(row[name]) for name in nested}} for row in POSTHOG]
    if request.param != "Parquet":
        whole = POSTHOG if request.param == "JSON lines" else rows
        lines = "".join(json.dumps(row) + "\n" for row in whole)
        (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    else:
        times = pl.col("timestamp", "created_at", "_inserted_at")
        frame = pl.DataFrame(rows).with_columns(times.str.to_datetime(time_zone="UTC"))
        frame.write_parquet(folder / "a.parquet.zst", compression="zstd")
    return tmp_path / "in"


def test_posthog_s_batch_export_is_read_row_by_row(posthog_export):
    source = FilesSource(posthog_export, read_mapping("posthog", consent="all"), today=TODAY)
    events = source.events([DAY])
    assert events.select("event_id", "user_id", "product_id", "event_type").rows() == [
        ("018f-1-1", "ann@example.org", "p1", "view"),
        ("018f-2-1", "ann@example.org", "p1", "purchase"),
        ("018f-2-2", "ann@example.org", "p2", "purchase"),
        ("018f-3-1", "ann@example.org", None, "unused"),
    ]
    assert events["unit_price"].to_list() == [80, 80, 9.5, None]
    assert events["order_id"].to_list() == [None, "o1", "o1", None]
    assert events["arrived_at"].dt.to_string("%H:%M:%S").to_list() == [
        "10:01:01", "10:01:02", "10:01:02", "10:01:03",
    ]  # fmt: skip
    assert source.products().select("product_id", "name", "category", "brand").rows() == [
        ("p1", "Hoodie", "merch", "Acme"),
        ("p2", "Mug", None, None),
    ]


def test_posthog_s_rows_are_in_the_mart_or_rejected_and_inspect_knows_them(posthog_export):
    result = check_files(posthog_export, "posthog", today=TODAY, consent="all")
    assert (result.rows, result.accepted) == (4, 3)
    assert {rule: one.rows for rule, one in result.rejected.items()} == {"unused_event_type": 1}
    found = inspect_files(posthog_export, today=TODAY)
    assert (found.preset, found.problem, found.check.accepted) == ("posthog", None, 3)
    assert "example.org" not in found.draft.toml


def test_segment_s_products_have_the_names_of_the_calls(tmp_path):
    calls = [
        {"event": "Product Viewed", "properties": VIEWED},
        {"event": "Order Completed", "properties": ORDERED},
        {"type": "page", "properties": {"name": "Home", "category": "Landing"}},
    ]
    folder = tmp_path / "in"
    folder.mkdir()
    envelope = {"userId": "u1", "timestamp": "2024-05-13T10:00:00Z"}
    lines = "".join(
        json.dumps({"messageId": f"m{n}", **envelope, **call}) + "\n"
        for n, call in enumerate(calls)
    )
    (folder / "track.jsonl").write_text(lines)
    source = FilesSource(folder, read_mapping("segment", consent="all"), today=TODAY)
    assert source.products().select("product_id", "name", "category", "brand").rows() == [
        ("p1", "Hoodie", "merch", "Acme"),
        ("p2", "Mug", None, None),
    ]
    assert source.events([DAY])["event_type"].to_list() == [
        "view",
        "purchase",
        "purchase",
        "unused",
    ]


def _delivered(tmp_path, name, text):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / name).write_text(text)
    return folder


def _lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_ga4_s_not_set_is_no_value_in_any_column(tmp_path):
    items = [{"item_id": "(not set)", "item_name": "Mug", "item_brand": "(not set)"}]
    order = {"transaction_id": "(not set)"}
    rows = [
        {
            "event_timestamp": 1_715_594_400_000_000 + second,
            "event_name": "purchase",
            "user_pseudo_id": f"{second}.7",
            "ecommerce": order,
            "items": items,
        }
        for second in range(3)
    ]
    folder = _delivered(tmp_path, "events_20240513.json", _lines(rows))
    result = check_files(folder, "ga4", today=TODAY, consent="all")
    assert (result.rows, result.accepted, dict(result.rejected)) == (3, 3, {})
    source = FilesSource(folder, read_mapping("ga4", consent="all"), today=TODAY)
    assert source.events([DAY])["order_id"].to_list() == [None] * 3
    assert source.products().select("product_id", "brand").rows() == [("Mug", None)]


@pytest.mark.parametrize("without", [[0, 1, 2], [1]])
def test_posthog_s_events_without_created_at_arrived_when_they_happened(tmp_path, without):
    rows = [
        {k: v for k, v in row.items() if n not in without or k != "created_at"}
        for n, row in enumerate(POSTHOG)
    ]
    folder = _delivered(tmp_path, "a.jsonl", _lines(rows))
    source = FilesSource(folder, read_mapping("posthog", consent="all"), today=TODAY)
    arrived = source.events([DAY])["arrived_at"].dt.to_string("%H:%M:%S").to_list()
    lines = [0, 1, 1, 2]  # the order has two
    assert arrived == [f"10:0{0 if n in without else 1}:0{n + 1}" for n in lines]


def test_woocommerce_s_lines_need_a_product_alone(tmp_path):
    order = {
        "id": 1,
        "status": "completed",
        "date_created_gmt": "2024-05-13T10:00:00",
        "customer_id": 5,
        "billing": {"first_name": "Ann"},
        "line_items": [{"product_id": 1}],
    }
    folder = _delivered(tmp_path, "orders.json", json.dumps(order, indent=2))
    result = check_files(folder, "woocommerce", today=TODAY, consent="all")
    assert (result.rows, result.accepted, result.products) == (1, 1, 1)


@pytest.mark.parametrize("items", [[], None, "left out"])
@pytest.mark.parametrize("custom", [2, 30])
def test_ga4_s_events_of_the_shop_s_own_are_named_and_not_called_without_product(
    tmp_path, items, custom
):
    """Beside 300 views; one in a hundred unknown names is put up with, and said all the same."""
    view = {"event_name": "view_item", "items": [{"item_id": "p1", "quantity": 1}]}
    own = {"event_name": "newsletter_banner_seen"}
    own |= {} if items == "left out" else {"items": items}
    rows = [
        {"event_timestamp": 1_715_594_400_000_000 + n, "user_pseudo_id": f"{n % 9}.7", **each}
        for n, each in enumerate([view] * 300 + [own] * custom)
    ]
    folder = _delivered(tmp_path, "events.jsonl", _lines(rows))
    result = check_files(folder, "ga4", today=TODAY, consent="all")
    assert {rule: one.rows for rule, one in result.rejected.items()} == {
        "unknown_event_type": custom
    }
    (note,) = [each for each in result.notes if "newsletter_banner_seen" in each]
    assert f"'newsletter_banner_seen' {custom}" in note
    assert "[events.values.event_type]" in note
    assert note.startswith("the mapping does not fit") == (custom == 30)


def test_a_list_of_products_as_text_is_never_taken_for_a_product(tmp_path):
    rows = [{"user": "u", "at": "2024-05-13T10:00:00Z", "what": "view", "items": '[{"id": "p1"}]'}]
    folder = _delivered(tmp_path, "events.jsonl", _lines(rows))
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        '[events]\nfile = "*"\nuser_id = "user"\nproduct_id = "items"\nevent_type = "what"\n'
        'timestamp = "at"\n[events.constants]\nconsent = true\n'
    )
    with pytest.raises(UserError, match=r"items\[\]\.id"):
        check_files(folder, mapping, today=TODAY)
    mapping.write_text(mapping.read_text().replace('"items"', '"items[].id"'))
    assert check_files(folder, mapping, today=TODAY).accepted == 1
