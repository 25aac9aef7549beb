"""Metrics post-stratified by columns that were known before the experiment.

Belongs here: which strata there are, and estimates by them. Does not belong here: the weighting
(`statistics/post_stratification.py`), segments that are looked into (`segments.py`).
"""

from collections.abc import Sequence

import polars as pl

from persona_assets.ab_testing.comparisons import Adjustment, Key
from persona_assets.ab_testing.declaration import Metric
from persona_assets.ab_testing.evidence import Measured
from persona_assets.ab_testing.unit_rows import ARM, segment
from persona_assets.ab_testing.units import Units, measured
from persona_assets.notation import listed
from persona_assets.statistics.estimates import Estimate
from persona_assets.statistics.post_stratification import post_stratified

FEWEST = 20
"""Units of each arm in a stratum; smaller ones are put together."""
_SMALL = "(small strata)"


def post_stratify(units: Units) -> dict[Key, Adjustment]:
    """Post-stratified estimates of means and proportions; of none where there are no strata.

    Ratios are left as they are: a stratum's ratio has no weight that would make them add up.
    """
    if not units.declaration.strata:
        return {}
    columns = [pl.col(segment(name)) for name in units.declaration.strata]
    frame = units.frame.with_columns(pl.concat_str(columns, separator=" × ").alias("stratum"))
    frame = frame.with_columns(
        pl.when(pl.col("stratum").is_in(_small(frame, units.arms)))
        .then(pl.lit(_SMALL))
        .otherwise("stratum")
        .alias("stratum")
    )
    found = {}
    for metric in units.declaration.metrics:
        if metric.kind == "ratio" or metric.name not in units.evidence.last.measured:
            continue
        for arm in units.arms:
            for against in units.arms:
                both = None if arm == against else _pair(frame, metric, arm, against)
                if both is not None:
                    found[metric.name, arm, against] = Adjustment(
                        Measured(both[0]), Measured(both[1]), "post-stratified, Welch's t-test"
                    )
    return found


def unused(columns: Sequence[str]) -> str:
    """Why nothing was post-stratified."""
    return (
        f"strata ({listed(columns)}) are not used: fewer than two have {FEWEST} units of every arm "
        "and a metric that they can weigh, a proportion or a mean"
    )


def _small(frame: pl.DataFrame, arms: tuple[str, ...]) -> list[str]:
    """Strata to put together: those with too few units, and as many more as make them enough."""
    counts = [(pl.col(ARM) == arm).sum().alias(f"\0{place}") for place, arm in enumerate(arms)]
    sizes = frame.group_by("stratum").agg(counts).with_columns(least=pl.min_horizontal("^\0.*$"))
    together: list[str] = []
    so_far = [FEWEST] * len(arms)
    for name, *of_arms, least in sizes.sort("least", "stratum").iter_rows():
        if least >= FEWEST and min(so_far) >= FEWEST:
            break
        so_far = of_arms if not together else [a + b for a, b in zip(so_far, of_arms, strict=True)]
        together.append(name)
    return together


def _pair(
    frame: pl.DataFrame, metric: Metric, arm: str, against: str
) -> tuple[Estimate, Estimate] | None:
    strata = {}
    for (name,), rows in frame.group_by("stratum"):
        sides = [measured(rows.filter(pl.col(ARM) == each), metric) for each in (arm, against)]
        if sides[0] is None or sides[1] is None:
            return None
        strata[str(name)] = (sides[0].estimate, sides[1].estimate)
    # In one order, since a sum of floats depends, in its last digits, on its order.
    return post_stratified(dict(sorted(strata.items()))) if len(strata) > 1 else None
