"""The feature views: which features there are, of whom, from where, and how long they hold.

Belongs here: the views, each derived from the contract of a table. Does not belong here: versions
of definitions and their comparison (`definitions.py`), reading rows (`historical_features.py`).

A view says of each row of its table from when on it describes the entity (*valid*), from when on
it could have been used (*known*), and for how long it may be used after it became valid (*time to
live*). A daily snapshot of day D is both valid and known from the end of D on, since it is made
from rows that had arrived by then; a weekly row from the Monday 00:00 UTC of its cut-off on. It
holds until the next snapshot replaces it and no longer: who is missing there did nothing in the
window, and must not be described by an older row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from persona_assets.errors import UserError
from persona_assets.tables.contract import Column, Table
from persona_assets.tables.customer_features import CUSTOMER_FEATURES
from persona_assets.tables.feature_store import ITEM_FEATURES, USER_FEATURES, WINDOWS
from persona_assets.tables.features import ITEM_EMBEDDINGS, USER_EMBEDDINGS
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS

EntityName = Literal["user", "product"]
ENTITIES: dict[EntityName, str] = {"user": "user_id", "product": "product_id"}
"""Column by which each entity is known. Users are keyed hashes."""

Clock = Literal["end_of_day", "start_of_day", "event"]
"""When a row is valid and known: from the end or the start of the day in its partition column, or
by `event_ts` and `arrived_at`."""

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
PLATFORM, SCIENCE = "team:data-platform", "team:data-science"


@dataclass(frozen=True)
class Feature:
    """One feature of an entity.

    Attributes:
        name: column of the view's table.
        type: as in the contract.
        meaning: as in the contract.
        unit: as in the contract.
        nullable: may it be null where there is a row?
        window_days: longest trailing window that it describes [d].
    """

    name: str
    type: str
    meaning: str
    unit: str | None
    nullable: bool
    window_days: int


@dataclass(frozen=True)
class FeatureView:
    """Features of one entity that lie in one table.

    Attributes:
        name: found by it, in `view:feature` and in the online store.
        version: of the definition; another definition needs a higher one.
        entity: whom it describes.
        owner: who answers for it, as Dagster names owners.
        table: contract of the source.
        clock: when a row of it is valid and known.
        period: time from one snapshot to the next; None: rows come at any time.
        time_to_live: a row is used before this age, counted from when it became valid.
        window_days: longest look-back behind a row [d].
        features: its features.
        tie: columns that order rows of one entity that are valid and known at the same times.
    """

    name: str
    version: int
    entity: EntityName
    owner: str
    table: Table
    clock: Clock
    period: timedelta | None
    time_to_live: timedelta
    window_days: int
    features: tuple[Feature, ...]
    tie: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Column by which the entity is found."""
        return ENTITIES[self.entity]

    def feature(self, name: str) -> Feature:
        """The feature called `name`; UserError if there is none."""
        for each in self.features:
            if each.name == name:
                return each
        raise UserError(
            f"the feature view {self.name} has no feature {name!r}; `persona features` lists them"
        )

    def output(self, feature: str) -> str:
        """Name of a feature's column beside those of other views."""
        return f"{self.name}__{feature}"


def _features(table: Table, left_out: Iterable[str], window: int) -> tuple[Feature, ...]:
    return tuple(
        Feature(
            column.name,
            column.type,
            column.meaning,
            column.unit,
            column.nullable,
            _window_days(column, window),
        )
        for column in table.columns
        if column.name not in left_out
    )


def _window_days(column: Column, longest: int) -> int:
    """The window that the column's name ends with, or else the longest one of its view."""
    named = [days for days in WINDOWS if column.name.endswith(f"_{days}d")]
    return named[0] if named else longest


def _snapshots(
    table: Table, entity: EntityName, owner: str, *, version: int, window: int
) -> FeatureView:
    """The view of a table with a row for each entity in each of its partitions."""
    daily = table.partition == "as_of"
    return FeatureView(
        name=table.name,
        version=version,
        entity=entity,
        owner=owner,
        table=table,
        clock="end_of_day" if daily else "start_of_day",
        period=DAY if daily else WEEK,
        time_to_live=DAY if daily else WEEK,
        window_days=window,
        features=_features(table, (str(table.partition), ENTITIES[entity]), window),
    )


_OF_AN_INTERACTION = ("product_id", "event_type", "quantity", "unit_price", "amount", "weight")

LATEST_INTERACTION = FeatureView(
    name="latest_interaction",
    version=1,
    entity="user",
    owner=PLATFORM,
    table=USER_ITEM_INTERACTIONS,
    clock="event",
    period=None,
    time_to_live=timedelta(days=30),
    window_days=30,
    features=tuple(
        each
        for each in _features(USER_ITEM_INTERACTIONS, (), 30)
        if each.name in _OF_AN_INTERACTION
    ),
    tie=("event_id",),
)
"""What a user did last, of what had arrived."""

VIEWS: tuple[FeatureView, ...] = (
    _snapshots(USER_FEATURES, "user", PLATFORM, version=1, window=max(WINDOWS)),
    _snapshots(ITEM_FEATURES, "product", PLATFORM, version=1, window=max(WINDOWS)),
    LATEST_INTERACTION,
    _snapshots(USER_EMBEDDINGS, "user", PLATFORM, version=1, window=364),
    _snapshots(ITEM_EMBEDDINGS, "product", PLATFORM, version=1, window=364),
    _snapshots(CUSTOMER_FEATURES, "user", SCIENCE, version=1, window=364),
    _snapshots(CUSTOMER_SEGMENTS, "user", SCIENCE, version=2, window=364),
)
"""All feature views."""


def view(name: str) -> FeatureView:
    """The feature view called `name`; UserError if there is none."""
    for each in VIEWS:
        if each.name == name:
            return each
    raise UserError(
        f"there is no feature view {name!r}; there are {', '.join(each.name for each in VIEWS)}"
    )


def chosen(features: Sequence[str]) -> list[tuple[FeatureView, tuple[str, ...]]]:
    """The views that `features` name, each with the names of its features, in the order asked for.

    Args:
        features: `view:feature`, or `view` for all of its features; repeated ones count once.

    Raises:
        UserError: nothing is asked for, or something that there is not.
    """
    if not features:
        raise UserError("no features are asked for; name views, or features as view:feature")
    found: dict[str, dict[str, None]] = {}
    for asked in features:
        name, colon, feature = asked.partition(":")
        source = view(name)
        names = [source.feature(feature).name] if colon else [f.name for f in source.features]
        found.setdefault(name, {}).update(dict.fromkeys(names))
    return [(view(name), tuple(names)) for name, names in found.items()]
