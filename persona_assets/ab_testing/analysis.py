"""An experiment's file and its declaration in, everything that is known of it out.

Belongs here: the order of the steps, and the result. Does not belong here: any step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import polars as pl

from persona_assets.ab_testing.aggregates import read_aggregates
from persona_assets.ab_testing.assignment_check import AssignmentCheck, check_assignment
from persona_assets.ab_testing.comparisons import Adjustment, Compared, Key, compared
from persona_assets.ab_testing.decision import verdict
from persona_assets.ab_testing.declaration import Declaration
from persona_assets.ab_testing.evidence import Evidence
from persona_assets.ab_testing.over_time import AtDay, Novelty, course, novelty
from persona_assets.ab_testing.pre_period import PrePeriod, adjust
from persona_assets.ab_testing.reading import columns_of, read_rows, refuse_missing
from persona_assets.ab_testing.segments import (
    Heterogeneity,
    OfQuantile,
    OfSegment,
    by_segment,
    quantiles,
    sizes,
)
from persona_assets.ab_testing.strata import post_stratify, unused
from persona_assets.ab_testing.timing import Timing, timing
from persona_assets.ab_testing.units import Units, read_units
from persona_assets.experiments.verdict import Verdict


@dataclass(frozen=True)
class Analysis:
    """What an experiment shows.

    Attributes:
        declaration: what was fixed before.
        evidence: values by arm and metric over time.
        timing: whether it runs, and how intervals are to be read.
        assignment: sizes of arms beside their plan.
        comparisons: of arms, metric by metric.
        verdict: what to do, and why.
        course: the primary metric's effect at the end of each day; empty without days.
        pre_periods: what units did before, and whether it is used (CUPED).
        segments: the primary metric within segments.
        heterogeneity: whether it differs between a segment's values.
        quantiles: of the metrics that ask for them.
        novelty: late days against early ones.
    """

    declaration: Declaration
    evidence: Evidence
    timing: Timing
    assignment: AssignmentCheck
    comparisons: Sequence[Compared]
    verdict: Verdict
    course: Sequence[AtDay] = ()
    pre_periods: Sequence[PrePeriod] = ()
    segments: Sequence[OfSegment] = ()
    heterogeneity: Sequence[Heterogeneity] = ()
    quantiles: Sequence[OfQuantile] = ()
    novelty: Sequence[Novelty] = ()


def analyse_file(path: Path, declaration: Declaration) -> Analysis:
    """Analyse the experiment in a file.

    Raises:
        UserError: the file cannot be read or lacks a column.
        DataError: its rows are not what the declaration says.
    """
    rows = read_rows(path, columns_of(declaration))
    refuse_missing(rows, declaration, path)
    return analyse(rows, declaration)


def analyse(rows: pl.DataFrame, declaration: Declaration) -> Analysis:
    """Analyse the experiment in a frame of units or aggregates.

    Args:
        rows: the columns that the declaration names, of any type; null, empty text and NaN are
            empty cells.
        declaration: what they mean.

    Raises:
        DataError: the rows are not what the declaration says.
    """
    rows = _as_text(rows)
    if declaration.aggregated:
        return _analysed(read_aggregates(rows, declaration), declaration)
    return _of_units(read_units(rows, declaration))


def _of_units(units: Units) -> Analysis:
    """With all that needs the units themselves."""
    periods, by_period = adjust(units)
    by_stratum = post_stratify(units)
    # A pre-period knows more than strata, and both at once would be a regression.
    adjustments = by_stratum | by_period
    found = _analysed(units.evidence, units.declaration, adjustments, sizes(units))
    segments, heterogeneity, notes = by_segment(units, found.timing)
    if units.declaration.strata and not by_stratum:
        notes = [*notes, unused(units.declaration.strata)]
    return replace(
        found,
        evidence=replace(found.evidence, notes=(*found.evidence.notes, *notes)),
        pre_periods=periods,
        segments=segments,
        heterogeneity=heterogeneity,
        quantiles=quantiles(units),
        novelty=novelty(units),
    )


def _analysed(
    evidence: Evidence,
    declaration: Declaration,
    adjustments: Mapping[Key, Adjustment] = MappingProxyType({}),
    by_segment: Mapping[tuple[str, str], Mapping[str, int]] = MappingProxyType({}),
) -> Analysis:
    """What units and aggregates have in common."""
    at = timing(declaration.plan, sum(evidence.last.units.values()))
    shares = declaration.planned_shares(evidence.arms)
    assignment = check_assignment(evidence, shares, by_segment)
    found = compared(evidence, declaration, at, adjustments)
    decided = verdict(found, assignment, evidence, declaration, at)
    return Analysis(
        declaration, evidence, at, assignment, found, decided, course(evidence, declaration)
    )


def _as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Every column as the text that a file would have, without blanks around it."""
    from persona_assets.sources.reading.typed_text import as_text, without_empty

    if not all(kind == pl.String for kind in rows.dtypes):
        rows = as_text(rows)
    return without_empty(rows.with_columns(pl.all().str.strip_chars()))
