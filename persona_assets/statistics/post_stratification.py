"""Effects within strata, weighted by the strata's sizes.

Belongs here: the post-stratified difference of two arms. Does not belong here: which strata
(`ab_testing/`), values instead of groups (`cuped.py`).
"""

from collections.abc import Mapping

from persona_assets.statistics.estimates import Estimate


def post_stratified(
    strata: Mapping[str, tuple[Estimate, Estimate]],
) -> tuple[Estimate, Estimate]:
    """The arm's and control's values as if both had the strata in the same shares.

    Σ w_s·Ȳ_s with w_s = N_s / N over both arms (Miratrix, Sekhon and Yu 2013, "Adjusting treatment
    effect estimates by post-stratification in randomized experiments"). To
    Σ w_s²·s²/n comes what the shares themselves vary by, for the effect Σ w_s·(τ_s − τ)²/N: it is
    put half on either side, so that the variance of the difference is right.

    Args:
        strata: of each, the arm's and control's estimate, both of at least two units.
    """
    total = sum(arm.units + control.units for arm, control in strata.values())
    weights = {name: (arm.units + control.units) / total for name, (arm, control) in strata.items()}
    effects = {name: arm.value - control.value for name, (arm, control) in strata.items()}
    effect = sum(weights[name] * each for name, each in effects.items())
    shares = sum(weights[name] * (each - effect) ** 2 for name, each in effects.items()) / total
    sides = [
        Estimate(
            sum(weights[name] * both[side].value for name, both in strata.items()),
            sum(weights[name] ** 2 * both[side].variance for name, both in strata.items())
            + shares / 2,
            sum(both[side].units for both in strata.values()),
        )
        for side in (0, 1)
    ]
    return sides[0], sides[1]
