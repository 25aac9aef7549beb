"""The commands `persona experiment …`.

Belongs here: their arguments and what they print. Does not belong here: what they do
(`ab_testing/`), the page (`report/experiment_page.py`).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from persona_assets.ab_testing.declaration import Declaration
    from persona_assets.ab_testing.declared_options import Options


@click.group("experiment")
def experiment() -> None:
    """A/B tests of your own data, and what a policy that was not shown would have earned."""


@experiment.command("analyze")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--mapping", type=click.Path(path_type=Path), help="TOML: arms, metrics, plan. Or by options:"
)
@click.option("--arm", help="Column with the arm.")
@click.option("--control", help="The control arm, as that column names it.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="NAME:KIND[:ROLE[:MARGIN]]; KIND proportion, mean or ratio (NAME=clicks/impressions), "
    "ROLE primary, secondary or guardrail.",
)
@click.option("--unit", help="Column of what was assigned; default: every row is a unit.")
@click.option("--day", help="Column with a date or a number of days.")
@click.option("--segment", "segments", multiple=True, help="Column to compare within.")
@click.option("--stratum", "strata", multiple=True, help="Column to post-stratify by.")
@click.option("--where", multiple=True, help="COLUMN=VALUE of the rows to take.")
@click.option("--monitoring", help="fixed (default), sequential or hybrid.")
@click.option("--planned-units", "units", type=int, help="Planned size of all arms together.")
@click.option("--html", type=click.Path(path_type=Path), help="Write the report to this file, too.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, and nothing else.")
def analyze(
    file: Path,
    mapping: Path | None,
    arm: str | None,
    control: str | None,
    metrics: Sequence[str],
    unit: str | None,
    day: str | None,
    segments: Sequence[str],
    strata: Sequence[str],
    where: Sequence[str],
    monitoring: str | None,
    units: int | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Analyse the A/B test in FILE: ship, keep, go on, or invalid, and why.

    FILE is CSV, Parquet, Excel or JSON, packed or not, with a row per unit (a customer, a visit),
    or a row per arm with sums. docs/experiments.md has the mapping's keys.
    """
    from persona_assets.ab_testing import as_json as for_programs
    from persona_assets.ab_testing.analysis import analyse_file
    from persona_assets.ab_testing.as_text import show
    from persona_assets.ab_testing.declared_options import Options
    from persona_assets.cli.output import answers

    options = Options(arm, control, metrics, unit, day, segments, strata, where, monitoring, units)
    analysis = analyse_file(file, _declaration(file, mapping, options))
    if html is not None:
        from persona_assets.report.experiment_page import write_experiment_page

        write_experiment_page(analysis, html)
    if as_json:
        click.echo(json.dumps(for_programs.as_json(analysis), indent=2, ensure_ascii=False))
    else:
        show(analysis, answers)


def _declaration(file: Path, mapping: Path | None, options: "Options") -> "Declaration":
    from persona_assets.ab_testing.declaration_file import read_declaration
    from persona_assets.ab_testing.declared_options import (
        declaration_of,
        refuse_beside_mapping,
        with_options,
    )
    from persona_assets.ab_testing.reading import without_declaration

    if mapping is not None:
        refuse_beside_mapping(options)
        return with_options(read_declaration(mapping), options)
    if options.missing:
        raise without_declaration(
            file, f"Neither --mapping nor {' nor '.join(options.missing)} is given"
        )
    return declaration_of(options, file.name)


@experiment.command("plan")
@click.option("--baseline", required=True, type=float, help="Control's value, as 0.03 or 41.5.")
@click.option("--deviation", type=float, help="Standard deviation of a unit; none: a proportion.")
@click.option("--lift", "lifts", multiple=True, type=float, help="To find, as 0.05 for 5 %.")
@click.option("--units", type=int, help="Of all arms: what could be seen with so many?")
@click.option("--challengers", default=1, show_default=True, help="Arms beside control.")
@click.option("--control-share", type=float, help="Of all units; default: equal arms.")
@click.option("--power", default=0.8, show_default=True, help="Chance to find it.")
@click.option("--daily-units", type=float, help="Units that come in a day: gives the days.")
@click.option("--correlation", default=0.0, help="With the pre-period (CUPED): needs fewer units.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, and nothing else.")
def plan(
    baseline: float,
    deviation: float | None,
    lifts: Sequence[float],
    units: int | None,
    challengers: int,
    control_share: float | None,
    power: float,
    daily_units: float | None,
    correlation: float,
    as_json: bool,
) -> None:
    """How many units and days an experiment needs, or what it could see."""
    from dataclasses import asdict

    from persona_assets.ab_testing.plan import Design, lift_for, size_for

    design = Design(
        baseline, deviation, challengers, control_share, power, daily_units, correlation
    )
    asked = list(lifts) or ([0.01, 0.02, 0.05, 0.1, 0.2] if units is None else [])
    sizes = [size_for(design, lift) for lift in asked]
    seen = None if units is None else lift_for(design, units)
    if as_json:
        click.echo(json.dumps({"sizes": [asdict(each) for each in sizes], "lift": seen}, indent=2))
        return
    if seen is not None:
        click.echo(f"{units:,} units find a lift of {100 * seen:.3g} % in {100 * power:g} of 100")
    for size in sizes:
        days = "" if size.days is None else f", {size.days:,} days"
        click.echo(
            f"a lift of {100 * size.lift:g} %: {size.units:,} units ({size.arm_units:,} per "
            f"challenger{days}); {size.sequential_units:,} if looked at at any time, planned "
            f"for that; an arm that equals control is shown to lose less than "
            f"{100 * size.margin:.3g} %"
        )
