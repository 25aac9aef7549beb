"""What sets a segment apart, as a sentence for marketers.

Belongs here: which differences are told, and in what words. Does not belong here: computing them
(`profiles.py`), or the name and action of a segment, which are those of its reference customer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

NEGLIGIBLE, SMALL, MEDIUM = 0.147, 0.33, 0.474
"""|Cliff's δ| below which an effect is negligible, small, medium; from there on it is large.
Romano, Kromrey, Coraggio & Skowronek: "Appropriate statistics for ordinal level data: should we
really be using t-test and Cohen's d for evaluating group differences on the NSSE and other
surveys?", Florida Association of Institutional Research, 2006."""

SURE, MOST = 2, 4
"""Differences told however weak they are (unless negligible), and at most; those beyond the first
`SURE` must be at least medium."""


LEAST_KNOWN = 0.5
"""Share of a segment that must have a value: how often the few repeat buyers among newcomers order
does not describe newcomers."""


class Trait(NamedTuple):
    """A feature of a segment: its median within, that of all other customers, and Cliff's δ.

    `known` is the share of the segment's customers who have a value.
    """

    feature: str
    median: float | None
    rest_median: float | None
    effect: float | None
    known: float = 1.0


def _amount(value: float) -> str:
    """Three digits or the whole number: `2,690`, `12.35`, `0.5`; more would only look exact."""
    rounded = round(value, 0 if abs(value) >= 20 else 2) + 0.0  # no "-0"
    return f"{rounded:,.0f}" if abs(rounded) >= 20 else f"{rounded:g}"


def _percent(value: float) -> str:
    return f"{round(100 * value)} %"  # an integer: no "-0"


def _days(value: float) -> str:
    return f"{value:.0f}" if value >= 1.5 else _amount(value)


@dataclass(frozen=True)
class _Words:
    """How a larger and a smaller value are told of "them"; `{}` takes the adverb.

    Of features with the same `theme` only the one with the stronger effect is told. `number`
    writes a value and `unit` follows the segment's own (singular, plural).
    """

    more: str
    less: str
    theme: str
    number: Callable[[float], str]
    unit: tuple[str, str] = ("", "")


_WORDS = {
    "gross_spend": _Words("spend {}more", "spend {}less", "spend", _amount),
    "orders": _Words(
        "order {}more often", "order {}less often", "orders", _amount, (" order", " orders")
    ),
    "average_order_value": _Words(
        "place {}larger orders", "place {}smaller orders", "basket", _amount, (" an order",) * 2
    ),
    "recency_days": _Words(
        "last bought {}longer ago",
        "last bought {}more recently",
        "recency",
        _days,
        (" day ago", " days ago"),
    ),
    "tenure_days": _Words(
        "first bought {}longer ago",
        "first bought {}more recently",
        "tenure",
        _days,
        (" day ago", " days ago"),
    ),
    "days_between_orders": _Words(
        "order at {}longer intervals",
        "order at {}shorter intervals",
        "rhythm",
        _days,
        (" day", " days"),
    ),
    "products": _Words(
        "buy a {}wider range",
        "buy a {}narrower range",
        "range",
        _amount,
        (" product", " products"),
    ),
    "categories": _Words(
        "buy from {}more categories",
        "buy from {}fewer categories",
        "range",
        _amount,
        (" category", " categories"),
    ),
    "top_category_share": _Words(
        "concentrate {}more on one category",
        "concentrate {}less on one category",
        "mix",
        _percent,
        (" of their spend",) * 2,
    ),
    "return_rate": _Words(
        "have a {}higher share of returns", "have a {}lower share of returns", "returns", _percent
    ),
}

WORDED = tuple(_WORDS)
"""Features that a description may speak of: those that say something to people who do not compute.
Others (lines, net spend, deviations …) say much the same and stand in the table of traits; so does
the trend of spending, which begins with a purchase and hence falls for whoever bought once."""

_ALONE = "All customers are in this segment: there are no others to compare them with."
_ALIKE = "They do not differ noticeably from the other customers."


def describe(traits: Sequence[Trait], *, alone: bool = False) -> str:
    """Two to four differences with the strongest effects, the strongest first.

    Nothing is said of an effect that is negligible, nor of one that the medians, as written, do not
    show too: the words and the numbers beside them never disagree.

    Args:
        traits: of one segment; features that are not `WORDED` are passed over.
        alone: there is no other segment.

    Returns:
        One sentence, such as "They spend far more (median 2,690; others 421) and last bought more
        recently (9 days ago; others 84)."; "far" stands for a large effect, "slightly" for a small
        one.
    """
    if alone:
        return _ALONE
    told: dict[str, tuple[Trait, str]] = {}
    # Of equal effects the one that stands first in `_WORDS` comes first.
    for trait in sorted(
        (trait for trait in traits if trait.feature in _WORDS),
        key=lambda trait: (-abs(trait.effect or 0.0), WORDED.index(trait.feature)),
    ):
        clause = _clause(trait)
        if clause and _WORDS[trait.feature].theme not in told:
            told[_WORDS[trait.feature].theme] = (trait, clause)
    clauses = [
        clause
        for place, (trait, clause) in enumerate(told.values())
        if place < SURE or (place < MOST and abs(trait.effect or 0.0) >= SMALL)
    ]
    if not clauses:
        return _ALIKE
    clauses[0] = clauses[0].replace("(", "(median ", 1)
    *first, last = clauses
    return f"They {' and '.join(filter(None, (', '.join(first), last)))}."


def _clause(trait: Trait) -> str | None:
    """The difference with its numbers; None where there is nothing to tell."""
    if trait.effect is None or trait.median is None or trait.rest_median is None:
        return None
    words = _WORDS[trait.feature]
    own, rest = words.number(trait.median), words.number(trait.rest_median)
    agrees = (trait.median - trait.rest_median) * trait.effect > 0 and own != rest
    if abs(trait.effect) < NEGLIGIBLE or trait.known < LEAST_KNOWN or not agrees:
        return None
    phrase = (words.more if trait.effect > 0 else words.less).format(_adverb(abs(trait.effect)))
    return f"{phrase} ({own}{words.unit[own != '1']}; others {rest})"


def _adverb(strength: float) -> str:
    if strength < SMALL:
        return "slightly "
    return "" if strength < MEDIUM else "far "
