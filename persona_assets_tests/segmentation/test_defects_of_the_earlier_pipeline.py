"""One test for each way in which an earlier public pipeline computed customers wrongly.

Each wrong computation is written out here, so that a test shows both what it gives and that ours
differs: on rows made by hand, and on the data set that the pipeline was published for. What it did
wrong with its model is in `test_model_defects_of_the_earlier_pipeline.py`.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest

from persona_assets.sources.online_retail import OnlineRetail
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import PRODUCTS
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean
from persona_assets.transforms.customer_features import compute_customer_features
from persona_assets.transforms.pseudonyms import pseudonym

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "online_retail.parquet"
KEY = b"key"
CUTOFF = date(2011, 12, 12)
"""The Monday after the last day of the data set."""
START = CUTOFF - timedelta(days=364)
NOBODY = pl.DataFrame(schema={"user_id": pl.String, "country": pl.String})


def features(rows: pl.DataFrame) -> pl.DataFrame:
    frames = (nw.from_native(f.lazy()) for f in (rows, NOBODY, PRODUCTS.empty()))
    return (
        compute_customer_features(*frames, cutoff=CUTOFF)
        .collect("polars")
        .to_native()
        .sort("user_id")
    )


def line(user: str, order: str, day: int, amount: float = 10.0) -> dict[str, object]:
    """A line of November; orders whose number begins with C are cancellations."""
    at = datetime(2011, 11, day, 12, tzinfo=UTC)
    return dict.fromkeys(USER_ITEM_INTERACTIONS.polars_schema) | {
        "event_date": at.date(),
        "event_ts": at,
        "arrived_at": at,
        "user_id": user,
        "product_id": f"p{amount}",
        "event_type": "return" if order.startswith("C") else "purchase",
        "order_id": order,
        "amount": -amount if order.startswith("C") else amount,
    }


def mart(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=USER_ITEM_INTERACTIONS.polars_schema)


def of(table: pl.DataFrame, column: str) -> dict[str, object]:
    return dict(table.select("user_id", column).sort("user_id").iter_rows())


@pytest.fixture(scope="module")
def file() -> pl.DataFrame:
    """The lines that the earlier pipeline kept, its customers under the mart's names."""
    if not PUBLISHED.is_file():
        pytest.skip(f"the UCI Online Retail data set is not at {PUBLISHED}")
    kept = (
        pl.read_parquet(PUBLISHED)
        .drop_nulls(["CustomerID", "Description"])
        .unique(
            ["InvoiceNo", "StockCode", "Description", "CustomerID", "Quantity"],
            keep="first",
            maintain_order=True,
        )
        .filter(
            pl.col("StockCode").str.count_matches("[0-9]") > 1,
            ~pl.col("Description").is_in(["Next Day Carriage", "High Resolution Image"]),
            pl.col("UnitPrice") > 0,
        )
    )
    people = kept["CustomerID"].unique()
    names = pl.DataFrame(
        {"CustomerID": people, "user_id": [pseudonym(str(each), KEY) for each in people]}
    )
    return kept.join(names, on="CustomerID", maintain_order="left").select(
        "user_id",
        customer="CustomerID",
        order_id="InvoiceNo",
        product_id="StockCode",
        event_date=pl.col("InvoiceDate").dt.date(),
        amount=pl.col("Quantity") * pl.col("UnitPrice"),
    )


@pytest.fixture(scope="module")
def retail(file: pl.DataFrame) -> pl.DataFrame:
    """The mart of the whole data set."""
    source = OnlineRetail(PUBLISHED)
    days = [source.start + timedelta(days=n) for n in range((source.end - source.start).days)]
    events, products = (
        nw.from_native(frame.lazy()) for frame in (source.events(days), source.products())
    )
    cleaned = clean(events, products, key=KEY, weights=DEFAULT_WEIGHTS)
    return accepted(cleaned).collect("polars").to_native()


