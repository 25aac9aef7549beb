"""Interleaving beside the A/B test: do they agree, and how many users does each need?

Reads a home of the synthetic shop (`persona demo`, `make gate`), whose planted truth is known. For
every pair of its models: the users that an A/B test needs to tell them apart in 4 of 5 cases, and
those that interleaved lists need. Then, by simulated experiments, whether they do find it with so
many, and how often they find something where there is nothing.

    PERSONA_HOME=.persona python performance/interleaving.py
"""

import argparse
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from persona_assets import settings as settings_module
from persona_assets.evaluation.comparison import newest_evaluated
from persona_assets.evaluation.oracle import ORACLE
from persona_assets.experiments.interleaved_simulation import (
    InterleavingBench,
    Responses,
    interleaved_week,
    interleaving_bench,
)
from persona_assets.experiments.interleaving_analysis import paired_lead, preference
from persona_assets.experiments.response import VISITS, PlantedResponse
from persona_assets.experiments.team_draft import Ties
from persona_assets.lake import DeltaStore
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.statistics.power import users_needed
from persona_assets.statistics.two_samples import mean_difference, proportion_difference
from persona_assets.tables import TABLES
from persona_assets.tables.models import FALLBACK_USER
from persona_assets.transforms.attribute_history import newest

BOTH: tuple[Ties, ...] = ("drafted", "shared")
SOME_USERS = 40_000
"""Weeks of users from which means and variances are taken."""


