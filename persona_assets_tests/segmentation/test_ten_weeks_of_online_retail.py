"""Segments of ten following Mondays of UCI Online Retail: do their numbers mean the same?"""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest

from persona_assets.evaluation.segments import countries
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.segmentation.migration import segment_migration
from persona_assets.segmentation.segmenting import segment_customers
from persona_assets.sources.online_retail import OnlineRetail
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean
from persona_assets.transforms.customer_features import compute_customer_features
from persona_assets_tests.segmentation.kept_numbers import kept

ONLINE_RETAIL = Path(__file__).parents[3] / "shared/data/online_retail.parquet"
KEY = b"k" * 16
CUTOFFS = [date(2011, 10, 3) + timedelta(weeks=week) for week in range(10)]
CONFIG = SegmentationConfig(k=5, bootstraps=1, sample=1_000)
"""Five everywhere: which number is chosen is another question, and measuring it takes longer."""


@pytest.fixture(scope="module")
def weeks():
    if not ONLINE_RETAIL.exists():
        pytest.skip("UCI Online Retail is not beside the checkout")
    shop = OnlineRetail(ONLINE_RETAIL)
    days = [shop.start + timedelta(days=day) for day in range((shop.end - shop.start).days)]
    products = nw.from_native(shop.products().lazy())
    events = nw.from_native(shop.events(days).lazy())
    mart = accepted(clean(events, products, key=KEY, weights=DEFAULT_WEIGHTS)).collect("polars")
    lives = nw.from_native(countries(shop.users(), KEY).lazy())

    def segments(cutoff):
        features = compute_customer_features(mart.lazy(), lives, products, cutoff=cutoff)
        customers = features.collect("polars").to_native()
        return segment_customers(customers, cutoff=cutoff, config=CONFIG).segments

    return {cutoff: segments(cutoff) for cutoff in CUTOFFS}


def test_numbers_are_kept_as_well_as_any_numbering_could(weeks):
    """Though no week was numbered by looking at another."""
    for before, now in pairwise(weeks.values()):
        same, best = kept(before, now)
        assert same == best > 0.85


def test_the_segments_are_the_same_kinds_of_customers_in_every_week(weeks):
    names = [set(each["name"]) for each in weeks.values()]
    assert names == names[:1] * len(names)
    assert "Champions" in names[0]


def test_churn_between_segments_is_counted_whole(weeks):
    moves = segment_migration(list(weeks), lambda cutoff: weeks[cutoff])
    for before, now in pairwise(weeks):
        of_week = moves.filter(pl.col("cutoff") == now)
        assert of_week.filter(pl.col("to_segment") > 0)["customers"].sum() == len(weeks[now])
        assert of_week.filter(pl.col("from_segment") > 0)["customers"].sum() == len(weeks[before])
