"""Group `segmentation`: customers as numbers, their segments, and what the segments are like."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.evaluation.segments import countries
from persona_assets.orchestration.partitions import BEFORE_CUTOFF, SAME, WEEKLY
from persona_assets.orchestration.plot_asset import plot
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.table_asset import Reads, table_asset
from persona_assets.orchestration.weekly import at, each_cutoff, tables_of_each_cutoff
from persona_assets.segmentation import (
    clustering_plots,
    components_plot,
    migration,
    profiles,
    segment_plots,
)
from persona_assets.segmentation.reference_customers import REFERENCE_CUSTOMERS
from persona_assets.segmentation.segmenting import segment_customers
from persona_assets.segmentation.tracking import track_comparison
from persona_assets.segmentation.trained import CustomerSegments
from persona_assets.skipped import Partial
from persona_assets.tables import mart, raw, segmentation
from persona_assets.transforms.attribute_history import as_known_at
from persona_assets.transforms.cleaning_steps import count_cleaning_steps
from persona_assets.transforms.customer_features import compute_customer_features
from persona_assets.transforms.engine import to_engine

NAMES = {each.number: each.name for each in REFERENCE_CUSTOMERS}


def _newest(table: pl.DataFrame) -> date | None:
    """The cut-off that plots show; None: no customers yet, nothing to draw."""
    return max(table["cutoff"], default=None)


_UNSEGMENTED = "no customer has a segment at the cut-off"
_PURCHASES = Reads(mart.USER_ITEM_INTERACTIONS, BEFORE_CUTOFF)


@table_asset(
    segmentation.CUSTOMER_FEATURES,
    no_rows="nobody bought or returned anything in the 52 weeks before the cut-off",
    partitions=WEEKLY,
    reads={
        "interactions": _PURCHASES,
        "users": Reads(raw.USER_HISTORY),
        "products": Reads(raw.PRODUCT_HISTORY),
    },
    settings=["hash_key"],
)
def customer_features(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    interactions: nw.LazyFrame,
    users: pl.DataFrame,
    products: nw.LazyFrame,
) -> Partial[nw.LazyFrame]:
    """What is known of each customer from the year before the cut-off: when, how often, how much.

    Purchases and returns apart: orders are purchase invoices, and money is told gross and net.
    """
    [history] = lake.store.engine.cache([interactions])
    lives = to_engine(history, countries(users, shop.hash_key))

    def made(cutoff: date) -> nw.LazyFrame:
        live, catalogue = (as_known_at(each, cutoff) for each in (lives, products))
        return compute_customer_features(history, live, catalogue, cutoff=cutoff)

    return each_cutoff(context, lake, segmentation.CUSTOMER_FEATURES, made)


_SEGMENTS = (
    segmentation.SEGMENTATION_MODEL,
    segmentation.CLUSTERING_COMPARISON,
    segmentation.CUSTOMER_SEGMENTS,
)


@table_asset(
    *_SEGMENTS,
    partitions=WEEKLY,
    reads={"customers": Reads(segmentation.CUSTOMER_FEATURES, SAME)},
    kinds=["scikitlearn", "matplotlib"],
    settings=["segmentation"],
)
def segments(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    customers: pl.DataFrame,
) -> Sequence[Partial[pl.DataFrame]]:
    """Customers of a cut-off in segments, with all that assigns a new one, and what else was tried.

    Segments are numbered by the reference customer that they are most like, so a number means the
    same kind of customers in every week, whichever weeks were computed before. The model is a table
    of transforms, axes and centroids: `persona segment` assigns from it what training assigned.
    """
    settings = shop.settings
    subject = CustomerSegments(settings.segmentation)

    def made(cutoff: date) -> Sequence[pl.DataFrame]:
        return segment_customers(at(customers, cutoff), cutoff=cutoff, config=subject.config)

    tables = tables_of_each_cutoff(context, lake, _SEGMENTS, made)
    _, comparison, found = (table.rows for table in tables)
    newest = _newest(found)
    if newest is not None:
        plot(
            context,
            lake,
            segmentation.CLUSTERING_COMPARISON,
            clustering_plots.comparison_figure(at(comparison, newest)),
        )
        plot(
            context,
            lake,
            segmentation.CUSTOMER_SEGMENTS,
            components_plot.components_figure(at(found, newest)),
        )
    if settings.tracking_uri:
        for of_cutoff in comparison.partition_by("cutoff", maintain_order=True):
            track_comparison(settings.tracking_uri, of_cutoff, subject)
    return tables


@table_asset(
    segmentation.SEGMENT_PROFILES,
    segmentation.SEGMENT_TRAITS,
    no_rows=_UNSEGMENTED,
    partitions=WEEKLY,
    reads={
        "customers": Reads(segmentation.CUSTOMER_FEATURES, SAME),
        "segments": Reads(segmentation.CUSTOMER_SEGMENTS, SAME),
    },
    kinds=["matplotlib"],
)
def segment_profiles(
    context: dg.AssetExecutionContext,
    lake: Lake,
    customers: pl.DataFrame,
    segments: pl.DataFrame,
) -> Sequence[Partial[pl.DataFrame]]:
    """What each segment is like, what sets it apart from the rest, and what to do about it."""

    def made(cutoff: date) -> Sequence[Partial[pl.DataFrame]]:
        known, found = at(customers, cutoff), at(segments, cutoff)
        described = Partial(profiles.segment_profiles(known, found))
        if found.height:
            described = described.also(profiles.unknown_revenue(known))
        return described, Partial(profiles.segment_traits(known, found))

    tables = tables_of_each_cutoff(
        context, lake, (segmentation.SEGMENT_PROFILES, segmentation.SEGMENT_TRAITS), made
    )
    newest = _newest(segments)
    if newest is not None:
        profiled = tables[0].rows
        known, found, profile = (at(table, newest) for table in (customers, segments, profiled))
        radar = segment_plots.radar_figure(known, found, profile)
        plot(context, lake, segmentation.SEGMENT_PROFILES, radar, "radar")
        histograms = segment_plots.histograms_figure(known, found)
        plot(context, lake, segmentation.SEGMENT_TRAITS, histograms, "histograms")
    return tables


@table_asset(
    segmentation.CLEANING_STEPS,
    no_rows="nobody bought or returned anything in the 52 weeks before the cut-off",
    partitions=WEEKLY,
    reads={
        "events": Reads(raw.EVENTS, BEFORE_CUTOFF),
        "quarantine": Reads(mart.QUARANTINE, BEFORE_CUTOFF),
        "interactions": _PURCHASES,
        "segments": Reads(segmentation.CUSTOMER_SEGMENTS, SAME),
    },
)
def cleaning_steps(
    context: dg.AssetExecutionContext,
    lake: Lake,
    events: nw.LazyFrame,
    quarantine: nw.LazyFrame,
    interactions: nw.LazyFrame,
    segments: nw.LazyFrame,
) -> Partial[pl.DataFrame]:
    """From delivered rows to segmented customers, step by step: what each takes away or marks."""
    counted = each_cutoff(
        context,
        lake,
        segmentation.CLEANING_STEPS,
        lambda cutoff: count_cleaning_steps(
            events, quarantine, interactions, at(segments, cutoff), cutoff=cutoff
        ),
    )
    newest = _newest(counted.rows)
    if newest is not None:
        figure = clustering_plots.cleaning_figure(at(counted.rows, newest))
        plot(context, lake, segmentation.CLEANING_STEPS, figure)
    return counted


@table_asset(
    segmentation.SEGMENT_MIGRATION,
    no_rows="fewer than two cut-offs have customer segments",
    reads={"segments": Reads(segmentation.CUSTOMER_SEGMENTS)},
    kinds=["matplotlib"],
)
def segment_migration(
    context: dg.AssetExecutionContext, lake: Lake, segments: pl.DataFrame
) -> pl.DataFrame:
    """Who went from which segment to which, from one cut-off to the next."""
    table = migration.segment_migration(
        segments["cutoff"].unique().sort().to_list(), lambda cutoff: at(segments, cutoff)
    )
    if table.height:
        plot(
            context,
            lake,
            segmentation.SEGMENT_MIGRATION,
            clustering_plots.migration_figure(table, NAMES),
        )
    return table


ASSETS = (customer_features, segments, segment_profiles, cleaning_steps, segment_migration)
