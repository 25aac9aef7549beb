"""The registry's row about one training: enough to tell what it was and to repeat it.

Belongs here: the row. Does not belong here: the hashes in it (`lake/`) or metrics (`evaluation/`).
"""

from datetime import date

import polars as pl

from persona_assets.recommenders.protocol import Recommender
from persona_assets.tables.models import REGISTRY


def registry_row(
    model: Recommender,
    *,
    cutoff: date,
    code_version: str,
    input_hash: str,
    artefact_hash: str,
    artefact_rows: int,
) -> pl.DataFrame:
    """One row of `models/registry`.

    Args:
        model: the recommender that was trained.
        cutoff: its cut-off.
        code_version: digest of the code that trained it.
        input_hash: content hash of the interactions it was trained on.
        artefact_hash: content hash of the artefact.
        artefact_rows: rows of the artefact.
    """
    row = {
        "cutoff": cutoff,
        "model": model.name,
        "artefact": model.artefact.path,
        "parameters": model.config.to_json(),
        "seed": model.config.seed,
        "code_version": code_version,
        "input_hash": input_hash,
        "artefact_hash": artefact_hash,
        "artefact_rows": artefact_rows,
        "stage": "candidate",
    }
    return pl.DataFrame([row], schema=REGISTRY.polars_schema)
