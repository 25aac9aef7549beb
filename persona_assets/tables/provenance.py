"""Contract of the lake's provenance records.

Belongs here: the table behind `lake/provenance.py`. It is no asset and not in `TABLES`: nothing
materializes it, every write of another table adds to it.
"""

from persona_assets.tables.contract import Column, Table

PARTITIONS = Table(
    "provenance",
    "partitions",
    grain="one row per write of a partition, and one per result of a blocking check of it",
    key=("path", "partition", "at", "check"),
    columns=(
        Column("path", "string", "group/name of the table"),
        Column("partition", "string", "ISO date; empty for an unpartitioned table"),
        Column("at", "int64", "when, since 1970; of several rows the latest counts", "ns"),
        Column("check", "string", "name of the check; empty: the partition was written"),
        Column("passed", "bool", "did the check pass? null for a write", nullable=True),
        Column("rows", "int64", "rows of the partition; null for a check", nullable=True),
        Column("digest", "string", "sum of its row hashes, in hex", nullable=True),
        Column("files", "string", "digest of the names of its data files", nullable=True),
        Column("code_version", "string", "of the asset that wrote it", nullable=True),
        Column("settings", "string", "digest of the settings that it depends on", nullable=True),
        Column("inputs", "string", "JSON: table → digest of what was read of it", nullable=True),
        Column("run_id", "string", "Dagster run", nullable=True),
    ),
)
