"""One served list, as a record of the served-list log.

Belongs here: its fields and bytes. Does not belong here: the log (`log.py`), rows (`ingest.py`).
"""

from typing import Literal

import msgspec

from persona_assets.serving.event_log import json_record

Route = Literal["recommendations", "similar", "complementary"]
"""What was asked for."""


class ServedList(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A list that the service answered with.

    Attributes:
        recommendation_id: the answer.
        served_at: when it was made, µs since 1970 UTC; its hour, without consent.
        route: what was asked for.
        model: whose scores these are.
        version: content hash of the champion's artefact.
        path: how it came about.
        latency_us: from the request's arrival to the finished list.
        products: the shop's identifiers, best first.
        scores: of the products.
        propensities: of the products: the probability of each at its place; empty: 1 each.
        user_id: keyed hash of the person; None: nobody is known, or without consent.
        context: page that it was asked for.
        placement: place in that page, as the shop names it.
        item_id: product that was looked at.
        experiment: that the person takes part in; None: none, or without consent.
        arm: of that experiment.
    """

    recommendation_id: str
    served_at: int
    route: Route
    model: str
    version: str
    path: str
    latency_us: int
    products: list[str]
    scores: list[float]
    propensities: list[float] = []
    user_id: str | None = None
    context: str | None = None
    placement: str | None = None
    item_id: str | None = None
    experiment: str | None = None
    arm: str | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ServedList)


def encoded(served: ServedList) -> bytes:
    """The list as a record of the log: one line of JSON."""
    return _ENCODER.encode(served)


def decoded(record: bytes) -> ServedList:
    """The list of a record of the log.

    Raises:
        DataError: it is none; its text is not repeated.
    """
    return json_record.decoded(_DECODER, record, log="served-list log", meant="a list")
