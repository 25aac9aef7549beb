import math
import random
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import UserError
from persona_assets.tables.mart import EVENT_TYPES, QUARANTINE, RULES, USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import EVENTS, PRODUCTS
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean, rejected
from persona_assets.transforms.pseudonyms import pseudonym

KEY = b"key of the tests"
AT = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
OPTIONS = {"key": KEY, "weights": DEFAULT_WEIGHTS}
KINDS = {"p1": "product", "p2": "product", "POST": "service", "gift_0001": "anomalous"}
PRODUCTS_FRAME = pl.DataFrame(
    [{"product_id": name, "kind": kind} for name, kind in KINDS.items()],
    schema=PRODUCTS.polars_schema,
)
CLEAN_EVENT = {
    "event_date": AT.date(),
    "user_id": "anna@example.com",
    "product_id": "p1",
    "event_type": "purchase",
    "timestamp": AT.isoformat(),
    "arrived_at": AT + timedelta(seconds=1),
    "quantity": 2,
    "unit_price": 1.25,
    "quantity_text": None,
    "unit_price_text": None,
    "order_id": "o1",
    "related_event_id": None,
    "consent": True,
}


def raw(*changes):
    """Raw events like the clean one, each with its own event_id and the given differences."""
    rows = [
        {"source_row": number, "event_id": f"e{number}"} | CLEAN_EVENT | change
        for number, change in enumerate(changes)
    ]
    return pl.DataFrame(rows, schema=EVENTS.polars_schema)


IMPOSSIBLE = "2025-02-30T00:00:00"
EVE, EVE_BY_ZONE = "2025-03-02T23:59:59Z", "2025-03-03T00:30:00+01:00"
LONG_AGO = "1970-01-01T00:00:00Z"
TOO_EARLY = AT - timedelta(minutes=5, microseconds=1)
STAND_FOR_NONE = (
    "9999-12-31", "9999-12-31T23:59:59Z", "0001-01-01", "0000-00-00 00:00:00", "31.12.9999",
    "12/31/9999 10:00", "31-DEC-9999", "0024-03-01 10:00", "99991231", "00010101 000000",
    "253402300799999", "-62135596800", "253402300799 (not seconds since 1970)",
)  # fmt: skip
NO_DATES = (
    "9999", "0001", "0.00.1", "9999-12-31x", "99991231-7", "9999-12-31\n", "12345678", "0000-0000",
)  # fmt: skip
BROKEN = [
    ({"consent": False}, "no_consent", "consent", "false"),
    ({"consent": None}, "no_consent", "consent", None),
    ({"event_id": None}, "missing_event_id", "event_id", None),
    ({"event_id": " "}, "missing_event_id", "event_id", " "),
    ({"user_id": None}, "missing_user", "user_id", None),
    ({"user_id": "\t"}, "missing_user", "user_id", None),
    ({"product_id": None}, "missing_product", "product_id", None),
    ({"product_id": ""}, "missing_product", "product_id", ""),
    ({"timestamp": None}, "unreadable_timestamp", "timestamp", None),
    ({"timestamp": IMPOSSIBLE}, "unreadable_timestamp", "timestamp", IMPOSSIBLE),
    ({"arrived_at": TOO_EARLY}, "implausible_timestamp", "timestamp", AT.isoformat()),
    ({"timestamp": LONG_AGO}, "implausible_timestamp", "timestamp", LONG_AGO),
    *(({"timestamp": none}, "implausible_timestamp", "timestamp", none) for none in STAND_FOR_NONE),
    *(({"timestamp": none}, "unreadable_timestamp", "timestamp", none) for none in NO_DATES),
    ({"timestamp": EVE}, "outside_partition", "timestamp", EVE),
    ({"timestamp": EVE_BY_ZONE}, "outside_partition", "timestamp", EVE_BY_ZONE),
    ({"event_type": "unused", "user_id": None}, "unused_event_type", "event_type", "unused"),
    ({"event_type": "click"}, "unknown_event_type", "event_type", "click"),
    ({"event_type": None}, "unknown_event_type", "event_type", None),
    ({"product_id": "p3"}, "unknown_product", "product_id", "p3"),
    ({"product_id": "POST"}, "service_line", "product_id", "POST"),
    ({"product_id": "gift_0001"}, "anomalous_code", "product_id", "gift_0001"),
    ({"quantity": None}, "invalid_quantity", "quantity", None),
    ({"quantity": 0}, "invalid_quantity", "quantity", "0"),
    ({"quantity": -2}, "invalid_quantity", "quantity", "-2"),
    ({"quantity": 2, "event_type": "return"}, "invalid_quantity", "quantity", "2"),
    ({"quantity": 0, "event_type": "return"}, "invalid_quantity", "quantity", "0"),
    ({"quantity": 2.0**62}, "invalid_quantity", "quantity", "> 1000000000"),
    ({"quantity": -0.5}, "invalid_quantity", "quantity", "-0.5"),
    ({"quantity": None, "quantity_text": "two"}, "unreadable_quantity", "quantity", "two"),
    ({"quantity": math.nan}, "unreadable_quantity", "quantity", "NaN"),
    ({"unit_price": None, "unit_price_text": "5 or 6"}, "unreadable_price", "unit_price", "5 or 6"),
    ({"unit_price": -11062.06}, "negative_price", "unit_price", "-11062.06"),
    ({"unit_price": -1e8}, "negative_price", "unit_price", "-100000000"),
    ({"unit_price": -0.0005, "event_type": "view"}, "negative_price", "unit_price", "-0.0005"),
    ({"unit_price": -math.inf}, "unreadable_price", "unit_price", "< -1000000000"),
    ({"unit_price": 0.0}, "zero_price", "unit_price", "0"),
    ({"unit_price": math.nan}, "unreadable_price", "unit_price", "NaN"),
    ({"unit_price": 1e300}, "unreadable_price", "unit_price", "> 1000000000"),
    ({"unit_price": 0.0, "event_type": "return", "quantity": -1}, "zero_price", "unit_price", "0"),
]  # fmt: skip


