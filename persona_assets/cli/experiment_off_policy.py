"""The command `persona experiment off-policy`.

Belongs here: its arguments and what it prints. Does not belong here: estimates and refusals
(`off_policy/`).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from persona_assets.cli.output import answers
from persona_assets.errors import UserError
from persona_assets.notation import count, counted, interval, number, share

if TYPE_CHECKING:
    import polars as pl

    from persona_assets.off_policy.evaluation import Evaluation

_ENDINGS = (".csv", ".parquet")


@click.command("off-policy")
@click.argument("log", type=click.Path(path_type=Path))
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    required=True,
    help="The target policy: the probability of each action, for each context and position.",
)
@click.option("--action", default="action", show_default=True, help="Column of what was shown.")
@click.option("--reward", default="reward", show_default=True, help="Column of what it earned.")
@click.option(
    "--propensity",
    default="propensity",
    show_default=True,
    help="Column of the probability with which the logging policy showed the action.",
)
@click.option("--context", help="Column, in both files, that probabilities depend on.")
@click.option("--position", help="Column of the place on the page; in the policy if it matters.")
@click.option("--unit", help="Column of the person: what is independent. Default: every row is.")
@click.option(
    "--probability", default="probability", show_default=True, help="Column of the policy."
)
@click.option("--prediction", help="Column of the policy: a model's expected reward (DM, DR, …).")
@click.option("--largest-weight", type=float, help="Clip larger weights. Default: do not.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, and nothing else.")
def off_policy(
    log: Path, policy: Path, largest_weight: float | None, as_json: bool, **columns: str | None
) -> None:
    """What another policy would have earned, from a LOG of what was shown.

    LOG is CSV or Parquet, one row per exposure: what was shown, what it earned, and the probability
    with which it was shown. Where the log cannot tell, the answer is why, and no number.
    """
    from persona_assets.off_policy.evaluation import evaluate
    from persona_assets.off_policy.log import Columns

    named = Columns(**{name: given for name, given in columns.items() if given is not None})
    found = evaluate(_read(log), _read(policy), named, largest_weight=largest_weight)
    if as_json:
        click.echo(json.dumps(_told(found), indent=2))
    else:
        _show(found, named)


def _read(path: Path) -> "pl.DataFrame":
    import polars as pl

    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise UserError(f"{path} ends with {path.suffix!r}; give {' or '.join(_ENDINGS)}")
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    try:
        if ending == ".csv":
            return pl.read_csv(path, infer_schema_length=None)
        return pl.read_parquet(path, hive_partitioning=False)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read as {ending[1:]}: {reason}") from error


def _told(found: "Evaluation") -> dict[str, Any]:
    return {
        "logged": found.logged,
        "refused": list(found.refused),
        "estimates": found.estimates.to_dicts(),
        "support": found.support._asdict(),
        "left_out": found.left_out,
    }


def _show(found: "Evaluation", columns: Any) -> None:  # noqa: ANN401 - a class that loads numpy
    from rich.table import Table

    support = found.support
    units = "people" if columns.unit else "rows, taken to be independent"
    answers.print(
        f"{counted(support.rows, 'exposure')} of {count(support.units)} {units}; they earned "
        f"{number(found.logged, 5)} each.\n"
        f"For the target policy they weigh as much as {support.effective_units:,.1f}; overlap of "
        f"the policies {share(support.overlap, 1)}, mean weight {number(support.mean_weight)}, "
        f"largest {support.largest_weight:,.1f}"
        + (f", {share(support.clipped, 1)} clipped away" if support.clipped else "")
        + ".",
        markup=False,
        highlight=False,
    )
    if found.refused:
        answers.print(
            "\nNo estimate, because " + "; and because ".join(found.refused) + ".",
            markup=False,
            highlight=False,
        )
        return
    table = Table()
    for heading in ("estimator", "value", "95 %", "gain over what was logged", "95 %"):
        table.add_column(heading, justify="left" if heading == "estimator" else "right")
    for row in found.estimates.iter_rows(named=True):
        table.add_row(
            row["estimator"],
            number(row["value"], 5),
            interval(row["low"], row["high"], 5),
            f"{row['gain']:+.5f}",
            interval(row["gain_low"], row["gain_high"], 5),
        )
    answers.print(table)
    for name, reason in found.left_out.items():
        answers.print(f"Without {name}: {reason}.", markup=False, highlight=False)
