"""The contract of every Delta table; `TABLES` finds one by its path."""

from persona_assets.tables import (
    collected,
    evaluation,
    experiments,
    exploration,
    feature_store,
    features,
    lifecycle,
    live_experiments,
    mart,
    models,
    monitoring,
    raw,
    segmentation,
    serving,
)
from persona_assets.tables.contract import Column, Table

TABLES: dict[str, Table] = {
    table.path: table
    for group in (
        raw,
        collected,
        mart,
        exploration,
        features,
        feature_store,
        models,
        evaluation,
        monitoring,
        experiments,
        live_experiments,
        segmentation,
        serving,
        lifecycle,
    )
    for table in group.TABLES
}

__all__ = ["TABLES", "Column", "Table"]
