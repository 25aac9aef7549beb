"""What one person's list takes in the process of the service, model by model, over a home.

    PERSONA_HOME=HOME python performance/recommending.py --people 300

Loads the newest training of each model as the service loads the champion, asks for the lists of
people who are in the mart, without HTTP, and prints seconds of loading and milliseconds per list.
"""

import argparse
import time

import polars as pl

from persona_assets import settings
from persona_assets.lake import DeltaStore
from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.recommenders import MODELS
from persona_assets.serving.recommending.ranking import Person, ranked
from persona_assets.serving.recommending.served_model import load_training
from persona_assets.tables.models import REGISTRY

WARM = 20
"""Lists that are not counted: what is compiled or read once is no part of an answer."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--k", type=int, default=10)
    asked = parser.parse_args()
    home = settings.load()
    store = DeltaStore(home.lake_root, PolarsEngine(), home.storage_options)
    trainings = store.read(REGISTRY).filter(pl.col("not_trained").is_null()).sort("cutoff")
    print(f"{'model':<30}{'load, s':>8}{'p50, ms':>9}{'p99, ms':>9}")
    for name in MODELS:
        rows = trainings.filter(pl.col("model") == name)
        if rows.is_empty():
            print(f"{name:<30} not trained")
            continue
        began = time.perf_counter()
        served = load_training(store, rows.row(-1, named=True), home.exclude)
        loaded = time.perf_counter() - began
        people = list(served.people.rows)[: asked.people + WARM]
        taken = []
        for user in people:
            began = time.perf_counter()
            ranked(served, Person(user), asked.k, weights=home.event_weights, exclude=home.exclude)
            taken.append((time.perf_counter() - began) * 1e3)
        counted = pl.Series(taken[WARM:])
        print(
            f"{name:<30}{loaded:>8.2f}{counted.quantile(0.5):>9.2f}{counted.quantile(0.99):>9.2f}"
        )


if __name__ == "__main__":
    main()