def test_each_rule_names_column_and_value(lazy, collect):
    events = raw(*(change for change, *_ in BROKEN))
    cleaned = clean(lazy(events), lazy(PRODUCTS_FRAME), **OPTIONS)
    result = collect(rejected(cleaned)).sort("source_row")
    labels = result.select("rule", "column", "value").rows()
    assert labels == [tuple(expected) for _, *expected in BROKEN]


def test_every_rule_of_the_contract_is_tried():
    tried = {rule for _, rule, *_ in BROKEN}
    assert tried | {"exact_duplicate", "duplicate_event_id"} == set(RULES)


def test_a_row_is_rejected_by_the_first_rule_it_breaks(on_polars):
    breaks = {
        rule: change for change, rule, *_ in reversed(BROKEN) if "return" not in change.values()
    }
    breaks["implausible_timestamp"] = {"timestamp": "2025-03-03T09:06:02Z"}
    order = [rule for rule in RULES if rule in breaks]
    pairs = [
        (one, other)
        for at, one in enumerate(order)
        for other in order[at + 1 :]
        if not breaks[one].keys() & breaks[other].keys()
    ]
    assert len(pairs) > 50
    events = raw(*(breaks[other] | breaks[one] for one, other in pairs))
    cleaned = on_polars(clean, events, PRODUCTS_FRAME, **OPTIONS).sort("source_row")
    assert cleaned["rule"].to_list() == [one for one, _ in pairs]


def test_an_accepted_row_has_its_amount_weight_and_pseudonym(on_polars):
    events = raw(
        {},
        {"event_type": "return", "quantity": -1, "related_event_id": "e0"},
        {"event_type": "view", "quantity": 1, "unit_price": 1.25},
        {"event_type": "add_to_cart", "quantity": 0.5, "unit_price": 3.0},
        {"event_type": "purchase", "quantity": 1, "unit_price": None},
        {
            "timestamp": "2025-03-03T23:59:59.5",
            "arrived_at": datetime(2025, 3, 4, 0, 1, tzinfo=UTC),
        },
        {"arrived_at": AT - timedelta(minutes=5)},
    )
    cleaned = on_polars(clean, events, PRODUCTS_FRAME, **OPTIONS)
    result, quarantine = (
        on_polars(accepted, cleaned).sort("source_row"),
        on_polars(rejected, cleaned),
    )
    assert quarantine.is_empty()
    assert dict(result.schema) == dict(USER_ITEM_INTERACTIONS.polars_schema)
    assert dict(quarantine.schema) == dict(QUARANTINE.polars_schema)
    assert set(result["user_id"]) == {pseudonym("anna@example.com", KEY)}
    assert result["amount"].to_list() == [2.5, -1.25, 0.0, 0.0, None, 2.5, 2.5]
    assert result["weight"].to_list() == [5.0, 0.0, 1.0, 3.0, 5.0, 5.0, 5.0]
    assert result["unit_price"].to_list() == [1.25, 1.25, 1.25, 3.0, None, 1.25, 1.25]
    assert result["event_ts"][5] == datetime(2025, 3, 3, 23, 59, 59, 500_000, tzinfo=UTC)
    assert result["arrival_date"][5].day == 4


