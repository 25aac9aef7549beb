"""Checking stored rows against their contract.

Belongs here: the rules that follow from a contract (nulls, NaN, allowed values, ranges, foreign
keys, uniqueness of the key) and their counts per partition. Does not belong here: schema (the lake
enforces it on write), or what happens when a rule is broken (`orchestration/checks/`).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.tables.contract import Column, Table

Collect = Callable[[nw.LazyFrame], pl.DataFrame]

SAMPLE = 5
"""Offending rows shown per rule: enough to see the pattern, few enough to read."""
_ROWS = "__rows"
_WHOLE = "__whole"
_PLACE = "__place"


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
        frame: rows of the partitions to be evaluated.
        table: their contract.
        references: by the name in `Column.references`, a frame of the one referenced column.
        collect: the engine's way to bring a small frame into memory.

    Partitions without rows do not occur in the answer: they break no rule.
    """
    by = table.partition or _WHOLE
    if table.partition is None:
        frame = frame.with_columns(nw.lit("").alias(_WHOLE))
    rules, keyed = _rules(table), frame
    for column in table.columns:
        if column.references:
            frame = _mark_orphans(frame, column, references[column.references])
    # Spark takes the points in a rule's name for a path.
    numbered = {rule: f"__rule_{number}" for number, rule in enumerate(rules)}
    counts = collect(
        frame.with_columns(
            *[flag.cast(nw.Int64()).alias(numbered[rule]) for rule, flag in rules.items()]
        )
        .group_by(by)
        .agg(nw.len().alias(_ROWS), *[nw.col(name).sum() for name in numbered.values()])
    )
    samples = {
        rule: _samples(frame.filter(flag), table, rule, by, collect)
        for rule, flag in rules.items()
        if counts[numbered[rule]].sum()
    }
    found = {
        _name(row[by]): [
            Violation(rule, row[numbered[rule]], sample[row[by]])
            for rule, sample in samples.items()
            if row[numbered[rule]]
        ]
        for row in counts.iter_rows(named=True)
    }
    _add_duplicates(found, keyed, table, by, collect)
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
    # Grouped: Spark's `unique` would sort all rows.
    named = reference.select(nw.col(target).alias(column.name))
    known = named.group_by(column.name).agg(nw.len().alias("__known"))
    return (
        frame.join(known, on=column.name, how="left")
        .with_columns(
            (nw.col("__known").is_null() & ~nw.col(column.name).is_null()).alias(_orphan(column))
        )
        .drop("__known")
    )


def _samples(
    offenders: nw.LazyFrame, table: Table, rule: str, by: str, collect: Collect
) -> dict[date | str, tuple[str, ...]]:
    """Of each partition, key and offending value of the first rows by key."""
    name = rule.partition(":")[0]
    shown = dict.fromkeys([*(key for key in table.key if not table.column(key).pii), name])
    return _shown(offenders, table, list(shown), by, collect)


def _shown(
    rows: nw.LazyFrame, table: Table, names: Sequence[str], by: str, collect: Collect
) -> dict[date | str, tuple[str, ...]]:
    """Of each partition, the columns `names` of the first rows in their order as text.

    Values of PII columns are withheld.
    """
    order = [name for name in names if table.column(name).type != "vector"]
    first = collect(
        rows.select(*dict.fromkeys([by, *names]), nw.lit(1).alias(_PLACE))
        .with_columns(nw.col(_PLACE).cum_sum().over(by, order_by=order))
        .filter(nw.col(_PLACE) <= SAMPLE)
    ).sort(_PLACE)
    texts: dict[date | str, list[str]] = defaultdict(list)
    for row in first.iter_rows(named=True):
        values = (
            f"{name}={'(withheld)' if table.column(name).pii else row[name]}" for name in names
        )
        texts[row[by]].append(", ".join(values))
    return {partition: tuple(lines) for partition, lines in texts.items()}


def _name(partition: date | str) -> str:
    return partition if isinstance(partition, str) else partition.isoformat()


def _add_duplicates(
    found: dict[str, list[Violation]], frame: nw.LazyFrame, table: Table, by: str, collect: Collect
) -> None:
    """Adds rows whose key occurs more than once in `frame`, be it in one partition or in several.

    Keys with an absent part are left out: those have a rule of their own.
    """
    present = frame.filter(*(~nw.col(name).is_null() for name in table.key))
    counted = present.group_by(*table.key).agg(nw.len().alias(_ROWS))
    if collect(counted.filter(nw.col(_ROWS) > 1).head(1)).is_empty():
        return
    # Rare, so that only now the rows themselves are looked up.
    repeated = present.with_columns(nw.len().over(*table.key).alias(_ROWS)).filter(
        nw.col(_ROWS) > 1
    )
    distinct = repeated.group_by(*dict.fromkeys([by, *table.key])).agg(nw.len().alias(_ROWS))
    counts = collect(distinct.group_by(by).agg(nw.col(_ROWS).sum()))
    samples = _shown(distinct, table, table.key, by, collect)
    for partition, rows in counts.iter_rows():
        violation = Violation("key_unique", int(rows), samples[partition])
        found[_name(partition)].append(violation)
