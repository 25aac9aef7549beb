"""Judging stored rows against their contract.

Belongs here: the rules that follow from a contract (nulls, NaN, allowed values, ranges, foreign
keys, uniqueness of the key) and their counts per partition. Does not belong here: schema (the lake
enforces it on write), or what happens when a rule is broken (`checks/`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import narwhals as nw
import polars as pl

from persona_assets.tables.contract import Column, Table

Collect = Callable[[nw.LazyFrame], pl.DataFrame]

SAMPLE = 5
"""Offending rows shown per rule: enough to see the pattern, few enough to read."""
_ROWS = "__rows"
_WHOLE = "__whole"


@dataclass(frozen=True)
class Violation:
    """One broken rule in one partition: how many rows, and the offending values of some."""

    rule: str
    rows: int
    sample: tuple[str, ...] = ()


def violations(
    frame: nw.LazyFrame,
    table: Table,
    references: Mapping[str, nw.LazyFrame],
    collect: Collect,
) -> dict[str, list[Violation]]:
    """Broken rules per partition key (ISO date; `""` for an unpartitioned table).

    Args:
        frame: rows of the partitions to be judged.
        table: their contract.
        references: by the name in `Column.references`, a frame of the one referenced column.
        collect: the engine's way to bring a small frame into memory.

    Partitions without rows do not occur in the answer: they break no rule.
    """
    by = table.partition or _WHOLE
    if table.partition is None:
        frame = frame.with_columns(nw.lit("").alias(_WHOLE))
    rules = _rules(table)
    for column in table.columns:
        if column.references:
            frame = _mark_orphans(frame, column, references[column.references])
    counts = collect(
        frame.with_columns(*[flag.cast(nw.Int64()).alias(rule) for rule, flag in rules.items()])
        .group_by(by)
        .agg(nw.len().alias(_ROWS), *[nw.col(rule).sum().alias(rule) for rule in rules])
    )
    found: dict[str, list[Violation]] = {}
    for row in counts.iter_rows(named=True):
        key = row[table.partition].isoformat() if table.partition else ""
        within = frame
        if table.partition:
            within = frame.filter(nw.col(table.partition) == nw.lit(row[table.partition]))
        found[key] = [
            Violation(rule, row[rule], _sample(within.filter(flag), table, rule, collect))
            for rule, flag in rules.items()
            if row[rule]
        ]
    _add_duplicates(found, frame, table, collect)
    return found


def rule_names(table: Table) -> list[str]:
    """Every rule that the contract implies, in the order in which they are reported."""
    return [*_rules(table), "key_unique"]


def _rules(table: Table) -> dict[str, nw.Expr]:
    """Rule name → expression that is true for a row that breaks it."""
    rules: dict[str, nw.Expr] = {}
    for column in table.columns:
        value = nw.col(column.name)
        if not column.nullable:
            rules[f"{column.name}: not null"] = value.is_null()
        if column.type == "float64":
            rules[f"{column.name}: a number"] = _true(value.is_nan())
        if column.allowed is not None:
            rules[f"{column.name}: allowed value"] = _true(~value.is_in(list(column.allowed)))
        if column.minimum is not None:
            rules[f"{column.name}: at least {column.minimum:g}"] = _true(value < column.minimum)
        if column.maximum is not None:
            rules[f"{column.name}: at most {column.maximum:g}"] = _true(value > column.maximum)
        if column.references:
            rules[f"{column.name}: in {column.references}"] = nw.col(_orphan(column))
    return rules


def _true(condition: nw.Expr) -> nw.Expr:
    """`condition`, false where it is null: absent values have a rule of their own."""
    return nw.when(condition).then(nw.lit(True)).otherwise(nw.lit(False))


def _orphan(column: Column) -> str:
    return f"__orphan_{column.name}"


def _mark_orphans(frame: nw.LazyFrame, column: Column, reference: nw.LazyFrame) -> nw.LazyFrame:
    assert column.references is not None  # noqa: S101 - for the type checker
    target = column.references.rpartition(".")[2]
    known = reference.select(nw.col(target).alias(column.name)).unique()
    known = known.with_columns(nw.lit(True).alias("__known"))
    return (
        frame.join(known, on=column.name, how="left")
        .with_columns(
            (nw.col("__known").is_null() & ~nw.col(column.name).is_null()).alias(_orphan(column))
        )
        .drop("__known")
    )


def _sample(offenders: nw.LazyFrame, table: Table, rule: str, collect: Collect) -> tuple[str, ...]:
    """Key and offending value of the first rows by key; values of PII columns are withheld."""
    name = rule.partition(":")[0]
    shown = [key for key in table.key if not table.column(key).pii]
    columns = list(dict.fromkeys([*shown, name]))
    chosen = offenders.select(*columns)
    if shown:
        chosen = chosen.sort(*shown)
    values = collect(chosen.head(SAMPLE))
    if table.column(name).pii:
        values = values.with_columns(pl.lit("(withheld)").alias(name))
    return tuple(
        ", ".join(f"{column}={value}" for column, value in row.items())
        for row in values.iter_rows(named=True)
    )


def _add_duplicates(
    found: dict[str, list[Violation]], frame: nw.LazyFrame, table: Table, collect: Collect
) -> None:
    repeated = collect(
        frame.group_by(*table.key).agg(nw.len().alias(_ROWS)).filter(nw.col(_ROWS) > 1)
    )
    if repeated.is_empty():
        return
    # A key without the partition column may repeat across partitions: look the rows up again.
    # The join leaves out keys with an absent part: those have a rule of their own.
    by = table.partition
    places = collect(
        frame.select(*dict.fromkeys([*table.key, *([by] if by else [])]))
        .group_by(*dict.fromkeys([*table.key, *([by] if by else [])]))
        .agg(nw.len().alias("here"))
    ).join(repeated, on=list(table.key), how="semi")
    groups = places.group_by(by) if by else [((None,), places)]
    for (partition,), group in groups:
        key = partition.isoformat() if partition else ""
        sample = tuple(
            ", ".join(
                f"{name}={'(withheld)' if table.column(name).pii else row[name]}"
                for name in table.key
            )
            for row in group.sort(table.key).head(SAMPLE).iter_rows(named=True)
        )
        found.setdefault(key, []).append(Violation("key_unique", int(group["here"].sum()), sample))
