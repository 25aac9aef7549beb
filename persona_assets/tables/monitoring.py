"""Contracts of group `monitoring`: what Evidently measured, and what could not be computed."""

from persona_assets.tables.contract import Column, Table

WEEK = Column("cutoff", "date", "Monday on which the evaluated week begins")

DATA_DRIFT = Table(
    "monitoring",
    "data_drift",
    grain="one row per week and column: the week against the up to four weeks before it",
    key=("cutoff", "column"),
    partition="cutoff",
    columns=(
        WEEK,
        Column("column", "string", "column that is compared"),
        Column("method", "string", "distance or test that Evidently used"),
        Column("score", "float64", "its value"),
        Column("threshold", "float64", "value at which the column counts as drifted"),
        Column("drifted", "bool", "did the column drift"),
        Column("current_rows", "int64", "rows of the week", "rows", minimum=0),
        Column("reference_rows", "int64", "rows of the weeks before", "rows", minimum=0),
    ),
)

DATA_QUALITY = Table(
    "monitoring",
    "data_quality",
    grain="one row per week, column and measure",
    key=("cutoff", "column", "measure"),
    partition="cutoff",
    columns=(
        WEEK,
        Column("column", "string", "column that is described; `*`: the week as a whole"),
        Column("measure", "string", "what is measured: missing share, distinct values, mean, …"),
        Column("value", "float64", "its value in the week"),
        Column("reference", "float64", "its value in the weeks before; null: none", nullable=True),
    ),
)

SKIPPED = Table(
    "monitoring",
    "skipped",
    grain="one row per table, partition and part that the shop's data are insufficient for",
    key=("table", "partition", "part"),
    columns=(
        Column("table", "string", "group and name of the table that lacks it"),
        Column("partition", "string", "date of the partition; empty: the table has none"),
        Column("part", "string", "model, metric or column left out; empty: all of the partition"),
        Column("reason", "string", "why, as read after: skipped, because"),
    ),
)
"""Kept by whatever writes the tables named in it, and there from the first skipped part on."""

TABLES = (DATA_DRIFT, DATA_QUALITY, SKIPPED)