def test_orders_are_keyed_hashes_and_no_order_stays_none(lazy, collect):
    orders = ["o1", "o1", None, "anna@example.com"]
    events = raw(*({"order_id": order} for order in orders))
    cleaned = clean(lazy(events), lazy(PRODUCTS_FRAME), **OPTIONS)
    result = collect(accepted(cleaned)).sort("source_row")
    assert result["order_id"].to_list() == [
        None if order is None else pseudonym(order, KEY) for order in orders
    ]


def test_the_first_of_exact_copies_stays(on_polars):
    copy = {"event_id": "e0"}
    nulls = {"event_id": None, "unit_price": None, "order_id": None}
    events = raw(copy, nulls, nulls, copy, copy | {"order_id": "o2"})
    cleaned = on_polars(clean, events, PRODUCTS_FRAME, **OPTIONS).sort("source_row")
    assert cleaned["rule"].to_list() == [
        None,
        "missing_event_id",
        "exact_duplicate",
        "exact_duplicate",
        "duplicate_event_id",
    ]


def test_of_one_event_id_the_row_that_arrived_first_stays(on_polars):
    same = {"event_id": "e"}
    events = raw(
        same | {"arrived_at": AT + timedelta(hours=2)},
        same | {"arrived_at": AT, "unit_price": -1.0},  # rejected by itself: takes no place
        same | {"arrived_at": AT + timedelta(hours=1)},
        same | {"arrived_at": AT + timedelta(hours=1), "quantity": 3},
    )
    cleaned = on_polars(clean, events, PRODUCTS_FRAME, **OPTIONS).sort("source_row")
    late, negative, first, tie = cleaned["rule"].to_list()
    assert (late, negative, first, tie) == (
        "duplicate_event_id",
        "negative_price",
        None,
        "duplicate_event_id",
    )


def test_missing_weight_is_a_user_error(on_polars):
    with pytest.raises(UserError, match="'return'"):
        on_polars(
            clean, raw({}), PRODUCTS_FRAME, key=KEY, weights=dict.fromkeys(EVENT_TYPES[:3], 1.0)
        )


def test_no_user_identifier_leaves_raw(on_polars):
    events = raw(*(change for change, *_ in BROKEN), {})
    cleaned = on_polars(clean, events, PRODUCTS_FRAME, **OPTIONS)
    for table in (on_polars(accepted, cleaned), on_polars(rejected, cleaned)):
        assert "anna" not in table.write_csv()


