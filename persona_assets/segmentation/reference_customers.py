"""The customers that segments are named after: what each is like, and what a shop may do.

Belongs here: the list. Does not belong here: matching segments to it (`numbering.py`) or words
about a segment's own numbers (`wording.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ReferenceCustomer:
    """A kind of customer.

    Attributes:
        number: of the segments that are like this one; never given to another kind again.
        name: what they are called.
        action: what a marketer may do about them.
        position: standard deviations from the mean customer, by segmenting feature.
    """

    number: int
    name: str
    action: str
    position: Mapping[str, float]

    def at(self, feature: str) -> float:
        """Its position in one feature; 0, the mean, where it says nothing."""
        return self.position.get(feature, 0.0)


def _position(
    recency: float, orders: float, spend: float, basket: float, returns: float
) -> Mapping[str, float]:
    return {
        "recency_days": recency,
        "orders": orders,
        "net_spend": spend,
        "average_order_value": basket,
        "return_rate": returns,
    }


REFERENCE_CUSTOMERS = (
    ReferenceCustomer(
        1,
        "Champions",
        "Keep them: early access, a personal contact, no discounts that they do not need.",
        _position(-0.8, 1.5, 1.3, 0.4, 0.4),
    ),
    ReferenceCustomer(
        2,
        "Active regulars",
        "Raise the frequency: recommend what goes with the last order while they are here.",
        _position(-1.1, 0.0, 0.0, 0.0, -0.6),
    ),
    ReferenceCustomer(
        3,
        "Big occasional buyers",
        "Win the next order: remind them of what they bought when it is due again.",
        _position(0.5, -0.5, 0.1, 0.7, -0.6),
    ),
    ReferenceCustomer(
        4,
        "Small lapsed buyers",
        "Spend little: one automatic message with popular products, then leave them alone.",
        _position(0.7, -0.7, -1.1, -1.0, -0.6),
    ),
    ReferenceCustomer(
        5,
        "Frequent returners",
        "Find out why things come back: descriptions, packing, sizes; hold discounts until then.",
        _position(0.3, -0.2, 0.0, 0.2, 1.7),
    ),
    ReferenceCustomer(
        6,
        "Newcomers",
        "Welcome them: show how the shop works and what people like them bought second.",
        _position(-1.0, -0.7, -0.8, -0.6, -0.6),
    ),
    ReferenceCustomer(
        7,
        "Wholesale-sized buyers",
        "Treat them as accounts: volume prices, a quote instead of a basket, someone to call.",
        _position(-0.2, 0.3, 1.7, 2.2, 0.0),
    ),
    ReferenceCustomer(
        8,
        "Lapsing regulars",
        "Win them back now: ask what changed, offer what they used to buy.",
        _position(1.0, 0.8, 0.7, 0.0, 0.0),
    ),
    ReferenceCustomer(
        9,
        "Frequent small baskets",
        "Enlarge the basket: bundles, free delivery above a sum a little over their usual one.",
        _position(-0.7, 1.0, 0.2, -1.0, -0.2),
    ),
    ReferenceCustomer(
        10,
        "Active returners",
        "Look at what they return, and leave it out of what they are shown.",
        _position(-0.7, 0.4, 0.3, 0.1, 1.6),
    ),
    ReferenceCustomer(
        11,
        "Long gone",
        "Write once a year; they cost more to win back than a new customer.",
        _position(1.4, -0.7, -0.3, 0.2, -0.6),
    ),
    ReferenceCustomer(
        12,
        "Average customers",
        "Nothing sets them apart yet: the shop's usual programme.",
        _position(0.0, 0.0, 0.0, 0.0, 0.0),
    ),
)
"""In the order of their numbers. Positions are rounded from what k-means finds in Online Retail
(1 to 5) and, beyond that, the corners that recency, frequency and money leave between these."""
