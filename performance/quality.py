"""Our models beside published ones, each by its one recipe, parameters chosen on validation alone.

    python performance/quality.py [--data ../shared/data]
                                 [--sets beauty,toys,retailrocket,online_retail]
                                 [--models two_stage,directional,…] [--weeks 8]

- Amazon Beauty and Toys, leave-one-out, full ranking: learned from train alone (strict) and from
  train and validation (refit). Sequences have no times: positions stand for them.
- RetailRocket funnel: a purchase told from views, carts and earlier purchases. The held-out file
  has no times, so baskets and later purchases are told apart on purchases that the benchmark holds
  out itself.
- UCI Online Retail, replay of the last whole weeks (`--weeks`): recipes are chosen in the week
  before them, each model learns anew every week, and the two-stage model is tested against the best
  other one on the same people.

Each run is `persona benchmark` in a process of its own, so that memory is that of one model.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import published_results

from persona_assets.evaluation.benchmark.canonical_labels import with_canonical_labels
from persona_assets.evaluation.benchmark.evaluation import hits, learn
from persona_assets.evaluation.benchmark.recipe import chosen
from persona_assets.evaluation.metrics import ndcg
from persona_assets.evaluation.splits import window
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.protocol import Recommender, Task
from persona_assets.statistics.paired import by_person, paired_test

DEFAULT_MODELS = (
    "popularity", "directional", "user_knn", "two_stage", "item_knn", "session_knn", "ease", "als",
    "bpr", "item2vec", "blend",
)  # fmt: skip
"""Parts before the models made of them, so that their parameters are searched once."""
COSTS = "| fit + score: wall, s | processor, s | search: processor, s | peak, GB |"
"""Of one training and the full ranking, and of choosing the parameters before."""

SEQUENCES = {
    "beauty": ("Amazon Beauty", published_results.BEAUTY),
    "toys": ("Amazon Toys", published_results.TOYS),
}
"""File of sequences → its title and what others published on it."""

RETAIL_END = datetime(2011, 12, 5, tzinfo=UTC)
"""Monday after the last whole week."""
WEEK = timedelta(days=7)


def main() -> None:
    """Print the tables asked for."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--sets", default="beauty,toys,retailrocket,online_retail")
    arguments.add_argument("--models", default=",".join(DEFAULT_MODELS))
    arguments.add_argument("--weeks", type=int, default=8, help="replayed (online_retail)")
    asked = arguments.parse_args()
    models = asked.models.split(",")
    with tempfile.TemporaryDirectory() as folder:
        tables = {
            **{
                name: partial(sequences, name, asked.data, Path(folder), models)
                for name in SEQUENCES
            },
            "retailrocket": lambda: retailrocket(asked.data, Path(folder), models),
            "online_retail": lambda: online_retail(asked.data, models, asked.weeks),
        }
        for name in asked.sets.split(","):
            tables[name]()


def evaluate(
    file: Path, models: Sequence[str], *words: str, known: dict[str, dict]
) -> Iterator[tuple[str, dict]]:
    """What `persona benchmark` says of each model, each in a process of its own.

    Args:
        file: of interactions.
        models: names, in their order.
        words: further arguments.
        known: what was said before of models on this file and protocol, whose parameters are taken
            instead of searched again; filled with what is said of others.
    """
    command = [str(Path(sys.executable).parent / "persona"), "benchmark", str(file), "--json"]
    parameters = file.with_suffix(".parameters.json")
    for model in models:
        parameters.write_text(json.dumps({"models": known}), encoding="utf-8")
        done = subprocess.run(
            [*command, "--models", model, "--parameters", str(parameters), *words],
            check=True,
            stdout=subprocess.PIPE,
        )
        told = json.loads(done.stdout)["models"][model]
        searched = known.setdefault(model, told)["processor_seconds"]["search"]
        told["processor_seconds"]["search"] = searched
        yield model, told


def line(name: str, told: dict, metrics: Sequence[str]) -> str:
    """A row of a table: metrics with intervals, seconds, memory."""
    cells = [
        f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
        for value in (told["test"][metric] for metric in metrics)
    ]
    wall, processor = (
        told[kind]["fit"] + told[kind]["score"] for kind in ("seconds", "processor_seconds")
    )
    peak = max(told["peak_mb"].values()) / 1000
    times = f"{wall:.1f} | {processor:.1f} | {told['processor_seconds']['search']:.0f}"
    return f"| {name} | {' | '.join(cells)} | {times} | {peak:.1f} |"


def sequences(name: str, data: Path, folder: Path, models: Sequence[str]) -> None:
    """One of Amazon's sets of sequences beside published models."""
    title, published = SEQUENCES[name]
    file = folder / f"{name}.parquet"
    (
        pl.read_parquet(data / f"amazon_{name}_sequences.parquet")
        .explode("items")
        .select("user", item="items", timestamp=pl.int_range(pl.len()).over("user"))
        .write_parquet(file)
    )
    metrics = ("recall@10", "ndcg@10")
    print(f"\n{title}, leave-one-out, full ranking\n")
    print(f"| model | protocol | Recall@10 | NDCG@10 {COSTS}")
    print("|---|---|---|---|---:|---:|---:|---:|")
    for model, protocol, recall, gain, source in published:
        print(f"| {model} ({source}) | {protocol} | {recall:.4f} | {gain:.4f} | | | | |")
    known: dict[str, dict] = {}
    for refit in (False, True):
        words = ["--protocol", "leave_one_out", "--k", "10", *(["--refit"] if refit else [])]
        for model, told in evaluate(file, models, *words, known=known):
            label = f"**{model}** | {'refit' if refit else 'strict'}"
            print(line(label, told, metrics), flush=True)


