"""The contract of an event: what is delivered, and what of it is kept.

Belongs here: fields, types and bounds. Does not belong here: any vendor's names (`ga4.py`,
`segment.py`), or how the person is hidden (`acceptance.py`).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

EventType = Literal[
    "view",
    "list_view",
    "list_click",
    "add_to_cart",
    "remove_from_cart",
    "cart_view",
    "checkout",
    "purchase",
    "refund",
    "search",
    "wishlist",
    "reject",
    "impression",
]
"""What people do in a shop. `reject`: "do not show me this again". `impression`: a product of one
of this service's lists was on the screen, which is no interaction with it."""

OF_A_PRODUCT = frozenset(
    {
        "view", "list_click", "add_to_cart", "remove_from_cart", "purchase", "wishlist", "reject",
        "impression",
    }
)  # fmt: skip
"""Types that mean nothing without a product."""

MOST_NUMBER = 1e9
"""As in the mart: no price or quantity is larger (`transforms/cleaning.py`)."""

# Long enough for any shop's identifiers, short enough for keys of stores.
Identifier = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"\S")]
Identifying = Identifier | int
"""An identifier as delivered: some shops write theirs as numbers."""
Query = Annotated[str, Meta(max_length=1024)]
Currency = Annotated[str, Meta(pattern=r"^[A-Za-z]{3}$")]
Number = Annotated[float, Meta(ge=0, le=MOST_NUMBER)]
Pieces = Annotated[float, Meta(gt=0, le=MOST_NUMBER)]
Kind = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\S")]
Position = Annotated[int, Meta(ge=0, le=1_000_000)]


class Delivered(msgspec.Struct, kw_only=True, frozen=True):
    """An event as it was delivered, one product in it at most, identifiers still the shop's.

    Attributes:
        event_id: by which it is known when it is sent again; empty: it cannot be.
        event_type: what happened.
        user_id: the shop's identifier of the person.
        anonymous_id: of the device, where the person is not known.
        session_id: of the visit.
        product_id: the shop's identifier of the product.
        quantity: pieces.
        price: of one piece.
        currency: of the price, ISO 4217.
        order_id: of a purchase or refund.
        query: text that was searched for.
        list_id: list in which the product was shown.
        position: in that list, from 0 or 1 as the shop counts.
        recommendation_id: answer of this service that the event follows from.
        device: kind of device, as the shop names kinds: `mobile`.
        referrer: site that the visit came from, without path or name of a page.
        event_time: when it happened, µs since 1970 UTC; None: when it arrived.
        consent: did the person consent to personalization?
        source: format that it came in.
        index: its place in what was sent.
    """

    event_id: str
    event_type: EventType
    user_id: str | None = None
    anonymous_id: str | None = None
    session_id: str | None = None
    product_id: str | None = None
    quantity: float | None = None
    price: float | None = None
    currency: str | None = None
    order_id: str | None = None
    query: str | None = None
    list_id: str | None = None
    position: int | None = None
    recommendation_id: str | None = None
    device: str | None = None
    referrer: str | None = None
    event_time: int | None = None
    consent: bool = False
    source: str = "events"
    index: int = 0


class CollectedEvent(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """An accepted event: a record of the event log, a row of `raw/collected_events`.

    As `Delivered`, but that `user_id` (of the person, or of the device where nobody is known),
    `session_id` and `order_id` are keyed hashes, that all times are known, and that an event
    without consent has nothing of the person.
    """

    event_id: str
    event_type: EventType
    event_time: int
    arrival_time: int
    source: str
    user_id: str | None = None
    session_id: str | None = None
    product_id: str | None = None
    quantity: float | None = None
    price: float | None = None
    currency: str | None = None
    order_id: str | None = None
    query: str | None = None
    list_id: str | None = None
    position: int | None = None
    recommendation_id: str | None = None
    device: str | None = None
    referrer: str | None = None
    consent: bool = False


class Rejected(msgspec.Struct, frozen=True):
    """An event that was not accepted: its place in what was sent, the field, and why."""

    index: int
    field: str
    message: str


class Reading(msgspec.Struct):
    """What a request held.

    Attributes:
        events: that can be read, in their order.
        rejected: that cannot.
        ignored: known events that are not about products or lists, and those of other names.
    """

    events: list[Delivered] = []
    rejected: list[Rejected] = []
    ignored: int = 0


class UnreadableError(ValueError):
    """A request of which nothing can be read; `field` says where. Its text repeats no value."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field
