"""The command `persona benchmark`.

Belongs here: its arguments and what it prints. Does not belong here: what it does
(`evaluation/benchmark/`).
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from persona_assets import regular_files, settings
from persona_assets.errors import UserError
from persona_assets.notation import count, counted, interval, number, p_value, share

if TYPE_CHECKING:
    from persona_assets.evaluation.benchmark.evaluation import Interval
    from persona_assets.evaluation.benchmark.run import Benchmark, ModelResult


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--protocol",
    default="temporal",
    show_default=True,
    help="temporal, leave_one_out, funnel, leave_last_basket or user_split.",
)
@click.option("--models", default="all", show_default=True, help="Names, with commas between.")
@click.option("--k", "ks", default="10,20", show_default=True, help="Lengths of the lists.")
@click.option("--refit", is_flag=True, help="Learn from validation too before test is evaluated.")
@click.option("--target", help="Event that counts (protocol funnel); default: the weightiest.")
@click.option("--test", type=click.Path(path_type=Path), help="File of held-out pairs (funnel).")
@click.option(
    "--parameters",
    type=click.Path(path_type=Path),
    help="What an earlier --json printed: its models' parameters are taken, not searched again.",
)
@click.option("--mapping", help="TOML column mapping, or the name of a preset.")
@click.option("--consent", help="all: everybody in the file consented.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, and nothing else.")
def benchmark(
    file: Path,
    protocol: str,
    models: str,
    ks: str,
    refit: bool,
    target: str | None,
    test: Path | None,
    parameters: Path | None,
    mapping: str | None,
    consent: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Evaluate every model on a FILE of interactions: is one worth shipping?

    FILE is CSV, JSON, Parquet or Excel with columns user, item and timestamp, and optionally event,
    weight and session. Parameters are chosen on a validation part alone, every product is ranked,
    metrics have 95 % intervals.
    """
    from persona_assets.evaluation.benchmark import run
    from persona_assets.evaluation.benchmark.interactions_file import read_interactions, read_pairs

    messages = Console(stderr=True)
    lengths, names = _lengths(ks), run.names(models)
    run.refuse(names, lengths)
    if models == "all":
        messages.print(
            f"left out: {', '.join(run.left_out())}, which need more than interactions; "
            "`persona run` evaluates them",
            highlight=False,
        )
    read = read_interactions(
        file,
        weights=settings.load().event_weights,
        today=datetime.now(UTC).date(),
        mapping=mapping,
        consent=consent,
    )
    rows = read.rows
    held = None if test is None else read_pairs(test, mapping=mapping, consent=consent)
    target = run.target_of(rows, target) if protocol == "funnel" else target
    notes = [
        *read.notes,
        *([] if held is None else held.notes),
        *([f"target of the funnel: {target}"] if target else []),
    ]
    for note in notes:
        messages.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)
    given = {} if parameters is None else _parameters(parameters)
    with messages.status(f"splitting {len(rows):,} rows") as status:
        result = run.benchmark(
            run.split(rows, protocol, target=target, test=None if held is None else held.rows),
            names,
            rows=rows,
            protocol=protocol,
            ks=lengths,
            refit=refit,
            seed=seed,
            parameters=given,
            progress=status.update,
        )
    if as_json:
        told = result.to_dict()
        data = {
            "file": file.name,
            "file_rows": read.delivered,
            "target": target,
            "notes": notes,
            **told["data"],
        }
        click.echo(json.dumps(told | {"data": data}, indent=2))
    else:
        _show(
            result,
            f"{file.name}: {counted(read.delivered, 'row')}",
            lengths,
            Console(width=None if sys.stdout.isatty() else 100),
        )


def _lengths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError as error:
        raise UserError(f"--k is {text!r}; give numbers with commas, as in 10,20") from error


def _parameters(path: Path) -> dict[str, Mapping[str, Any]]:
    """The parameters of each model in a result of `--json`."""
    try:
        told = json.loads(regular_files.text(path))
        return {name: result["parameters"] for name, result in told["models"].items()}
    except (
        OSError, KeyError, TypeError, AttributeError, ValueError, RecursionError,
    ) as error:  # fmt: skip
        raise UserError(
            f"--parameters {path} is not a result of `persona benchmark --json` "
            f"({type(error).__name__}: {error}); give a file with what it printed"
        ) from error


def _show(result: "Benchmark", file: str, ks: Sequence[int], out: Console) -> None:
    data = result.data
    learned = "train and validation" if result.refit else "train alone"
    out.print(
        f"{file}, {count(data['rows'])} different ones to split, of "
        f"{counted(data['users'], 'user')} and {counted(data['products'], 'product')}. "
        f"{result.protocol}, {count(data['rows_outside_test'])} rows outside of test, learned from "
        f"{learned}; "
        f"{counted(data['judged_users'], 'user')} evaluated, every product ranked, "
        f"{share(data['judged_pairs_of_unknown_products'], data['judged_pairs'])} of the truth "
        "are products that nobody had interacted with.",
        highlight=False,
    )
    _table(out, ks, {name: model.test for name, model in result.models.items()}, result.models)
    kinds = sorted({kind for model in result.models.values() for kind in model.test_by_kind})
    for kind in kinds:
        out.print(f"\nOf it {kind.replace('_', ' ')}", style="bold")
        by_model = {name: model.test_by_kind[kind] for name, model in result.models.items()}
        _table(out, ks, by_model, {})
    for name, beside in result.against_best.items():
        out.print(
            f"{name} beside {beside.best}: nDCG@{ks[0]} {beside.difference:+.4f} "
            f"{interval(beside.low, beside.high, 4)}, adjusted p "
            f"{p_value(beside.adjusted_p_value)}, {beside.verdict}",
            highlight=False,
        )


def _table(
    out: Console,
    ks: Sequence[int],
    quality: "Mapping[str, Mapping[str, Interval]]",
    models: "Mapping[str, ModelResult]",
) -> None:
    """One line per model, best first by the last column of metrics."""
    metrics = [f"{metric}@{k}" for k in ks for metric in ("recall", "ndcg")]
    grid = Table(box=None, pad_edge=False)
    grid.add_column("model")
    for name in (*metrics, *(("seconds", "peak MB") if models else ())):
        grid.add_column(name, justify="right")
    for name in sorted(quality, key=lambda each: -quality[each][metrics[-1]].value):
        cells = [
            f"{number(value.value, 4)}\n{number(value.low)}–{number(value.high)}"
            for value in (quality[name][metric] for metric in metrics)
        ]
        if name in models:
            seconds = " + ".join(f"{taken:.1f}" for taken in models[name].seconds.values())
            cells += [seconds, f"{max(models[name].peak_mb.values()):.0f}"]
        grid.add_row(name, *cells)
    out.print(grid, highlight=False)
    if models:
        out.print("seconds: " + " + ".join(next(iter(models.values())).seconds), style="dim")
