"""From what was delivered to what is kept: people as keyed hashes, nothing of who did not consent.

Belongs here: the last step before the event log. Does not belong here: formats, or the log.

An event without consent is kept without its person: no user, device, visit, order, search text or
recommendation, and its time is that of its hour, so that what one person did cannot be put together
again. It says how popular a product is and nothing else.
"""

import uuid
from dataclasses import dataclass

import msgspec

from persona_assets.serving.collector.contract import CollectedEvent, Delivered, Reading, Rejected
from persona_assets.serving.collector.instants import hour_of, is_possible
from persona_assets.serving.event_log import json_record
from persona_assets.serving.online.live_event import LiveEvent
from persona_assets.transforms.pseudonyms import pseudonym

_SESSION = "s"
"""Before the hash of a visit, so that nobody takes it for that of a person."""
_SHOWN = ("impression", "list_view")
"""What was shown to a person is not what the person did: it says nothing of taste, and there is
much more of it."""
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(CollectedEvent)


@dataclass(frozen=True)
class Door:
    """What every event passes.

    Attributes:
        key: secret of the keyed hashes: the lake's.
        all_consent: does everybody whose events come in consent, as the shop states?
    """

    key: bytes
    all_consent: bool = False

    def accepted(self, reading: Reading, arrival_time: int) -> list[CollectedEvent]:
        """The events to keep of those read; others are added to `reading.rejected`.

        Args:
            reading: what a request held.
            arrival_time: now, µs since 1970 UTC.
        """
        kept = []
        for event in reading.events:
            if event.event_time is not None and not is_possible(event.event_time, arrival_time):
                why = "it is more than a day ahead or more than ten years ago"
                reading.rejected.append(Rejected(event.index, "event_time", why))
            elif not (event.consent or self.all_consent):
                # Which list was seen cannot be said without its person: it says nothing.
                if event.event_type == "impression":
                    reading.ignored += 1
                    continue
                kept.append(_without_person(event, arrival_time))
            elif event.user_id is None and event.anonymous_id is None:
                why = "it is missing, and so is anonymous_id"
                reading.rejected.append(Rejected(event.index, "user_id", why))
            else:
                kept.append(self._with_person(event, arrival_time))
        return kept

    def _with_person(self, event: Delivered, arrival_time: int) -> CollectedEvent:
        person = event.anonymous_id if event.user_id is None else event.user_id
        return CollectedEvent(
            event_id=event.event_id or uuid.uuid4().hex,
            event_type=event.event_type,
            event_time=arrival_time if event.event_time is None else event.event_time,
            arrival_time=arrival_time,
            source=event.source,
            user_id=self._hashed(person or ""),
            session_id=_SESSION + self._hashed(event.session_id) if event.session_id else None,
            product_id=event.product_id,
            quantity=event.quantity,
            price=event.price,
            currency=event.currency,
            order_id=self._hashed(event.order_id) if event.order_id else None,
            query=event.query,
            list_id=event.list_id,
            position=event.position,
            recommendation_id=event.recommendation_id,
            device=event.device,
            referrer=event.referrer,
            consent=True,
        )

    def _hashed(self, identifier: str) -> str:
        return pseudonym(identifier, self.key)


def _without_person(event: Delivered, arrival_time: int) -> CollectedEvent:
    happened = arrival_time if event.event_time is None else event.event_time
    return CollectedEvent(
        event_id=event.event_id or uuid.uuid4().hex,
        event_type=event.event_type,
        event_time=hour_of(happened),
        arrival_time=hour_of(arrival_time),
        source=event.source,
        product_id=event.product_id,
        quantity=event.quantity,
        price=event.price,
        currency=event.currency,
        list_id=event.list_id,
        position=event.position,
    )


def encoded(event: CollectedEvent) -> bytes:
    """The event as a record of the log: one line of JSON."""
    return _ENCODER.encode(event)


def kept(record: bytes) -> CollectedEvent:
    """The event of a record of the log.

    Raises:
        DataError: it is none; its text is not repeated.
    """
    return json_record.decoded(_DECODER, record, log="event log", meant="an event")


def live(event: CollectedEvent) -> LiveEvent | None:
    """The event for the live tail; None where it is not what a person did with a product."""
    if event.user_id is None or event.product_id is None or event.event_type in _SHOWN:
        return None
    return LiveEvent(
        event_id=event.event_id,
        user_id=event.user_id,
        product_id=event.product_id,
        event_type=event.event_type,
        event_ts=event.event_time,
        arrived_at=event.arrival_time,
        quantity=event.quantity,
        price=event.price,
        session_id=event.session_id,
        recommendation_id=event.recommendation_id,
    )
