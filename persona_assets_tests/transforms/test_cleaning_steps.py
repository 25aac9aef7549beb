"""Every delivered row is accounted for, step by step: by hand, and against a plain loop."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError
from persona_assets.sources.online_retail import OnlineRetail
from persona_assets.tables.mart import QUARANTINE, RULES, USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import EVENTS, PRODUCTS
from persona_assets.tables.segmentation import CLEANING_STEPS
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean, rejected
from persona_assets.transforms.cleaning_steps import count_cleaning_steps
from persona_assets.transforms.customer_features import compute_customer_features

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "online_retail.parquet"
CUTOFF = date(2025, 3, 10)
MIDNIGHT = datetime(2025, 3, 10, tzinfo=UTC)
NOON = datetime(2025, 3, 5, 12, tzinfo=UTC)
LAST = ["returns_matched", "returns_unmatched", "customers_without_purchase", "outliers"]


@pytest.fixture(scope="session")
def mart_and_quarantine(on_polars):
    """Cleans raw rows: mart and quarantine."""

    def split(events, products):
        cleaned = on_polars(clean, events, products, key=b"key", weights=DEFAULT_WEIGHTS)
        return on_polars(accepted, cleaned), on_polars(rejected, cleaned)

    return split


def marked(interactions, *unusual):
    """What `cleaning_steps` reads of segments: some people of the mart are outliers."""
    people = interactions["user_id"].unique().sort()
    return pl.DataFrame({"user_id": people, "outlier": people.is_in(list(unusual))})


def steps_of(events, quarantine, interactions, segments, cutoff=CUTOFF):
    frames = (nw.from_native(f.lazy()) for f in (events, quarantine, interactions, segments))
    return count_cleaning_steps(*frames, cutoff=cutoff)


def line(user, event_type="purchase", quantity=1, price=10.0, **more):
    return {
        "event_date": NOON.date(),
        "user_id": user,
        "product_id": "p1",
        "event_type": event_type,
        "timestamp": NOON.isoformat(),
        "arrived_at": NOON,
        "quantity": quantity,
        "unit_price": price,
        "order_id": "o",
        "related_event_id": None,
        "consent": True,
    } | more


def delivered(*rows):
    filled = [
        {"event_id": f"e{number}", "source_row": number} | row for number, row in enumerate(rows)
    ]
    return pl.DataFrame(filled, schema=EVENTS.polars_schema)


GOODS = pl.DataFrame(
    [{"product_id": "p1", "kind": "product"}, {"product_id": "POST", "kind": "service"}],
    schema=PRODUCTS.polars_schema,
)
SHOP = delivered(
    line("anna"),
    line("anna", event_id="e0"),  # the same line again
    line("anna", "return", -1, related_event_id="e0"),
    line("bob", quantity=3),
    line("bob", product_id="POST"),
    line("bob", "return", -2),
    line("cy", "return", -1),  # returns alone
    line("di", product_id="POST"),  # postage alone
    line(None, quantity=5),
    line(" ", price=1.0),
    line("eve", price=0.0),
    line("eve", "click"),  # might have been a purchase
    line("eve", quantity=None, price=7.0),
    line("anna", "view", price=None),
    line("fay", "add_to_cart"),
    line("gus", arrived_at=MIDNIGHT),  # known too late
    line("gus", event_date=CUTOFF, timestamp=MIDNIGHT.isoformat(), arrived_at=MIDNIGHT),
)


def test_hand_made_rows_step_by_step(lazy, collect):
    cleaned = lazy(collect(clean(lazy(SHOP), lazy(GOODS), key=b"key", weights=DEFAULT_WEIGHTS)))
    interactions, quarantine = collect(accepted(cleaned)), collect(rejected(cleaned))
    bob = interactions.filter(pl.col("quantity") == 3)["user_id"].item()
    found = count_cleaning_steps(
        lazy(SHOP),
        lazy(quarantine),
        lazy(interactions),
        lazy(marked(interactions, bob)),
        cutoff=CUTOFF,
    )
    assert found.schema == CLEANING_STEPS.polars_schema
    assert found.drop("cutoff", "position").rows() == [
        # step, rows, customers, rows left, customers left, amount left, removes
        ("delivered", 13, 5, 13, 5, 91.0, False),
        ("exact_duplicate", 1, 0, 12, 5, 81.0, True),
        ("unknown_event_type", 1, 0, 11, 5, 71.0, True),
        ("missing_user", 2, 0, 9, 5, 20.0, True),
        ("service_line", 2, 1, 7, 4, 0.0, True),
        ("invalid_quantity", 1, 0, 6, 4, 0.0, True),
        ("zero_price", 1, 1, 5, 3, 0.0, True),
        ("returns_matched", 1, 1, 5, 3, 0.0, False),
        ("returns_unmatched", 2, 2, 5, 3, 0.0, False),
        ("customers_without_purchase", 1, 1, 4, 2, 10.0, True),
        ("outliers", 2, 1, 4, 2, 10.0, False),
    ]
    assert found["position"].to_list() == list(range(11))
    assert (found["cutoff"] == CUTOFF).all()


def test_nothing_delivered_is_nothing_left():
    events, quarantine, interactions = (
        table.empty() for table in (EVENTS, QUARANTINE, USER_ITEM_INTERACTIONS)
    )
    found = steps_of(events, quarantine, interactions, marked(interactions))
    assert found["step"].to_list() == ["delivered", *LAST]
    assert found.select("rows", "customers", "rows_left", "customers_left").sum().row(0) == (0,) * 4


def plain(events, quarantine, interactions, unusual):
    """The same steps by plain loops: name, rows, customers, and what is left."""
    rule = {(row["event_date"], row["source_row"]): row["rule"] for row in quarantine}
    clean = {(row["event_date"], row["source_row"]): row for row in interactions}
    left = {
        (row["event_date"], row["source_row"]): row
        for row in events
        if row["event_type"] not in ("view", "add_to_cart") and row["arrived_at"] < MIDNIGHT
        and row["event_date"] < CUTOFF
    }  # fmt: skip

    def people(rows):
        return {row["user_id"] for row in rows if (row["user_id"] or "").strip(" \t\r\n")}

    def told(step, rows, customers, *, removes=False):
        amount = sum(worth(row) for row in left.values())
        return (
            step, rows, customers, len(left), len(people(left.values())), pytest.approx(amount),
            removes,
        )  # fmt: skip

    steps = [told("delivered", len(left), len(people(left.values())))]
    for name in RULES:
        gone = {place: row for place, row in left.items() if rule.get(place) == name}
        if gone:
            before = people(left.values())
            left = {place: row for place, row in left.items() if place not in gone}
            lost = len(before - people(left.values()))
            steps.append(told(name, len(gone), lost, removes=True))
    returns = [row for row in left.values() if row["event_type"] == "return"]
    for name, matched in (("returns_matched", True), ("returns_unmatched", False)):
        some = [row for row in returns if (row["related_event_id"] is not None) == matched]
        steps.append(told(name, len(some), len(people(some))))
    buyers = people(row for row in left.values() if row["event_type"] == "purchase")
    others = {place for place, row in left.items() if row["user_id"] not in buyers}
    lost = len(people(left.values()) - buyers)
    left = {place: row for place, row in left.items() if place not in others}
    steps.append(told("customers_without_purchase", len(others), lost, removes=True))
    odd = [row for place, row in left.items() if clean[place]["user_id"] in unusual]
    steps.append(told("outliers", len(odd), len(people(odd))))
    return steps


def worth(row):
    price, quantity = row["unit_price"], row["quantity"]
    sound = None not in (price, quantity) and abs(price) <= 1e9 and abs(quantity) <= 1e9
    return price * quantity if sound else 0.0


def returns_that_name_their_purchase(events):
    """Every other return names some purchase."""
    named = (pl.col("event_type") == "return") & (pl.col("source_row") % 2 == 0)
    return events.with_columns(related_event_id=pl.when(named).then(pl.lit("e1")))


@settings(max_examples=25)
@given(seed=st.integers(0, 10**9), dirt=st.sampled_from([0.1, 0.5, 0.9]))
def test_steps_agree_with_plain_loops_over_dirt(dirty_shop, mart_and_quarantine, seed, dirt):
    shop = dirty_shop(seed, rows=250, days=9, dirt=dirt)  # days 8 and 9 lie after the cut-off
    events = returns_that_name_their_purchase(shop.events)
    interactions, quarantine = mart_and_quarantine(events, shop.products)
    unusual = interactions["user_id"].unique().sort()[:2].to_list()
    found = steps_of(events, quarantine, interactions, marked(interactions, *unusual))
    expected = plain(
        events.to_dicts(), quarantine.to_dicts(), interactions.to_dicts(), set(unusual)
    )
    assert found.drop("cutoff", "position").rows() == expected
    assert_conserved(found)


def assert_conserved(found):
    """Each step's rows are what the step before had less what this one takes."""
    first, before = True, None
    for row in found.to_dicts():
        if first:
            assert (row["rows"], row["customers"]) == (row["rows_left"], row["customers_left"])
        else:
            for name in ("rows", "customers"):
                taken = row[name] if row["removes"] else 0
                assert row[f"{name}_left"] == before[f"{name}_left"] - taken
        first, before = False, row