@settings(max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_every_raw_row_is_in_the_mart_or_in_quarantine_exactly_once(dirty_shop, on_polars, seed):
    shop = dirty_shop(seed)
    cleaned = on_polars(clean, shop.events, shop.products, **OPTIONS)
    mart, quarantine = on_polars(accepted, cleaned), on_polars(rejected, cleaned)
    key = ["event_date", "source_row"]
    both = pl.concat([mart.select(key), quarantine.select(key)]).sort(key)
    assert_frame_equal(both, shop.events.select(key).sort(key))
    assert mart.filter(pl.struct("event_date", "event_id").is_duplicated()).is_empty()


@settings(max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_a_plain_loop_over_the_rules_agrees(dirty_shop, on_polars, seed):
    shop = dirty_shop(seed)
    cleaned = on_polars(clean, shop.events, shop.products, **OPTIONS)
    labels = cleaned.select("event_date", "source_row", "rule").rows()
    result = {(day, row): rule for day, row, rule in labels}
    assert result == naive_rules(shop.events.to_dicts(), shop.products.to_dicts())


def naive_rules(events, products):
    kinds = {row["product_id"]: row["kind"] for row in products}
    rules, seen = {}, set()
    events = sorted(events, key=lambda row: (row["event_date"], row["source_row"]))
    for event in events:
        place = event["event_date"], event["source_row"]
        content = repr(sorted((k, v) for k, v in event.items() if k != "source_row"))
        rules[place] = "exact_duplicate" if content in seen else naive_rule(event, kinds)
        seen.add(content)
    kept = set()
    for event in sorted(events, key=lambda row: (row["arrived_at"], row["source_row"])):
        place = event["event_date"], event["source_row"]
        name = event["event_date"], event["event_id"]
        if rules[place] is None and name in kept:
            rules[place] = "duplicate_event_id"
        elif rules[place] is None:
            kept.add(name)
    return rules


def naive_rule(event, kinds):  # noqa: C901
    def blank(name):
        return not (event[name] or "").strip()

    if event["consent"] is not True:
        return "no_consent"
    if event["event_type"] not in EVENT_TYPES:
        return "unknown_event_type"
    for name, rule in [
        ("event_id", "missing_event_id"),
        ("user_id", "missing_user"),
        ("product_id", "missing_product"),
    ]:
        if blank(name):
            return rule
    at = naive_instant(event["timestamp"])
    if at is None:
        return "unreadable_timestamp"
    if at > event["arrived_at"] + timedelta(minutes=5):
        return "implausible_timestamp"
    if at.date() != event["event_date"] and at < event["arrived_at"] - timedelta(days=365):
        return "implausible_timestamp"
    if at.date() != event["event_date"]:
        return "outside_partition"
    kind = kinds.get(event["product_id"])
    if kind != "product":
        return {None: "unknown_product", "service": "service_line", "anomalous": "anomalous_code"}[
            kind
        ]
    quantity, price = event["quantity"], event["unit_price"]
    wanted = -1 if event["event_type"] == "return" else 1
    if event["quantity_text"] is not None or (quantity is not None and not math.isfinite(quantity)):
        return "unreadable_quantity"
    if quantity is None or quantity * wanted <= 0 or abs(quantity) > 1e9:
        return "invalid_quantity"
    if event["unit_price_text"] is not None or (
        price is not None and (not math.isfinite(price) or price > 1e9)
    ):
        return "unreadable_price"
    if price is not None and price < 0:
        return "negative_price"
    if event["event_type"] in ("purchase", "return") and price == 0:
        return "zero_price"
    return None


def naive_instant(text):
    if text == "03/03/2025 09:00":
        return AT
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**9))
def test_a_range_equals_its_days_in_any_order_of_days_and_rows(dirty_shop, on_polars, seed):
    shop = dirty_shop(seed, rows=80, days=4)

    def tables(events):
        cleaned = on_polars(clean, events, shop.products, **OPTIONS)
        return on_polars(accepted, cleaned), on_polars(rejected, cleaned)

    whole = tables(shop.events)
    days = shop.events.partition_by("event_date")
    random.Random(seed).shuffle(days)
    by_day = zip(
        *(tables(day.sample(fraction=1, shuffle=True, seed=1)) for day in days), strict=True
    )
    for one, parts in zip(whole, by_day, strict=True):
        key = ["event_date", "source_row"]
        assert_frame_equal(one.sort(key), pl.concat(parts).sort(key), check_exact=True)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_a_later_arrival_never_displaces_or_changes_a_row_of_the_mart(dirty_shop, on_polars, seed):
    shop = dirty_shop(seed)
    horizon = datetime(2025, 3, 5, tzinfo=UTC)

    def mart(events):
        cleaned = on_polars(clean, events, shop.products, **OPTIONS)
        return on_polars(accepted, cleaned).filter(pl.col("arrived_at") < horizon)

    before = mart(shop.events.filter(pl.col("arrived_at") < horizon))
    key = ["event_date", "source_row"]
    assert_frame_equal(before.sort(key), mart(shop.events).sort(key), check_exact=True)
