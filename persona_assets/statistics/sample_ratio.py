"""Whether arms have the sizes that their shares promise, looked at at any time.

Belongs here: the sequential check. Does not belong here: the fixed one, Pearson's χ²
(`two_samples.sample_ratio_p_value`), or what follows from a mismatch (`ab_testing/`).
"""

import math
from collections.abc import Sequence

CONCENTRATIONS = (10.0, 100.0, 1_000.0, 10_000.0)
"""Prior units that lie as the shares say: with c of them, deviations of about 1/√c of all units are
what the check is best at: 30, 10, 3 and 1 %."""


def sequential_sample_ratio_p_value(
    counts: Sequence[Sequence[int]], shares: Sequence[float]
) -> float:
    """Smallest p-value so far that units fell into arms by their `shares`.

    The Bayes factor of a Dirichlet(c·θ) over the multinomial with shares θ against θ itself,
    B = Γ(c)/Γ(c + n) · Π Γ(cθ_i + n_i)/Γ(cθ_i) · Π θ_i^(−n_i), is a martingale under θ, and so is
    its mean over several c, so that it ever exceeds 1/α with a probability of at most α (Lindon and
    Malek 2022, "Anytime-valid inference for multinomial count data", NeurIPS 35, the test of a
    multinomial hypothesis). 1 / the largest mean so far is a p-value at any time.

    Args:
        counts: units of each arm so far, one row per look.
        shares: of the arms, positive, summing to 1.
    """
    return min((math.exp(-max(0.0, _log_bayes_factor(row, shares))) for row in counts), default=1.0)


def _log_bayes_factor(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Logarithm of the mean over `CONCENTRATIONS`."""
    factors = [_log_of_one(counts, shares, each) for each in CONCENTRATIONS]
    highest = max(factors)
    total = math.fsum(math.exp(each - highest) for each in factors)
    return highest + math.log(total / len(factors))


def _log_of_one(counts: Sequence[int], shares: Sequence[float], concentration: float) -> float:
    factor = math.lgamma(concentration) - math.lgamma(concentration + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        prior = concentration * share
        factor += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return factor
