"""What is noted of each list that is answered: a record of the served-list log, and metrics.

Belongs here: which of a request is kept, and hiding the person. Does not belong here: the log
(`serving/served/`), making the list (`serving/recommending/`).
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from persona_assets.serving.api.service import Service
from persona_assets.serving.collector.instants import hour_of
from persona_assets.serving.recommending.live_arms import Served
from persona_assets.serving.recommending.ranking import Recommendation
from persona_assets.serving.recommending.served_model import ServedModel
from persona_assets.serving.served.record import Route, ServedList
from persona_assets.transforms.pseudonyms import pseudonym


@dataclass(frozen=True)
class Asked:
    """What a list was asked for with.

    Attributes:
        route: what was asked for.
        k: how many products.
        began: when the request came to its route, by `time.perf_counter`.
        context: page that it is for.
        placement: place in that page, as the shop names it.
        item_id: product that is looked at.
        user_id: the shop's identifier of the person.
        consent: whether anything about the person may be used, or kept.
        live: the experiment's arm that the person gets.
    """

    route: Route
    k: int
    began: float
    context: str | None = None
    placement: str | None = None
    item_id: str | None = None
    user_id: str | None = None
    consent: bool = True
    live: Served | None = None


def noted(
    service: Service,
    asked: Asked,
    served: ServedModel,
    items: Sequence[Recommendation],
    *,
    model: str,
    path: str,
) -> str:
    """The identifier of a list that is about to be answered, now logged and counted.

    Without consent it is logged without its person, and its time is that of its hour. Of a person
    in an experiment it is logged with that and the arm.
    """
    recommendation_id = uuid.uuid4().hex
    now = int(service.clock() * 1_000_000)
    known = asked.user_id is not None and asked.consent
    service.served.add(
        ServedList(
            recommendation_id=recommendation_id,
            served_at=now if asked.consent else hour_of(now),
            route=asked.route,
            model=model,
            version=served.version,
            path=path,
            latency_us=int((time.perf_counter() - asked.began) * 1_000_000),
            products=[each.product_id for each in items],
            scores=[each.score for each in items],
            user_id=pseudonym(asked.user_id, service.hash_key) if known and asked.user_id else None,
            context=asked.context,
            placement=asked.placement,
            item_id=asked.item_id,
            experiment=asked.live.experiment if asked.live and known else None,
            arm=asked.live.arm if asked.live and known else None,
        )
    )
    service.metrics.lists.labels(asked.route, path).inc()
    if len(items) < asked.k:
        service.metrics.lists_short.labels(asked.route).inc()
    return recommendation_id
