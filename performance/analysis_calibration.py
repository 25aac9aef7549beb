"""What the analysis of an A/B test keeps of its promises: tables for docs/experiments.md.

Draws experiments whose truth is known, analyses each with `ab_testing`, and counts: false findings
(A/A), coverage, the damage of peeking and its absence, sizes of arms, and what CUPED saves.

    python performance/analysis_calibration.py --experiments 1000
"""

import argparse
import math

import numpy as np

from persona_assets.ab_testing.timing import RUNNING_SHARE
from persona_assets.statistics.cuped import Observed, adjusted
from persona_assets.statistics.estimates import mean_estimate, ratio_estimate
from persona_assets.statistics.quantile_effects import QuantileEffect, quantile_effect
from persona_assets.statistics.relative_effects import RelativeEffect, relative_effect
from persona_assets.statistics.sample_ratio import sequential_sample_ratio_p_value
from persona_assets.statistics.sequential import mixture_parameter, standard_errors
from persona_assets.statistics.two_samples import (
    Comparison,
    proportion_difference,
    sample_ratio_p_value,
    welch_difference,
)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    generator = np.random.default_rng(asked.seed)
    print("| what | A/A: false findings | covered |\n|---|---:|---:|")
    for name, (false, covered) in coverage(generator, asked.experiments).items():
        print(f"| {name} | {100 * false:.1f} % | {100 * covered:.1f} % |")
    print("\n| one look a day for 30 days, nothing to find | found something |\n|---|---:|")
    for name, share in peeking(generator, asked.experiments).items():
        print(f"| {name} | {100 * share:.1f} % |")
    print("\n| sizes of arms, one look a day for 30 days, p < 0.05 | alarm |\n|---|---:|")
    for name, share in sizes(generator, asked.experiments).items():
        print(f"| {name} | {100 * share:.1f} % |")
    print("\n| correlation with the pre-period | variance left | 1 − ρ² | covered |")
    print("|---:|---:|---:|---:|")
    for correlation in (0.0, 0.3, 0.6, 0.9):
        left, covered = cuped(generator, max(100, asked.experiments // 4), correlation)
        print(
            f"| {correlation} | {100 * left:.0f} % | {100 * (1 - correlation**2):.0f} % "
            f"| {100 * covered:.1f} % |"
        )


def coverage(generator: np.random.Generator, experiments: int) -> dict[str, tuple[float, float]]:
    """Per method: share of false findings without an effect, and of intervals with the truth."""
    found: dict[str, list[tuple[bool, bool]]] = {}
    for _ in range(experiments):
        for lift in (0.0, 0.1):
            n = 2000
            hits, control_hits = generator.binomial(n, [0.03 * (1 + lift), 0.03])
            shown = proportion_difference(int(hits), n, int(control_hits), n)
            _count(found, "proportion of 3 %, 2,000 an arm", shown, 0.03 * lift, lift)
            amounts = _spending(generator, n, 1 + lift), _spending(generator, n, 1.0)
            shown = welch_difference(*map(mean_estimate, amounts))
            _count(found, "revenue per user, 10 % buy, 2,000 an arm", shown, 3.0 * lift, lift)
            relative = relative_effect(*map(mean_estimate, amounts))
            if relative is not None:
                _count(found, "its lift", relative, lift, lift)
            arms = _clicks(generator, 500, 1 + lift), _clicks(generator, 500, 1.0)
            shown = welch_difference(*(ratio_estimate(*each) for each in arms))
            _count(found, "clicks / impressions by user, 500 an arm", shown, 0.1 * lift, lift)
            skewed = [scale * generator.lognormal(0, 1, 500) for scale in (1 + lift, 1.0)]
            median = quantile_effect(skewed[0], skewed[1], 0.9)
            if median is not None:
                _count(found, "0.9 quantile, 500 an arm", median, lift * math.exp(1.2815516), lift)
    return {
        name: (
            1 - float(np.mean([kept for null, kept in rows if null])),
            float(np.mean([kept for _, kept in rows])),
        )
        for name, rows in found.items()
    }


def _count(
    found: dict[str, list[tuple[bool, bool]]],
    name: str,
    shown: Comparison | QuantileEffect | RelativeEffect,
    true: float,
    lift: float,
) -> None:
    found.setdefault(name, []).append((lift == 0, shown.low <= true <= shown.high))


def _spending(generator: np.random.Generator, users: int, scale: float) -> np.ndarray:
    """Mean 3 · scale: a tenth buys, for 30 on average."""
    return scale * (generator.random(users) < 0.1) * generator.gamma(1.5, 20.0, users)


def _clicks(
    generator: np.random.Generator, users: int, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Users with tastes around 10 % and with few or many impressions."""
    seen = 1.0 + generator.geometric(0.1, users)
    taste = np.minimum(1.0, scale * generator.beta(1, 9, users))
    return generator.binomial(seen.astype(int), taste).astype(float), seen


def peeking(generator: np.random.Generator, experiments: int) -> dict[str, float]:
    """Whoever looks every day and stops at the first finding; units of skewed spending."""
    days, daily = 30, 200
    units = np.arange(1, days + 1) * daily
    total = 2 * units
    rho, running = (
        mixture_parameter(int(total[-1]), level) for level in (0.95, 1 - 0.05 * RUNNING_SHARE)
    )
    at_any_time = np.array([standard_errors(int(n), rho) for n in total])
    while_running = np.array(
        [standard_errors(int(n), running, 1 - 0.05 * RUNNING_SHARE) for n in total]
    )
    ever = dict.fromkeys(
        (
            "fixed interval, every day",
            "fixed interval, at the end alone",
            "sequential interval, every day",
            "hybrid: sequential, and fixed at the end",
            "the same without division of the 5 %",
        ),
        0,
    )
    for _ in range(experiments):
        first, second = (_spending(generator, days * daily, 1.0) for _ in range(2))
        sums = [each.cumsum()[units - 1] for each in (first, second)]
        squares = [(each**2).cumsum()[units - 1] for each in (first, second)]
        means = [each / units for each in sums]
        variances = [
            (square / units - mean**2) / (units - 1)
            for square, mean in zip(squares, means, strict=True)
        ]
        z = np.abs(means[0] - means[1]) / np.sqrt(variances[0] + variances[1])
        ever["fixed interval, every day"] += bool((z > 1.96).any())
        ever["fixed interval, at the end alone"] += bool(z[-1] > 1.96)
        ever["sequential interval, every day"] += bool((z > at_any_time).any())
        # 2.0537 leaves 4 % outside: the part of the 5 % that is kept for the end.
        ever["hybrid: sequential, and fixed at the end"] += bool(
            (z[:-1] > while_running[:-1]).any() or z[-1] > 2.0537
        )
        ever["the same without division of the 5 %"] += bool(
            (z[:-1] > at_any_time[:-1]).any() or z[-1] > 1.96
        )
    return {name: count / experiments for name, count in ever.items()}


def sizes(generator: np.random.Generator, experiments: int) -> dict[str, float]:
    """Alarms at p < 0.05 of every day's look, so that few experiments show what each keeps."""
    alarms = {"χ², every day": 0, "sequential, every day": 0, "sequential, 4 % of an arm lost": 0}
    for _ in range(experiments):
        days = generator.multinomial(1000, [0.5, 0.5], size=30).cumsum(axis=0).tolist()
        leak = generator.multinomial(1000, [0.49, 0.51], size=30).cumsum(axis=0).tolist()
        alarms["χ², every day"] += min(sample_ratio_p_value(day, [0.5, 0.5]) for day in days) < 0.05
        alarms["sequential, every day"] += sequential_sample_ratio_p_value(days, [0.5, 0.5]) < 0.05
        alarms["sequential, 4 % of an arm lost"] += (
            sequential_sample_ratio_p_value(leak, [0.5, 0.5]) < 0.05
        )
    return {name: count / experiments for name, count in alarms.items()}


def cuped(
    generator: np.random.Generator, experiments: int, correlation: float
) -> tuple[float, float]:
    """Variance that is left, and coverage of an effect of 0.1 standard deviations."""
    ones = np.ones(1000)
    left, covered = [], []
    for _ in range(experiments):
        arms = {}
        for name, effect in (("c", 0.0), ("t", 0.1)):
            before = generator.normal(size=1000)
            noise = math.sqrt(1 - correlation**2) * generator.normal(size=1000)
            arms[name] = Observed(5 + correlation * before + noise + effect, ones, before + 5, ones)
        found = adjusted(arms).estimates
        shown = welch_difference(found["t"], found["c"])
        covered.append(shown.low <= 0.1 <= shown.high)
        plain = sum(mean_estimate(each.numerator).variance for each in arms.values())
        left.append(shown.standard_error**2 / plain)
    return float(np.mean(left)), float(np.mean(covered))


if __name__ == "__main__":
    main()