@dataclass(frozen=True)
class Pair:
    """Two models: what is true of them, and the users that each test needs."""

    models: tuple[str, str]
    bench: InterleavingBench
    conversion: tuple[float, float]
    needed: dict[str, float]
    lead: dict[str, float]

    @property
    def effect(self) -> float:
        """True difference of conversion."""
        return self.conversion[0] - self.conversion[1]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", help="Names, with commas between; default: all.")
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    pairs = [_pair(models, bench, rng) for models, bench in _benches(asked.models)]
    _print_needed(pairs)
    _print_agreement(pairs)
    _print_null(pairs, asked.experiments, rng)
    _print_power(pairs, asked.experiments // 4, rng)


def _benches(wanted: str | None) -> list[tuple[tuple[str, str], InterleavingBench]]:
    current = settings_module.load()
    store = DeltaStore(current.lake_root, storage_options=current.storage_options)

    def read(path: str) -> pl.DataFrame:
        return store.read(TABLES[path])

    cutoff = newest_evaluated(read("evaluation/model_comparison"))
    lists = read("recommendations/top_k").filter(
        pl.col("cutoff") == cutoff, pl.col("model") != ORACLE
    )
    truth = ShopResource(current).planted_truth(
        newest(read("raw/user_history"), "user_id"),
        newest(read("raw/product_history"), "product_id"),
    )
    if truth is None:
        raise SystemExit(
            "the truth of this home's shop is not known: use one of the synthetic shop"
        )
    people = lists.filter(pl.col("user_id") != FALLBACK_USER)["user_id"].unique().sort().to_list()
    response = PlantedResponse(people, truth.product_ids, *truth.responses(people, cutoff))
    models = wanted.split(",") if wanted else lists["model"].unique().sort().to_list()
    return [
        (pair, interleaving_bench(lists, response, cutoff=cutoff, models=pair))
        for pair in combinations(models, 2)
    ]


def _pair(models: tuple[str, str], bench: InterleavingBench, rng: np.random.Generator) -> Pair:
    clicked, converts = _in_arms(bench)
    conversion = converts.mean(axis=1)
    clicks = VISITS * clicked.sum(axis=2)
    of_clicks = (VISITS * clicked * (1 - clicked)).sum(axis=2).mean(axis=1) + clicks.var(axis=1)
    needed = {
        "A/B, conversion": 2.0
        * users_needed(
            conversion[0] - conversion[1] or 1e-9,
            variance=float((conversion * (1 - conversion)).mean()),
        ),
        "A/B, clicks": 2.0
        * users_needed(
            float(clicks[0].mean() - clicks[1].mean()) or 1e-9, variance=float(of_clicks.mean())
        ),
    }
    lead = {}
    for ties in BOTH:
        weeks = [
            interleaved_week(bench, rng, ties=ties)
            for _ in range(-(-SOME_USERS // len(bench.users)))
        ]
        for kind in ("clicks", "orders"):
            credits = np.concatenate([getattr(week, kind) for week in weeks])
            differences = (credits[:, 0] - credits[:, 1]).astype(float)
            for test, values in (("paired", differences), ("preference", np.sign(differences))):
                name = f"{ties}, {kind}, {test}"
                lead[name] = float(values.mean())
                # One sample: half of what `users_needed` gives for each of two.
                needed[name] = users_needed(lead[name] or 1e-9, variance=float(values.var())) / 2
    return Pair(models, bench, (float(conversion[0]), float(conversion[1])), needed, lead)


def _in_arms(bench: InterleavingBench) -> tuple[np.ndarray, np.ndarray]:
    """Click probabilities of shown lists, and each user's conversion in a week, per arm."""
    clicked = bench.clicked / np.log2(np.arange(bench.match.shape[1]) + 2)
    return clicked, 1 - ((1 - clicked * bench.ordered) ** VISITS).prod(axis=2)


def _print_needed(pairs: list[Pair]) -> None:
    print("\nusers needed to tell two models apart in 4 of 5 cases\n")
    names = list(pairs[0].needed)
    print("| models (true conversion) | " + " | ".join(names) + " |")
    print("|---|" + "---:|" * len(names))
    for pair in sorted(pairs, key=lambda each: -abs(each.effect)):
        said = ", ".join(
            f"{model} ({100 * value:.1f})"
            for model, value in zip(pair.models, pair.conversion, strict=True)
        )
        print(f"| {said} | " + " | ".join(f"{pair.needed[name]:,.0f}" for name in names) + " |")


def _print_agreement(pairs: list[Pair]) -> None:
    """Over all pairs, and over those that truly differ by 5 % of the better one's conversion."""
    clear = [each for each in pairs if abs(each.effect) >= 0.05 * max(each.conversion)]
    print(f"\nagreement in direction with the true conversion, and users beside the A/B test, of "
          f"{len(pairs)} pairs, {len(clear)} of them 5 % apart\n")  # fmt: skip
    print("| interleaving | agrees | of the clear | rank correlation | A/B on conversion needs | "
          "A/B on clicks needs |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|")
    for name in pairs[0].lead:
        agrees, of_clear = (
            sum(each.lead[name] * each.effect > 0 for each in some) for some in (pairs, clear)
        )
        effects = pl.DataFrame(
            {"lead": [each.lead[name] for each in pairs], "effect": [each.effect for each in pairs]}
        )
        correlation = effects.select(pl.corr("lead", "effect", method="spearman")).item()
        times = [
            np.median([each.needed[base] / each.needed[name] for each in clear])
            for base in ("A/B, conversion", "A/B, clicks")
        ]
        print(f"| {name} | {agrees} of {len(pairs)} | {of_clear} of {len(clear)} | "
              f"{correlation:.2f} | {times[0]:.1f} times | {times[1]:.1f} times |")  # fmt: skip


def _tests(week: Responses) -> dict[str, tuple[float, float]]:
    """Lead and p-value by kind of response and test."""
    found = {}
    for kind, credits in zip(("clicks", "orders"), week, strict=True):
        paired, votes = paired_lead(*credits.T), preference(*credits.T)
        found[f"{kind}, paired"] = paired.mean, paired.p_value
        found[f"{kind}, preference"] = votes.lead, votes.p_value
    return found


def _print_power(pairs: list[Pair], experiments: int, rng: np.random.Generator) -> None:
    """With the users that are said to be needed; 80 % are promised."""
    clear = sorted(pairs, key=lambda each: -abs(each.effect))
    chosen = [each for each in clear if max(each.needed.values()) < 10_000][:4]
    chosen = [each for each in chosen if min(each.needed.values()) >= 20]
    print("\nfound with the users needed, in percent (80 are promised)\n")
    print("| models | A/B, conversion | A/B, clicks | "
          + " | ".join(name for name in chosen[0].lead) + " |")  # fmt: skip
    print("|---|---:|---:|" + "---:|" * len(chosen[0].lead))
    for pair in chosen:
        shares = [_ab_power(pair, name, experiments, rng) for name in list(pair.needed)[:2]]
        for name in pair.lead:
            ties, kind, test = name.split(", ")
            users, hits = int(np.ceil(pair.needed[name])), 0
            for _ in range(experiments):
                rows = rng.integers(len(pair.bench.users), size=users)
                week = interleaved_week(pair.bench.take(rows), rng, ties=ties)  # type: ignore[arg-type]
                lead, p_value = _tests(week)[f"{kind}, {test}"]
                hits += p_value < 0.05 and lead * pair.lead[name] > 0
            shares.append(hits / experiments)
        cells = " | ".join(f"{100 * share:.0f}" for share in shares)
        print(f"| {', '.join(pair.models)} | {cells} |")


def _ab_power(pair: Pair, name: str, experiments: int, rng: np.random.Generator) -> float:
    clicked, converts = _in_arms(pair.bench)
    users, hits = int(pair.needed[name] / 2), 0
    for _ in range(experiments):
        arms = [rng.integers(len(pair.bench.users), size=users) for _ in range(2)]
        if name == "A/B, conversion":
            orders = [int((rng.random(users) < converts[at, arms[at]]).sum()) for at in range(2)]
            found = proportion_difference(orders[0], users, orders[1], users)
            right = found.effect * pair.effect > 0
        else:
            clicks = [
                rng.binomial(VISITS, clicked[at, arms[at]]).sum(axis=1).astype(float)
                for at in range(2)
            ]
            found = mean_difference(clicks[0], clicks[1])
            right = found.effect * float(clicked[0].sum() - clicked[1].sum()) > 0
        hits += found.p_value < 0.05 and right
    return hits / experiments


def _print_null(pairs: list[Pair], experiments: int, rng: np.random.Generator) -> None:
    """Of the pair that differs most, the models exchanged for each user by a coin."""
    bench = max(pairs, key=lambda each: abs(each.effect)).bench
    print(f"\nfound where there is nothing, in percent of {experiments} experiments (5 promised)\n")
    names = list(_tests(interleaved_week(bench, rng)))
    print("| users | ties | " + " | ".join(names) + " |")
    print("|---:|---|" + "---:|" * len(names))
    for users in (30, 100, 500):
        for ties in BOTH:
            alarms = np.zeros(len(names))
            for _ in range(experiments):
                some = bench.take(rng.integers(len(bench.users), size=users))
                week = interleaved_week(some.exchanged(rng.random(users) < 0.5), rng, ties=ties)
                alarms += [_tests(week)[name][1] < 0.05 for name in names]
            cells = " | ".join(f"{100 * each / experiments:.1f}" for each in alarms)
            print(f"| {users} | {ties} | {cells} |")


if __name__ == "__main__":
    main()