@pytest.fixture(scope="module")
def ours(retail: pl.DataFrame) -> pl.DataFrame:
    """Our customers on the eve of the last cut-off."""
    return features(retail)


def documents(rows: pl.DataFrame) -> pl.DataFrame:
    """Invoices and cancellations of each customer, in the order of their identifiers."""
    order = pl.col("customer" if "customer" in rows.columns else "user_id")
    return (
        rows.group_by("user_id")
        .agg(
            order.first().alias("_place"),
            invoices=pl.col("order_id").n_unique(),
            cancelled=pl.col("order_id").filter(_cancelled()).n_unique(),
            lines=pl.len(),
        )
        .sort("_place")
    )


def _cancelled() -> pl.Expr:
    return pl.col("order_id").str.starts_with("C")


def rate_by_position(rows: pl.DataFrame) -> pl.DataFrame:
    """Wrong: customers of a single line are gone from one table, but not from its divisor."""
    everyone = documents(rows)
    several = everyone.filter(pl.col("lines") > 1)
    divisor = everyone["invoices"].head(several.height)
    return several.select("user_id", rate=pl.col("cancelled") / divisor)


CANCELLING = (
    line("a", "1", 1),  # a single line
    line("b", "2", 2), line("b", "3", 3), line("b", "C4", 4), line("b", "C5", 5),
    line("c", "6", 6), line("c", "7", 7), line("c", "8", 8), line("c", "C9", 9),
)  # fmt: skip


def test_the_cancellation_rate_is_divided_by_the_customers_own_invoices():
    rows = mart(*CANCELLING)
    assert of(rate_by_position(rows), "rate") == {"b": 2.0, "c": 0.25}
    assert of(features(rows), "return_rate") == {"a": 0.0, "b": 0.5, "c": 0.25}


def test_nobody_of_online_retail_cancels_more_than_everything(file, ours):
    wrong = rate_by_position(file)
    assert (wrong["rate"] > 1).sum() == 294
    assert wrong["rate"].max() == 27
    right = documents(file).select("user_id", right=pl.col("cancelled") / pl.col("invoices"))
    agree = wrong.join(right, on="user_id").select((pl.col("rate") == pl.col("right")).mean())
    assert agree.item() == pytest.approx(0.685, abs=0.0005)
    assert ours["return_rate"].is_between(0, 1).all()
    assert ours["return_rate"].n_unique() > 50
    own = ours["return_orders"] / (ours["orders"] + ours["return_orders"])
    assert (ours["return_rate"] == own).all()


def days_over_lines(rows: pl.DataFrame) -> pl.DataFrame:
    """Wrong: the time from line to line, which within an invoice is none."""
    gap = pl.col("event_date").diff().dt.total_days().mean()
    return rows.group_by("user_id").agg(days=gap)


def test_days_between_orders_are_counted_from_invoice_to_invoice():
    rows = mart(
        *(line("twice", "1", 1, amount) for amount in (1.0, 2.0, 3.0)),
        line("twice", "2", 11),
        *(line("once", "3", 5, amount) for amount in (1.0, 2.0)),
    )
    assert of(days_over_lines(rows), "days") == {"once": 0.0, "twice": 10 / 3}
    assert of(features(rows), "days_between_orders") == {"once": None, "twice": 10.0}


def test_all_1247_customers_of_one_invoice_have_no_days_between_rather_than_none(file, ours):
    single = documents(file).filter(pl.col("invoices") == 1, pl.col("lines") > 1)
    assert single.height == 1_247
    wrong = days_over_lines(file).join(single, on="user_id")
    assert wrong.filter(pl.col("days") == 0).height == 1_247
    right = ours.join(single, on="user_id", how="semi")
    assert right.height > 1_150  # the others bought before the window
    assert right["days_between_orders"].null_count() == right.height
    several = ours.filter(pl.col("orders") > 1)
    assert several["days_between_orders"].null_count() == 0
    assert (several["days_between_orders"] > 0).mean() > 0.98


