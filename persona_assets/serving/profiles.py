"""What is known of a person or product at this moment: the published features and today's events.

Belongs here: putting views of one entity and the live tail side by side. Does not belong here: the
store (`online/`), what an answer looks like (`api/`).
"""

from dataclasses import dataclass

from persona_assets.feature_store.registry import EntityName
from persona_assets.serving.online.live_tail import LiveCounts, LiveTail
from persona_assets.serving.online.store import Features, OnlineStore
from persona_assets.serving.online.views import SERVED

_DAILY: dict[EntityName, str] = {"user": "user_features", "product": "item_features"}


@dataclass(frozen=True)
class Profile:
    """What is known of an entity.

    Attributes:
        features: view → its features, all of one snapshot; None where the view does not know it.
        since_us: what arrived before this is in the features [µs since 1970 UTC].
        today: numbers of the events that arrived since.
    """

    features: dict[str, Features | None]
    since_us: int
    today: LiveCounts


def profile(store: OnlineStore, tail: LiveTail, entity: EntityName, identifier: str) -> Profile:
    """The profile of the entity.

    A day's snapshot knows what arrived before the day's end; the tail counts by hour of arrival. So
    each event is in the features or in today's numbers, and never in both.

    Args:
        store: with a published snapshot.
        tail: of the events that it does not know yet.
        entity: `user` or `product`.
        identifier: of a user the keyed hash.

    Raises:
        DataError: nothing is published.
    """
    views = [view.name for view in SERVED if view.entity == entity]
    manifest, features = store.read_views(views, identifier)
    daily = manifest.views.get(_DAILY[entity])
    since_us = daily.event_us if daily else 0
    return Profile(features, since_us, tail.counts_of(entity, identifier, since_us))
