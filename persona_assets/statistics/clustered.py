"""How much shares move from week to week by themselves, where events come in visits of people.

Events of a visit share their hour, events of a person their tastes: n events say less than n
independent ones would. What is independent is people; and what a person does every week moves
nothing from one week to the next.

Belongs here: the variance of weekly shares between weeks within people, on plain arrays. Does not
belong here: thresholds made of it (`monitoring/thresholds.py`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_GROUPS = 2_000
"""People are put into so many groups at most, which bounds the memory; groups of independent people
are independent, too."""


@dataclass(frozen=True)
class Noise:
    """Covariance of the difference of shares between a week and the weeks before it, by chance.

    Attributes:
        shares: of all weeks together, one per category.
        covariance: of the difference of shares, categories × categories.
        freedom: degrees of freedom of its estimate.
    """

    shares: Floats
    covariance: Floats
    freedom: float


def weekly_noise(
    category: NDArray[np.int64],
    person: NDArray[np.int64],
    week: NDArray[np.int64],
    *,
    cumulative: bool = False,
    sampled: int | None = None,
) -> Noise:
    """Estimate how far shares of the last week lie from those of the weeks before, by chance.

    In week w a person contributes a = (s_j − p_j · s) / n to the share of category j, with s_j
    and s the person's events in j and at all, p_j the share on that side (the last week, or those
    before), and n all events of the week: the linearisation of a ratio (Wolter 2007, "Introduction
    to variance estimation", § 6.5). Within a person, contributions vary around their mean over the
    W weeks; the sum over people of that variance, (W − 1)⁻¹ Σ_w (a − ā)(a − ā)ᵀ, estimates the
    variance of a week's shares without what stays the same. It is taken to fall as 1 / n.

    Degrees of freedom are those of Satterthwaite (1946) for a sum of people's variances: a few
    people who make up most of the events count for few.

    Args:
        category: of each event, 0, 1, …
        person: of each event, 0, 1, …
        week: of each event, 0 to W − 1 with W of at least 2; the last one is compared.
        cumulative: estimate shares of "this category or a lower one".
        sampled: most events a side that the shares are computed from; None: all.
    """
    groups = person % MOST_GROUPS
    weeks, people, kinds = (int(each.max()) + 1 for each in (week, groups, category))
    at = (groups * weeks + week) * kinds + category
    counts = np.bincount(at, minlength=people * weeks * kinds).astype(np.float64)
    counts = counts.reshape(people, weeks, kinds)
    if cumulative:
        counts = counts.cumsum(axis=2)
        totals = counts[:, :, -1]
        counts = counts[:, :, :-1]
    else:
        totals = counts.sum(axis=2)
    events = totals.sum(axis=0)
    before, last = events[:-1].sum(), events[-1]
    by_side = np.stack([counts[:, :-1].sum(axis=(0, 1)) / before, counts[:, -1].sum(axis=0) / last])
    share = by_side[(np.arange(weeks) == weeks - 1).astype(int)]
    seen = np.maximum(events, 1)
    contribution = (counts - totals[:, :, None] * share) / seen[None, :, None]
    contribution -= contribution.mean(axis=1, keepdims=True)
    flat = contribution.reshape(people * weeks, -1)
    covariance = flat.T @ flat / (weeks - 1)
    size = 1 / last + 1 / before
    covariance *= size / (1 / seen[events > 0]).mean()
    shares = counts.sum(axis=(0, 1)) / (before + last)
    if sampled is not None:
        drawn = sum(max(0.0, 1 / sampled - 1 / side) for side in (before, last) if side > sampled)
        covariance += drawn * _multinomial(shares, cumulative=cumulative)
    scale = np.where(shares > 0, np.maximum(shares * (1 - shares), 1e-12), 1.0)
    of_person = (contribution**2 / scale).sum(axis=(1, 2))
    spread = float((of_person**2).sum())
    freedom = (weeks - 1) * float(of_person.sum()) ** 2 / spread if spread else 1.0
    return Noise(shares, covariance, max(freedom, 2.0))


def _multinomial(shares: Floats, *, cumulative: bool) -> Floats:
    """Covariance of the shares of one independent event."""
    if cumulative:
        ordered: Floats = np.minimum(shares[:, None], shares[None, :])
        return ordered - np.outer(shares, shares)
    return np.diag(shares) - np.outer(shares, shares)