def test_customers_of_a_single_line_are_kept(file, ours):
    wrong = days_over_lines(file)  # undefined for them, and joined away
    assert (wrong.height, wrong.drop_nulls("days").height) == (4_362, 4_282)
    gone = wrong.filter(pl.col("days").is_null())
    kept = ours.join(gone, on="user_id", how="semi")
    assert kept.height > 60  # the others bought before the window
    assert (kept["orders"] + kept["return_orders"] == 1).all()


def counted_with_cancellations(rows: pl.DataFrame) -> pl.DataFrame:
    """Wrong: every document is a purchase, and what it gives back is money spent."""
    return rows.group_by("user_id").agg(
        frequency=pl.col("order_id").n_unique(), monetary=pl.col("amount").sum()
    )


def test_cancellations_are_neither_orders_nor_negative_purchases():
    rows = mart(line("a", "1", 1, 30.0), line("a", "C2", 2, 50.0), line("a", "C3", 3, 5.0))
    wrong = counted_with_cancellations(rows)
    assert of(wrong, "frequency") == {"a": 3}
    assert of(wrong, "monetary") == {"a": -25.0}
    [right] = features(rows).to_dicts()
    assert (right["orders"], right["return_orders"]) == (1, 2)
    assert (right["gross_spend"], right["returned_spend"], right["net_spend"]) == (30, 55, -25)
    assert right["average_order_value"] == 30.0


def test_no_frequency_of_online_retail_counts_a_cancellation(file, retail, ours):
    wrong = counted_with_cancellations(file)
    assert (wrong["monetary"] < 0).sum() == 30
    cancelling = documents(file).filter(pl.col("cancelled") > 0)
    assert cancelling.height > 1_500
    invoices = (
        retail.filter(pl.col("event_type") != "return", pl.col("event_date") >= START)
        .group_by("user_id")
        .agg(invoices=pl.col("order_id").n_unique(), spent=pl.col("amount").sum())
    )
    both = ours.join(invoices, on="user_id", how="left").with_columns(
        pl.col("invoices", "spent").fill_null(0)
    )
    assert (both["orders"] == both["invoices"]).all()
    assert both["gross_spend"].to_list() == pytest.approx(both["spent"].to_list())
    assert (ours["gross_spend"] >= 0).all()
    assert ours["orders"].sum() < wrong["frequency"].sum() - 2_000


def mean_over_months_with_purchases(rows: pl.DataFrame) -> pl.DataFrame:
    """Wrong: months in which nothing was bought are no months."""
    by_month = rows.group_by("user_id", pl.col("event_date").dt.truncate("1mo"))
    return (
        by_month.agg(pl.col("amount").sum()).group_by("user_id").agg(mean=pl.col("amount").mean())
    )


def test_months_without_purchases_lower_the_mean(retail, ours):
    long_ago = dict(line("a", "1", 1, 120.0), event_date=START)
    instant = datetime(START.year, START.month, START.day, 12, tzinfo=UTC)
    rows = mart(long_ago | {"event_ts": instant, "arrived_at": instant})
    assert of(mean_over_months_with_purchases(rows), "mean") == {"a": 120.0}
    assert of(features(rows), "monthly_spend_mean") == {"a": pytest.approx(120 / 13)}
    assert of(features(rows), "spend_trend")["a"] < 0
    wrong = mean_over_months_with_purchases(
        retail.filter(pl.col("event_type") != "return", pl.col("event_date") >= START)
    )
    both = ours.join(wrong, on="user_id").drop_nulls("monthly_spend_mean")
    lapsed = both.filter(pl.col("recency_days") > 90, pl.col("tenure_days") > 180)
    assert lapsed.height > 500
    assert (lapsed["monthly_spend_mean"] < lapsed["mean"]).all()
