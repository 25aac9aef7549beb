"""What more training rounds buy: nDCG@10 and seconds of ALS and BPR over their iterations.

    PERSONA_HOME=.persona python performance/training_rounds.py --cutoff 2025-02-17

Reads the mart of a materialized home, trains at the cut-off and evaluates on the seven days from
it.
"""

import argparse
import time
from datetime import date

import polars as pl

from persona_assets import settings
from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.offline import offline_metrics
from persona_assets.orchestration.resources.build import build_store
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.als import ALS, ALSConfig
from persona_assets.recommenders.models.bpr import BPR, BPRConfig
from persona_assets.recommenders.models.popularity import Popularity
from persona_assets.recommenders.protocol import Recommender
from persona_assets.recommenders.top_k import top_k
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS


def main() -> None:
    """Print one row per model and number of rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cutoff", type=date.fromisoformat, required=True)
    cutoff = parser.parse_args().cutoff
    current = settings.load()
    interactions = build_store(current).read(USER_ITEM_INTERACTIONS)
    models: dict[str, Recommender] = {"popularity": Popularity()}
    models |= {f"als, {n} rounds": ALS(ALSConfig(iterations=n)) for n in (7, 10, 15)}
    models |= {f"bpr, {n} rounds": BPR(BPRConfig(iterations=n)) for n in (20, 30, 40)}
    lists, seconds = [], {}
    for name, model in models.items():
        started = time.perf_counter()
        artefact = model.fit(Interactions.known_at(cutoff, interactions))
        seconds[name] = time.perf_counter() - started
        made = top_k(model, artefact, interactions, cutoff=cutoff, k=10, exclude=current.exclude)
        lists.append(made.with_columns(model=pl.lit(name)))
    evaluated = evaluate_week(
        pl.concat(lists), interactions, cutoff=cutoff, exclude=current.exclude
    )
    metrics = offline_metrics(evaluated).filter((pl.col("metric") == "ndcg") & (pl.col("k") == 10))
    for row in metrics.iter_rows(named=True):
        print(
            f"{row['model']:16} nDCG@10 {row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"
            f"  {seconds[row['model']]:5.1f} s"
        )


if __name__ == "__main__":
    main()
