"""How often the verdict of the simulated A/B test is right: a table over many experiments.

Reads a home of the synthetic shop (`persona demo`), whose planted truth is known, and repeats its
experiment with other assignments and draws: as it is, with popularity as control, and with one
model in every arm (A/A). Each is repeated with a tenth of the users as well.

    PERSONA_HOME=.persona python performance/experiment_calibration.py --experiments 1000
"""

import argparse
import time

import polars as pl

from persona_assets import settings as settings_module
from persona_assets.evaluation.comparison import newest_evaluated
from persona_assets.experiments.arms import competing_arms
from persona_assets.experiments.calibration import Bench, bench, calibrate
from persona_assets.experiments.prices import price_list
from persona_assets.experiments.response import PlantedResponse
from persona_assets.lake import DeltaStore
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.tables import TABLES
from persona_assets.tables.models import FALLBACK_USER
from persona_assets.transforms.attribute_history import as_known_at, newest
from persona_assets.transforms.history import known_before


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    current = settings_module.load()
    store = DeltaStore(current.lake_root, storage_options=current.storage_options)

    def read(path: str) -> pl.DataFrame:
        return store.read(TABLES[path])

    comparison = read("evaluation/model_comparison")
    cutoff = newest_evaluated(comparison)
    lists = read("recommendations/top_k").filter(pl.col("cutoff") == cutoff)
    users, products = read("raw/user_history"), read("raw/product_history")
    prices = price_list(
        as_known_at(products, cutoff), known_before(read("mart/user_item_interactions"), cutoff)
    )
    truth = ShopResource(current).planted_truth(
        newest(users, "user_id"), newest(products, "product_id")
    )
    if truth is None:
        raise SystemExit(
            "the truth of this home's shop is not known: use one of the synthetic shop"
        )
    people = lists.filter(pl.col("user_id") != FALLBACK_USER)["user_id"].unique().sort().to_list()
    response = PlantedResponse(people, truth.product_ids, *truth.responses(people, cutoff))

    def on(arms: dict[str, str]) -> Bench:
        return bench(lists, response, prices, cutoff=cutoff, arms=arms)

    champion = read("models/champion")["model"].item()
    ours = competing_arms(champion, comparison)
    benches = {
        f"{champion} as control": on(ours),
        "popularity as control": on(competing_arms("popularity", comparison)),
        "A/A": on(dict.fromkeys(ours, champion)),
    }
    for name, full in benches.items():
        truths = full.truth.filter(metric="conversion")["value"]
        said = ", ".join(f"{value:.4f}" for value in truths)
        print(f"\n{name}: {', '.join(full.arms.values())}; true conversion {said}")
        for every in (1, 10):
            some = full.every(every)
            began = time.perf_counter()
            found = calibrate(some, experiments=asked.experiments, seed=asked.seed)
            seconds = time.perf_counter() - began
            print(f"  {len(some.users):,} users, {asked.experiments} experiments, {seconds:.0f} s")
            for measure, share in found.items():
                print(f"    {measure:<26} {100 * share:6.1f} %")


if __name__ == "__main__":
    main()
