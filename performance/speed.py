"""Seconds of training, ranking and evaluating, beside other libraries on the same machine.

    python performance/speed.py [--parts als,models,top_k,evaluation] [--runs 3]

- als: seconds per iteration on 20,000 × 10,000 with 2 million pairs, 64 factors, here and by Spark
  MLlib on `local[*]` (needs Java 17; a warm session, differences of two numbers of iterations, so
  that starting and reading do not count).
- models: seconds to fit each model on those pairs.
- top_k: the 20 best of 20,000 products for 50,000 users from 64 factors, beside the bare BLAS
  product of the same size.
- evaluation: 13 metrics at 3 cut-offs on 100,000 users × 20 products, beside RecTools where it is
  installed (`pip install rectools`, best in an environment of its own: `--rectools PYTHON` names
  its interpreter).

Medians of the runs.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from persona_assets.recommenders import MODELS
from persona_assets.recommenders.interactions import Interactions

CUTOFF = date(2024, 1, 1)
EVALUATED_KS = (5, 10, 20)


def main() -> None:
    """Print the tables asked for."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--parts", default="als,models,top_k,evaluation")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--rectools", type=Path, help="Python that has RecTools.")
    asked = arguments.parse_args()
    parts = {
        "als": lambda: als(asked.runs),
        "models": models,
        "top_k": lambda: top_k(asked.runs),
        "evaluation": lambda: evaluation(asked.runs, asked.rectools),
    }
    for name in asked.parts.split(","):
        parts[name]()


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Median wall time, the first run (compilation, caches) apart."""
    work()
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def interactions(users: int, products: int, pairs: int) -> pl.DataFrame:
    """Skewed pairs, seeded."""
    rng = np.random.default_rng(1)
    product = (products * rng.random(pairs) ** 2).astype(np.int64)
    at = datetime(2023, 12, 1, tzinfo=UTC)
    seconds = pl.Series(rng.integers(0, 30 * 86_400, pairs))
    return pl.DataFrame(
        {
            "user_id": [f"u{user:07d}" for user in rng.integers(users, size=pairs)],
            "product_id": [f"p{each:07d}" for each in product],
            "event_type": "view",
            "event_ts": pl.select(pl.lit(at) + pl.duration(seconds=seconds)).to_series(),
            "weight": 1.0,
        }
    ).with_columns(arrived_at="event_ts")


def als(runs: int) -> None:
    """ALS here and by MLlib, seconds per iteration."""
    rows = interactions(20_000, 10_000, 2_000_000)
    rows = rows.unique(["user_id", "product_id"], maintain_order=True)

    def here(iterations: int) -> float:
        model = MODELS["als"].configured(iterations=iterations)
        return median_seconds(lambda: model.fit(Interactions.known_at(CUTOFF, rows)), runs)

    ours = (here(12) - here(2)) / 10
    theirs = _mllib(rows, runs)
    print(f"\nALS, 64 factors, {len(rows):,} pairs, seconds per iteration\n")
    print("| here | Spark MLlib | ratio |\n|---:|---:|---:|")
    print(f"| {ours:.3f} | {theirs:.2f} | {theirs / ours:.0f} |")


def _mllib(rows: pl.DataFrame, runs: int) -> float:
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "6g")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    codes = rows.select(
        user=pl.col("user_id").str.slice(1).cast(pl.Int32),
        item=pl.col("product_id").str.slice(1).cast(pl.Int32),
        rating="weight",
    )
    with tempfile.TemporaryDirectory() as folder:
        codes.write_parquet(f"{folder}/pairs.parquet")
        frame = spark.read.parquet(f"{folder}/pairs.parquet").repartition(2).cache()
        frame.count()

        def fit(iterations: int) -> float:
            solver = ALS(
                rank=64,
                maxIter=iterations,
                implicitPrefs=True,
                numUserBlocks=2,
                numItemBlocks=2,
                seed=1,
            )

            def work() -> None:
                solver.fit(frame).itemFactors.count()

            return median_seconds(work, runs)

        seconds = (fit(7) - fit(2)) / 5
    spark.stop()
    return seconds


def models() -> None:
    """Seconds to fit every model that learns from interactions alone."""
    rows = interactions(20_000, 10_000, 1_000_000)
    print("\nFit, 1,000,000 rows of 20,000 users and 10,000 products, seconds (one run)\n")
    print("| model | fit | rows of the artefact |\n|---|---:|---:|")
    for name, model in MODELS.items():
        if model.needs_side_information:
            continue
        started = time.perf_counter()
        artefact = model.fit(Interactions.known_at(CUTOFF, rows))
        print(f"| {name} | {time.perf_counter() - started:.1f} | {len(artefact):,} |", flush=True)


def top_k(runs: int) -> None:
    """Lists for everyone beside the product that their scores are."""
    from threadpoolctl import threadpool_limits

    from persona_assets.recommenders.factors import Factors
    from persona_assets.recommenders.protocol import NO_PAIRS
    from persona_assets.recommenders.ranking import ranked_lists

    rng = np.random.default_rng(2)
    users, products, factors, k = 50_000, 20_000, 64, 20
    learned = Factors(
        users=pl.Series([f"u{number:06d}" for number in range(users)]),
        products=pl.Series([f"p{number:06d}" for number in range(products)]),
        user_vectors=rng.standard_normal((users, factors), dtype=np.float32),
        cold_start_vector=np.zeros(factors, dtype=np.float32),
        product_vectors=rng.standard_normal((products, factors), dtype=np.float32),
        product_biases=np.zeros(products),
    )
    asked = learned.users.to_list()

    def lists() -> None:
        scorer = learned.scorer(asked)
        ranked_lists(asked, scorer.products, scorer.scores_of, k=k, excluded=NO_PAIRS)

    def bare() -> None:
        for start in range(0, users, 200):
            learned.user_vectors[start : start + 200] @ learned.product_vectors.T

    with threadpool_limits(limits=1, user_api="blas"):
        one = median_seconds(bare, runs)
    every = median_seconds(bare, runs)
    seconds = median_seconds(lists, runs)
    print(f"\nTop {k} of {products:,} products for {users:,} users, {factors} factors, seconds\n")
    print("| lists | BLAS on one thread | ratio | BLAS on all cores | ratio |")
    print("|---:|---:|---:|---:|---:|")
    print(
        f"| {seconds:.2f} | {one:.2f} | {seconds / one:.2f} | {every:.2f} | {seconds / every:.2f} |"
    )


def evaluation(runs: int, rectools: Path | None) -> None:
    """Metrics of many lists here and by RecTools."""
    from persona_assets.evaluation.beyond_accuracy import mean_over_lists
    from persona_assets.evaluation.hits import hits_of_lists, pairs_of
    from persona_assets.evaluation.lists import lists_of
    from persona_assets.evaluation.metrics import METRICS

    rng = np.random.default_rng(3)
    users, products, depth = 100_000, 5_000, 20
    best = np.argsort(rng.random((users, 64), dtype=np.float32), axis=1)[:, :depth]
    shown = (best + rng.integers(0, products - 64, (users, 1))).astype(np.int64)
    lists = pl.DataFrame(
        {
            "model": "any",
            "user_id": np.repeat(np.arange(users), depth).astype(str),
            "rank": np.tile(np.arange(1, depth + 1), users),
            "product_id": shown.ravel().astype(str),
            "score": np.tile(1.0 / np.arange(1, depth + 1), users),
        }
    )
    kept = rng.random((users, depth)) < 0.15
    kept[:, 0] |= ~kept.any(axis=1)
    truth = lists.filter(kept.ravel()).select("user_id", "product_id")
    # RecTools computes as many: PAP and serendipity where we have a second MAP and a second nDCG.
    print(f"\n{len(METRICS) + 2} metrics at {EVALUATED_KS}, {users:,} users × {depth}\n")

    def ours() -> dict[str, float]:
        people = truth["user_id"].unique().sort()
        items = lists["product_id"].unique().sort()
        shown, relevant = lists_of(lists, people, items), pairs_of(truth, people, items)
        hits = hits_of_lists(shown, relevant, depth=depth)
        user_counts = np.bincount(relevant[1], minlength=len(items)).astype(np.float64)
        of_products = {
            "popularity": user_counts,
            "novelty": np.log2(len(people) / np.maximum(1, user_counts)),
        }
        values = {
            f"{name}@{k}": float(metric(hits, k).mean())
            for name, metric in METRICS.items()
            for k in EVALUATED_KS
        }
        return values | {
            f"{name}@{k}": mean_over_lists(shown.products[:, :k], of_product) or 0.0
            for name, of_product in of_products.items()
            for k in EVALUATED_KS
        }

    seconds = median_seconds(ours, runs)
    values = ours()
    print("| library | seconds | ratio | R@10 | MAP@10 | MRR@10 | popularity@10 |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    shown = ("recall@10", "map_all@10", "mrr@10", "popularity@10")
    cells = " | ".join(f"{values[name]:.6f}" for name in shown)
    print(f"| here | {seconds:.2f} | | {cells} |")
    if rectools is None:
        print("| RecTools | not asked for (`--rectools PYTHON`) | | | | | |")
        return
    with tempfile.TemporaryDirectory() as folder:
        lists.write_parquet(f"{folder}/lists.parquet")
        truth.write_parquet(f"{folder}/truth.parquet")
        script = Path(__file__).parent / "by_hand" / "rectools_script.py"
        done = subprocess.run(
            [str(rectools), str(script), folder, str(runs)], check=True, stdout=subprocess.PIPE
        )
    told = json.loads(done.stdout)
    cells = " | ".join(
        f"{told[name]:.6f}" for name in ("recall@10", "map@10", "mrr@10", "popularity@10")
    )
    print(f"| RecTools | {told['seconds']:.2f} | {told['seconds'] / seconds:.1f} | {cells} |")


if __name__ == "__main__":
    main()
