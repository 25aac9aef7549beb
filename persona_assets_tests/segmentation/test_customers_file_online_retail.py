"""`persona segment` on the lines of UCI Online Retail says what the graph says of the same shop."""

from datetime import date, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.evaluation.segments import countries
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.segmentation.customers_file import score_file
from persona_assets.segmentation.segmenting import segment_customers
from persona_assets.sources.online_retail import OnlineRetail
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean
from persona_assets.transforms.customer_features import compute_customer_features
from persona_assets.transforms.pseudonyms import pseudonym

ONLINE_RETAIL = Path(__file__).parents[3] / "shared/data/online_retail.parquet"
KEY = b"k" * 16
MAPPING = """
[events]
file = "lines.csv"
user_id = "CustomerID"
product_id = "StockCode"
timestamp = "InvoiceDate"
order_id = "InvoiceNo"
quantity = "Quantity"
unit_price = "UnitPrice"
event_type = "kind"
[events.constants]
consent = true
[events.time]
zone = "Europe/London"
"""
LINE = ["CustomerID", "StockCode", "InvoiceDate", "InvoiceNo", "Quantity", "UnitPrice"]


@pytest.mark.skipif(
    not ONLINE_RETAIL.exists(), reason="UCI Online Retail is not beside the checkout"
)
def test_customers_of_the_file_are_assigned_as_the_graph_assigns_them(tmp_path):
    shop = OnlineRetail(ONLINE_RETAIL)
    days = [shop.start + timedelta(days=day) for day in range((shop.end - shop.start).days)]
    catalogue = shop.products()
    products = nw.from_native(catalogue.lazy())
    cleaned = clean(
        nw.from_native(shop.events(days).lazy()), products, key=KEY, weights=DEFAULT_WEIGHTS
    )
    lives = nw.from_native(countries(shop.users(), KEY).lazy())
    customers = compute_customer_features(accepted(cleaned), lives, products, cutoff=shop.end)
    config = SegmentationConfig(k=4, bootstraps=1, sample=500)
    trained = segment_customers(
        customers.collect("polars").to_native(), cutoff=shop.end, config=config
    )

    raw = pl.read_parquet(ONLINE_RETAIL)
    raw.with_columns(
        kind=pl.when(pl.col("Quantity") < 0).then(pl.lit("return")).otherwise(pl.lit("purchase"))
    ).write_csv(tmp_path / "lines.csv")
    (tmp_path / "shop.toml").write_text(MAPPING)
    scored = score_file(
        tmp_path / "lines.csv",
        trained.model,
        catalogue=catalogue,
        today=date(2024, 1, 1),
        as_of=shop.end,
        mapping=tmp_path / "shop.toml",
    )

    assert scored.lines == 541_909
    assert scored.customers.height == 4_372
    # Lines of an invoice that differ in their description alone are one line to the mapping.
    alike = raw.unique([*LINE, "Description"]).filter(pl.struct(LINE).is_duplicated())
    told_apart = [pseudonym(str(each), KEY) for each in alike["CustomerID"].drop_nulls().unique()]
    assert len(told_apart) < 20
    names = [pseudonym(each, KEY) for each in scored.customers["user_id"]]
    columns = ["user_id", "segment", "name", "distance", "margin"]
    found = scored.customers.with_columns(user_id=pl.Series(names)).drop_nulls("segment")
    assert_frame_equal(
        *(
            rows.select(columns).filter(~pl.col("user_id").is_in(told_apart)).sort("user_id")
            for rows in (found, trained.segments)
        ),
        check_exact=True,
    )
