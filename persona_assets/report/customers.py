"""What the lake holds of customer segments, for the report.

Belongs here: reading the tables of group `segmentation` and adding up who moved. Does not belong
here: everything else that a report shows (`collect.py`), or sentences (`findings.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from persona_assets.lake.store import DeltaStore
from persona_assets.segmentation.segment_plots import DRAWN
from persona_assets.tables import Table
from persona_assets.tables.segmentation import (
    CLEANING_STEPS,
    CLUSTERING_COMPARISON,
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    SEGMENT_MIGRATION,
    SEGMENT_PROFILES,
)


@dataclass(frozen=True, eq=False)
class Customers:
    """Segments of the newest cut-off that has profiles; without rows where there is none.

    The frames are rows of the tables they are named after at that cut-off, in order of their keys:
    `profiles` segmentation/segment_profiles, `tried` segmentation/clustering_comparison,
    `steps` segmentation/cleaning_steps (in order of the steps), `migration`
    segmentation/segment_migration, `members` segmentation/customer_segments, `features` of
    segmentation/customer_features only what plots need. `names` has every segment number that ever
    had a profile.
    """

    profiles: pl.DataFrame
    tried: pl.DataFrame
    steps: pl.DataFrame
    migration: pl.DataFrame
    members: pl.DataFrame
    features: pl.DataFrame
    names: Mapping[int, str]

    @property
    def cutoff(self) -> date | None:
        """The Monday before which everything was known; None: nobody has been segmented."""
        return self.profiles["cutoff"][0] if self.profiles.height else None

    @property
    def chosen(self) -> Mapping[str, Any] | None:
        """The row of `tried` that makes the segments; None where it is not there."""
        return next(self.tried.filter("chosen").iter_rows(named=True), None)

    @property
    def churn(self) -> "Churn | None":
        """Who moved since the cut-off before; None where there is none."""
        if self.migration.is_empty():
            return None
        went, came = pl.col("from_segment"), pl.col("to_segment")
        return Churn(
            self.migration["from_cutoff"][0],
            *(
                int(self.migration.filter(which)["customers"].sum())
                for which in (
                    went != 0,
                    (went != came) & (went != 0) & (came != 0),
                    came == 0,
                    went == 0,
                )
            ),
        )


class Churn(NamedTuple):
    """Customers between two cut-offs that follow each other.

    `customers` had a segment at `since`; of them `moved` have another one now and `left` have no
    purchase in the window any more. `joined` are new on top of them.
    """

    since: date
    customers: int
    moved: int
    left: int
    joined: int


def read_customers(store: DeltaStore) -> Customers:
    """Read the segments of the newest cut-off that has profiles.

    Raises:
        DataError: a table is there but cannot be read.
    """
    profiles = _rows(store, SEGMENT_PROFILES)
    newest = profiles["cutoff"].max() if profiles.height else None
    cutoff = newest if isinstance(newest, date) else None
    of_it = pl.col("cutoff") == pl.lit(cutoff, pl.Date)
    return Customers(
        profiles=profiles.filter(of_it),
        tried=_at(store, CLUSTERING_COMPARISON, cutoff),
        steps=_at(store, CLEANING_STEPS, cutoff).sort("position"),
        migration=_rows(store, SEGMENT_MIGRATION).filter(of_it),
        members=_at(store, CUSTOMER_SEGMENTS, cutoff),
        features=_at(store, CUSTOMER_FEATURES, cutoff).select("cutoff", "user_id", *DRAWN),
        names=dict(profiles.sort("cutoff").select("segment", "name").iter_rows()),
    )


def _rows(store: DeltaStore, table: Table) -> pl.DataFrame:
    return store.read(table).sort(table.key) if store.exists(table) else table.empty()


def _at(store: DeltaStore, table: Table, cutoff: date | None) -> pl.DataFrame:
    if cutoff is None or not store.exists(table):
        return table.empty()
    return store.read(table, [cutoff]).sort(table.key)
