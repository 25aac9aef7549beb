"""How often the intervals of off-policy evaluation hold the truth, and how far estimates are off.

Simulates logs of policies that differ more and less from the target, with rare and frequent
rewards, one exposure a person or five, and puts the logs into classes by their effective number of
people and of rewards. The limits of `persona_assets/off_policy/support.py` come from here.

    python performance/off_policy_coverage.py --rounds 100
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
import polars as pl

from persona_assets.off_policy.evaluation import estimates_of
from persona_assets.off_policy.log import Exposures
from persona_assets.off_policy.support import refusals, support_of

KINDS = 20
"""Kinds of visit that policies tell apart."""


def logs(rounds: int, seed: int) -> Iterator[tuple[Exposures, float]]:
    """Logs beside the target policy, and its true value."""
    rng = np.random.default_rng(seed)
    worlds = product((10, 50), (0.0, 1.0, 2.0, 3.0), (0.005, 0.05, 0.5), (200, 1000, 5000), (1, 5))
    for actions, distance, rate, rows, a_person in worlds:
        taste = rng.normal(size=(KINDS, actions))
        logging = _softmax(distance * taste)
        target = _softmax(rng.normal(size=(KINDS, actions)) - distance / 2 * taste)
        # The target policy does more of what is liked; the model sees half of what differs.
        reward = rate * (1 + 0.7 * np.tanh(rng.normal(size=taste.shape) / 2 - taste))
        model = (reward + rate) / 2
        value = float((target * reward).sum(axis=1).mean())
        for _ in range(rounds):
            person = np.arange(rows) // a_person
            kind = rng.integers(KINDS, size=rows // a_person)[person]
            # Some people respond twice as often as others: rows of a person are not independent.
            keenness = rng.choice([2 / 3, 4 / 3], size=rows // a_person)[person]
            drawn = rng.random(rows)[:, None] > logging.cumsum(axis=1)[kind]
            action = np.minimum(drawn.sum(axis=1), actions - 1)
            likely = np.minimum(reward[kind, action] * keenness, 1) if rate < 0.5 else (
                reward[kind, action]
            )  # fmt: skip
            yield (
                Exposures(
                    reward=(rng.random(rows) < likely).astype(np.float64),
                    propensity=logging[kind, action],
                    target=target[kind, action],
                    unit=person,
                    predicted=model[kind, action],
                    expected=(target * model).sum(axis=1)[kind],
                    deterministic=False,
                    unlogged=0.0,
                ),
                value,
            )


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores)
    return weights / weights.sum(axis=1, keepdims=True)


def measured(rounds: int, seed: int) -> pl.DataFrame:
    """One row per log and estimator."""
    found = []
    for number, (exposures, value) in enumerate(logs(rounds, seed)):
        support = support_of(exposures, exposures.weight)
        if not support.effective_rewards:
            continue
        estimates = estimates_of(exposures, exposures.weight)
        logged = abs(float(exposures.reward.mean()) / value - 1)
        found.append(
            estimates.select(
                "estimator",
                covered=pl.lit(value).is_between("low", "high"),
                error=(pl.col("value") / value - 1).abs(),
            ).with_columns(
                number=number,
                units=support.effective_units,
                rewards=support.effective_rewards,
                refused=bool(refusals(support, exposures.reward)),
                logged=logged,
            )
        )
    return pl.concat(found)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    found = measured(asked.rounds, asked.seed)
    names = ("ips", "snips", "dr", "switch_dr", "dros")
    print("| log | logs | refused | " + " | ".join(names) + " |")
    print("|---|---:|---:|" + "---:|" * len(names))
    bounds = (0, 10, 30, 50, 100, 200, 500, 1e9)
    for low, high in pairwise(bounds):
        some = found.filter(pl.col("units").is_between(low, high, "left"), pl.col("rewards") >= 10)
        _print_row(f"{low:.0f} to {high:.0f} effective people", some, names)
    bounds = (0, 3, 5, 10, 20, 50, 1e9)
    for low, high in pairwise(bounds):
        some = found.filter(pl.col("rewards").is_between(low, high, "left"), pl.col("units") >= 100)
        _print_row(f"{low:.0f} to {high:.0f} effective rewards", some, names)
    _print_row("answered", found.filter(~pl.col("refused")), names)
    print("\nmedian error, as a share of the truth")
    by_name = ("dm", *names)
    print("| log | the logged mean | " + " | ".join(by_name) + " |")
    print("|---|---:|" + "---:|" * len(by_name))
    for refused in (False, True):
        some = found.filter(pl.col("refused") == refused)
        errors = [some.filter(estimator=name)["error"].median() for name in by_name]
        logged = some.filter(estimator="ips")["logged"].median()
        cells = " | ".join(f"{100 * each:.1f} %" for each in (logged, *errors))
        print(f"| {'refused' if refused else 'answered'} | {cells} |")


def _print_row(label: str, some: pl.DataFrame, names: tuple[str, ...]) -> None:
    covered = [some.filter(estimator=name)["covered"].mean() for name in names]
    once = some.filter(estimator="ips")
    cells = " | ".join(f"{100 * each:.1f}" for each in covered)
    print(f"| {label} | {once.height} | {100 * once['refused'].mean():.0f} % | {cells} |")


if __name__ == "__main__":
    main()
