"""What each group of features contributes to the two-stage model, on validation.

    python performance/two_stage_ablation.py ../shared/data/amazon_beauty_sequences.parquet

Reads interactions (`user`, `item`, `timestamp`) or, as that file has, `user` and a list `items` in
the order of time. Each user's last product is left out altogether, the last but one is told. Users
and products are with canonical labels first, and ties count by their expected value. Trees are
grown with more and more groups of features, on the same examples and candidates.
"""

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.evaluation.benchmark.interactions_file import read_interactions
from persona_assets.evaluation.benchmark.run import split
from persona_assets.evaluation.splits import Split
from persona_assets.recommenders.lambdarank import Examples, joined, train
from persona_assets.recommenders.models.two_stage import TwoStage
from persona_assets.recommenders.ranking_features import FEATURES
from persona_assets.recommenders.ranking_task import Instant, examples
from persona_assets.recommenders.score_blocks import of_each_block
from persona_assets.recommenders.snapshots import snapshots
from persona_assets.recommenders.trees import Trees
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS

GROUPS = ("scores", "history", "last", "embeddings")
STEPS = (
    ("scores",),
    ("scores", "history"),
    ("scores", "history", "last"),
    ("scores", "embeddings"),
    GROUPS,
)
K = 10


def main() -> None:
    """Print one row per set of groups."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    validation = split(_rows(parser.parse_args().file), "leave_one_out").validation
    model = TwoStage()
    view = model.config.view()
    started = time.perf_counter()
    wanted = snapshots(validation.train, model.config.goal(), model.config.snapshots)
    known = joined([examples(view, snapshot) for snapshot in wanted])
    evaluated, ranks, users = _evaluated(model, validation)
    print(f"{len(known.sizes):,} lists to learn from, {time.perf_counter() - started:.0f} s")
    lists = np.repeat(np.arange(len(evaluated.sizes)), evaluated.sizes)
    print(f"{'first stage alone':40} {_quality(-ranks, lists, evaluated.right, users)}")
    for groups in STEPS:
        started = time.perf_counter()
        columns, names = _columns(groups)
        part = Examples(known.values[:, columns], known.right, known.sizes)
        scores = Trees.read(train(part, names, model.config.boosting)).scores(
            evaluated.values[:, columns]
        )
        quality = _quality(scores, lists, evaluated.right, users)
        seconds = time.perf_counter() - started
        print(f"{' + '.join(groups):40} {quality}  {len(names):2} features {seconds:5.0f} s")


def _rows(path: Path) -> pl.DataFrame:
    if "items" not in pl.scan_parquet(path).collect_schema():
        return read_interactions(path, weights=DEFAULT_WEIGHTS, today=datetime.now(UTC).date()).rows
    order = pl.int_range(pl.len()).over("user")
    return (
        pl.read_parquet(path)
        .explode("items")
        .with_columns(event_ts=pl.from_epoch(order * 3600).cast(pl.Datetime("us", "UTC")))
        .select(
            pl.col("user").cast(pl.String).alias("user_id"),
            pl.col("items").cast(pl.String).alias("product_id"),
            pl.lit("view").alias("event_type"),
            "event_ts",
            pl.col("event_ts").alias("arrived_at"),
            pl.lit(1.0).alias("weight"),
        )
    )


def _evaluated(model: TwoStage, validation: Split) -> tuple[Examples, NDArray[np.int64], int]:
    """All candidates of the users to evaluate, their first ranks, and the number of users."""
    truth = validation.truth.sort("user_id")
    instant = Instant.of(
        model.config.view(), validation.train, truth["user_id"].to_list(), validation.history
    )
    codes = {product: code for code, product in enumerate(instant.products.to_list())}
    answer = np.array([codes.get(product, -1) for product in truth["product_id"].to_list()])

    def part(block: slice) -> tuple[NDArray[Any], ...]:
        found = instant.first_stage.candidates(block)
        sizes = np.diff(found.starts)
        right = found.items == np.repeat(answer[block], sizes)
        return instant.values(found, block), right, sizes, found.ranks

    parts = of_each_block(part, len(truth), len(instant.products))
    values, right, sizes, ranks = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Examples(values, right, sizes), ranks, len(truth)


def _columns(groups: tuple[str, ...]) -> tuple[list[int], list[str]]:
    everything = [(group, name) for group in GROUPS for name in FEATURES[group]]
    kept = [number for number, (group, _) in enumerate(everything) if group in groups]
    return kept, [everything[number][1] for number in kept]


def _quality(
    scores: NDArray[np.floating], lists: NDArray[np.int64], right: NDArray[np.bool_], users: int
) -> str:
    """Recall and nDCG at K of one answer per user, equals in every order alike."""
    answers = np.full(lists.max() + 1, np.inf)
    answers[lists[right]] = scores[right]
    above = np.bincount(lists, scores > answers[lists])
    equal = np.bincount(lists, scores == answers[lists])
    gains = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(K) + 2))])
    known = np.isfinite(answers)
    first = np.minimum(above[known], K).astype(int)
    last = np.minimum(above[known] + equal[known], K).astype(int)
    recall = ((last - first) / equal[known]).sum() / users
    ndcg = ((gains[last] - gains[first]) / equal[known]).sum() / users
    return f"Recall@{K} {recall:.4f}  nDCG@{K} {ndcg:.4f}"


if __name__ == "__main__":
    main()
