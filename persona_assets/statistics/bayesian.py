"""What an effect is likely to be, given a stated prior.

Belongs here: the normal model of one effect. Does not belong here: which prior (`ab_testing/`).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from persona_assets.statistics.two_samples import CONFIDENCE


@dataclass(frozen=True)
class Posterior:
    """Normal posterior of an effect.

    Attributes:
        mean: of the effect.
        low: lower end of its 95 % credible interval.
        high: upper end of it.
        better: probability that the effect is above 0.
        loss_if_shipped: expected loss, in units of the metric, if the arm is shipped: E max(−δ, 0).
        loss_if_kept: expected gain that is forgone if it is not: E max(δ, 0).
    """

    mean: float
    low: float
    high: float
    better: float
    loss_if_shipped: float
    loss_if_kept: float


def posterior(effect: float, standard_error: float, prior_deviation: float) -> Posterior:
    """Posterior of an effect under the prior N(0, prior_deviation²).

    Precisions add: 1/v = 1/error² + 1/prior², mean = v · effect / error² (Gelman et al. 2013,
    "Bayesian data analysis", § 2.5). Losses are the normal's partial expectations: E max(δ, 0) =
    σ·φ(m/σ) + m·Φ(m/σ).

    Args:
        effect: the estimate.
        standard_error: of it, above 0.
        prior_deviation: standard deviation of the prior, above 0, in units of the metric.
    """
    precision = 1 / standard_error**2 + 1 / prior_deviation**2
    mean, deviation = effect / standard_error**2 / precision, math.sqrt(1 / precision)
    normal = NormalDist()
    margin = normal.inv_cdf((1 + CONFIDENCE) / 2) * deviation
    at = mean / deviation
    above = normal.cdf(at)
    gain = max(0.0, deviation * normal.pdf(at) + mean * above)
    return Posterior(mean, mean - margin, mean + margin, above, max(0.0, gain - mean), gain)