def retailrocket(data: Path, folder: Path, models: Sequence[str]) -> None:
    """The RetailRocket funnel."""
    file = folder / "retailrocket.parquet"
    rows = pl.read_parquet(data / "retailrocket_funnel_train.parquet")
    rows.rename({"ts": "timestamp"}).write_parquet(file)
    metrics = ("recall@20", "ndcg@20")
    target = ["--protocol", "funnel", "--k", "20", "--target", "buy"]
    print("\nRetailRocket funnel, the held-out file\n")
    print(f"| model | HR@20 | NDCG@20 {COSTS}")
    print("|---|---|---|---:|---:|---:|---:|")
    print("| popularity (published, untuned) | .044 | .021 | | | | |")
    print("| ALS (published, untuned) | .117–.132 | .056–.067 | | | | |")
    print("| item kNN (published, untuned) | .088 | .044 | | | | |")
    print("| directional (published, tuned) | .358 | .237 | | | | |")
    test = ["--test", str(data / "retailrocket_funnel_test_buy.parquet")]
    known: dict[str, dict] = {}
    for refit in (False, True):
        words = [*target, *test, *(["--refit"] if refit else [])]
        for name, told in evaluate(file, models, *words, known=known):
            label = f"**{name}**, {'refit' if refit else 'strict'}"
            print(line(label, told, metrics), flush=True)
            if refit:
                continue
            validation = told["validation"]
            print(
                f"| validation of {name} | {validation['recall@20']['value']:.4f} | "
                f"{validation['ndcg@20']['value']:.4f} | | | | |"
            )
    print("\nThe last purchases in the training file, baskets and later purchases apart, refit\n")
    print("| model | kind | HR@20 | NDCG@20 |")
    print("|---|---|---|---|")
    # Searched anew: what was validation above is test here.
    for name, told in evaluate(file, models, *target, "--refit", known={}):
        for kind, found in told["test_by_kind"].items():
            cells = [
                f"{found[metric]['value']:.4f} [{found[metric]['low']:.4f}, "
                f"{found[metric]['high']:.4f}]"
                for metric in metrics
            ]
            print(f"| {name} | {kind.replace('_', ' ')} | {' | '.join(cells)} |", flush=True)


def online_retail(data: Path, models: Sequence[str], weeks: int) -> None:
    """UCI Online Retail, week by week."""
    first = RETAIL_END - weeks * WEEK
    [rows] = with_canonical_labels(_purchases(data / "online_retail.parquet"))
    before = window(rows, first - WEEK, first)
    configurations: dict[str, object] = {}
    values: dict[str, list[np.ndarray]] = {}
    people: dict[str, list[pl.Series]] = {}
    for name in models:
        model = _chosen(MODELS[name], before, configurations)
        for number in range(weeks):
            begin = first + number * WEEK
            split = window(rows, begin, begin + WEEK)
            found = hits(model, learn(model, split), split, depth=10)
            values.setdefault(name, []).append(ndcg(found, 10))
            people[name] = [*people.get(name, []), split.truth["user_id"].unique().sort()]
    print("\nUCI Online Retail, nDCG@10 on products new to the customer, by week\n")
    print(f"| model | {' | '.join(f'week {number + 1}' for number in range(weeks))} | all |")
    print(f"|---{'|---:' * (weeks + 1)}|")
    pooled = {name: np.concatenate(weeks) for name, weeks in values.items()}
    for name in sorted(values, key=lambda each: -pooled[each].mean()):
        each = " | ".join(f"{week.mean():.4f}" for week in values[name])
        print(f"| {name} | {each} | {pooled[name].mean():.4f} |")
    ours = "two_stage"
    others = [name for name in pooled if name not in (ours, "blend")]
    if ours in pooled and others:
        best = max(others, key=lambda name: pooled[name].mean())
        whose = pl.concat(people[ours]).to_list()
        test = paired_test(by_person(pooled[ours], whose), by_person(pooled[best], whose), 0)
        print(
            f"\n{ours} less {best}, the best single model: {test.difference:+.4f} "
            f"[{test.low:+.4f}, {test.high:+.4f}], p {test.p_value:.4f} "
            f"({len(set(whose))} people, each with the mean of their weeks; "
            f"{len(pooled[ours])} people and weeks)"
        )


def _chosen(model: Recommender, before, configurations: dict[str, object]) -> Recommender:  # noqa: ANN001
    """The model by its recipe, its parts' configurations being chosen first."""
    for part in model.searched_parts:
        if part not in configurations:
            _chosen(MODELS[part], before, configurations)
    if model.name not in configurations:
        asked = model.for_task(Task(horizon=WEEK))
        configurations[model.name] = chosen(asked, before, parts=configurations).config
    return type(model)(configurations[model.name])


def _purchases(path: Path) -> pl.DataFrame:
    """Purchases of known customers, cancelled and priceless lines left out."""
    return (
        pl.scan_parquet(path)
        .filter(
            pl.col("CustomerID").is_not_null(),
            pl.col("Quantity") > 0,
            pl.col("UnitPrice") > 0,
            ~pl.col("InvoiceNo").str.starts_with("C"),
            pl.col("StockCode").str.contains(r"^\d{5}"),
        )
        .select(
            user_id=pl.col("CustomerID").cast(pl.String),
            product_id="StockCode",
            event_type=pl.lit("purchase"),
            event_ts=pl.col("InvoiceDate").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            weight=pl.lit(5.0),
        )
        .with_columns(arrived_at="event_ts")
        .unique()
        .collect()
    )


if __name__ == "__main__":
    main()
