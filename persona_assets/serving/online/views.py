"""Which feature views are served online, and as what.

Belongs here: what the online store must know of a view. Does not belong here: the views' definition
(`feature_store/registry.py`), their bytes (`packing.py`), reading tables (`materialization.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from persona_assets.errors import DataError
from persona_assets.feature_store.registry import FeatureView, view
from persona_assets.tables.contract import Type

SERVED: tuple[FeatureView, ...] = tuple(
    map(
        view,
        (
            "user_features",
            "item_features",
            "customer_segments",
            "user_embeddings",
            "item_embeddings",
        ),
    )
)
"""The views that a snapshot holds: always the newest partition of each.

Who is missing in the newest partition has no features: those of an older one describe a window that
is over.
"""


@dataclass(frozen=True)
class OnlineView:
    """What a snapshot says of a view, so that its rows can be read by it alone.

    Attributes:
        name: found by it.
        version: of its definition; another definition needs another one.
        key: column by which the entity is known.
        features: name and type of each, as in the contract.
        ttl_s: a row is stale from this age on, counted from its event time [s].
    """

    name: str
    version: int
    key: str
    features: tuple[tuple[str, Type], ...]
    ttl_s: int

    @classmethod
    def of(cls, view: FeatureView) -> "OnlineView":
        """The registered view as it is served."""
        features = tuple((name, view.table.column(name).type) for name in _names(view))
        ttl = int(view.time_to_live.total_seconds())
        return cls(view.name, view.version, view.key, features, ttl)

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "OnlineView":
        """The view that `as_json` gave.

        Raises:
            DataError: it is something else.
        """
        try:
            features = tuple((str(name), type_) for name, type_ in stored["features"])
            return cls(stored["name"], stored["version"], stored["key"], features, stored["ttl_s"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"an online view is not described as expected ({type(error).__name__}); "
                "materialize feature_store/online_snapshot again"
            ) from error

    def as_json(self) -> dict[str, Any]:
        """The view as values that JSON has."""
        return {
            "name": self.name,
            "version": self.version,
            "key": self.key,
            "features": [list(each) for each in self.features],
            "ttl_s": self.ttl_s,
        }

    @property
    def definition(self) -> str:
        """What a packed row depends on, as text."""
        return json.dumps([self.name, self.version, self.key, self.features])


def event_us(view: FeatureView, partition: date) -> int:
    """When rows of the partition become valid by the view's clock [µs since 1970 UTC]."""
    day = partition + timedelta(days=view.clock == "end_of_day")
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def _names(view: FeatureView) -> list[str]:
    return [each.name for each in view.features]