@settings(max_examples=10)
@given(seed=st.integers(0, 10**9))
def test_the_future_and_what_arrived_in_it_change_nothing(dirty_shop, mart_and_quarantine, seed):
    shop = dirty_shop(seed, rows=250, days=9)
    interactions, quarantine = mart_and_quarantine(shop.events, shop.products)
    segments = marked(interactions, *interactions["user_id"].unique().sort()[:1])
    everything = steps_of(shop.events, quarantine, interactions, segments)
    known = (pl.col("event_date") < CUTOFF) & (pl.col("arrived_at") < MIDNIGHT)
    tables = (shop.events, quarantine, interactions)
    past = steps_of(*(table.filter(known).reverse() for table in tables), segments)
    assert_frame_equal(everything, past)


def test_a_row_that_is_in_neither_table_is_refused(mart_and_quarantine):
    interactions, quarantine = mart_and_quarantine(SHOP, GOODS)
    with pytest.raises(DataError, match=r"2025-03-10: .* 5 are not .* has 4; materialize the mart"):
        steps_of(
            SHOP, quarantine, interactions.filter(pl.col("quantity") != 3), marked(interactions)
        )


def test_online_retail_is_accounted_for_to_its_segmented_customers(mart_and_quarantine, on_polars):
    if not PUBLISHED.is_file():
        pytest.skip(f"the UCI Online Retail data set is not at {PUBLISHED}")
    source, cutoff = OnlineRetail(PUBLISHED), date(2011, 11, 28)
    days = [source.start + timedelta(days=n) for n in range((source.end - source.start).days)]
    events = source.events(days)
    interactions, quarantine = mart_and_quarantine(events, source.products())
    nowhere = pl.DataFrame(schema={"user_id": pl.String, "country": pl.String})
    customers = on_polars(
        compute_customer_features, interactions, nowhere, source.products(), cutoff=cutoff
    )
    buyers = customers.drop_nulls("recency_days")
    segments = buyers.select("user_id", outlier=pl.col("gross_spend") > 20_000)
    found = steps_of(events, quarantine, interactions, segments, cutoff)
    assert_conserved(found)
    by_step = defaultdict(dict, {row["step"]: row for row in found.to_dicts()})
    window = events.filter(
        pl.col("event_date") < cutoff, pl.col("event_date") >= cutoff - timedelta(days=364)
    )
    assert by_step["delivered"]["rows"] == window.height > 480_000
    assert by_step["delivered"]["customers"] == window["user_id"].drop_nulls().n_unique()
    assert by_step["missing_user"]["rows_left"] == (
        window.drop("source_row").unique().drop_nulls("user_id").height
    )
    assert by_step["zero_price"]["customers_left"] == customers.height
    assert by_step["zero_price"]["amount_left"] == pytest.approx(customers["net_spend"].sum())
    assert by_step["customers_without_purchase"]["customers_left"] == buyers.height
    assert by_step["outliers"]["customers"] == segments["outlier"].sum() > 30
    assert by_step["outliers"]["amount_left"] == pytest.approx(buyers["net_spend"].sum())
