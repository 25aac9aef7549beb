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
        told_by_spend: their name says what they spend, so it is nothing to call people by of whose
            spend nothing is known.
        action_without_spend: `action` where nothing is known of what customers spend; None: the
            same.
        gone: their name says that they stay away, which nobody does who has only just come.
    """

    number: int
    name: str
    action: str
    position: Mapping[str, float]
    told_by_spend: bool = False
    action_without_spend: str | None = None
    gone: bool = False

    def at(self, feature: str) -> float:
        """Its position in one feature; 0, the mean, where it says nothing."""
        return self.position.get(feature, 0.0)


def _position(recency: float, orders: float, spend: float, returns: float) -> Mapping[str, float]:
    return {
        "recency_days": recency,
        "orders": orders,
        "net_spend": spend,
        "return_rate": returns,
    }


REFERENCE_CUSTOMERS = (
    ReferenceCustomer(
        1,
        "Champions",
        "Keep them: early access, personal service, a word of thanks; no discounts needed.",
        _position(-0.8, 1.6, 1.4, 0.7),
        action_without_spend="Keep them: early access, personal service, a word of thanks.",
    ),
    ReferenceCustomer(
        2,
        "Regulars",
        "Raise the basket: bundles and products that go with what they already buy.",
        _position(-0.5, 0.6, 0.6, -0.6),
        action_without_spend="Show them more: products that go with what they already buy.",
    ),
    ReferenceCustomer(
        3,
        "Newcomers",
        "Win the second order: welcome series and bestsellers within weeks of the first.",
        _position(-0.4, -0.7, -0.7, -0.6),
    ),
    ReferenceCustomer(
        4,
        "Frequent returners",
        "Find out what comes back and why: descriptions, packaging; no free-shipping offers.",
        _position(0.2, -0.2, -0.1, 1.8),
        action_without_spend="Find out what comes back and why: descriptions, packaging.",
    ),
    ReferenceCustomer(
        5,
        "Lost",
        "One reactivation offer, then save the postage.",
        _position(1.5, -0.8, -0.8, -0.6),
        action_without_spend="Write once more to win them back, then let them go.",
        gone=True,
    ),
    ReferenceCustomer(
        6,
        "Lapsing regulars",
        "Call them back now, while they remember: reminder of what they bought, timed offer.",
        _position(0.9, 0.5, 0.5, -0.3),
        action_without_spend="Call them back now, while they remember what they bought.",
        gone=True,
    ),
    ReferenceCustomer(
        7,
        "Big baskets",
        "Ask what for: wholesale terms, volume prices, a contact person.",
        _position(0.1, -0.2, 1.1, -0.5),
        told_by_spend=True,
        action_without_spend="Ask what they buy for, and name a contact person.",
    ),
    ReferenceCustomer(
        8,
        "Regulars who return",
        "Keep them, and help them choose: their returns cost, their orders more than pay for it.",
        _position(-0.5, 0.6, 0.6, 1.4),
        action_without_spend="Keep them, and help them choose: descriptions, sizes, pictures.",
    ),
    ReferenceCustomer(
        9,
        "Small frequent orders",
        "Bundle orders: free delivery from a basket somewhat above their usual one.",
        _position(-0.6, 0.9, -0.5, -0.5),
        told_by_spend=True,
        action_without_spend="Ask whether they would rather have one delivery than several.",
    ),
    ReferenceCustomer(
        10,
        "Lost champions",
        "Worth a personal call: find out where they went.",
        _position(1.5, 1.2, 1.2, 0.4),
        gone=True,
    ),
    ReferenceCustomer(
        11,
        "Average customers",
        "The usual programme; look again when there is more to tell them apart by.",
        _position(0.0, 0.0, 0.0, 0.0),
    ),
)
"""Positions are rounded from what k-means finds in Online Retail (1 to 5) and, beyond that, the
corners that recency, frequency and money leave between these. A new kind is appended: a number once
given keeps its meaning."""


NEWCOMERS = next(each for each in REFERENCE_CUSTOMERS if each.name == "Newcomers")
GONE = tuple(each.number for each in REFERENCE_CUSTOMERS if each.gone)
"""Numbers of the segments of customers who stay away."""

ACTIONS = {each.number: each.action for each in REFERENCE_CUSTOMERS}
"""What a marketer may do, by number."""
ACTIONS_WITHOUT_SPEND = {
    each.number: each.action_without_spend or each.action for each in REFERENCE_CUSTOMERS
}
"""The same where nothing is known of what customers spend: nothing of money."""
