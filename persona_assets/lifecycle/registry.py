"""The registry: what was trained, and what became of it.

Belongs here: the row about one training, enough to tell what it was and to repeat it, and the
stages that follow from the decisions in `models/promotions`. Does not belong here: the hashes in a
row (`lake/`), metrics (`evaluation/`), or making decisions (`lifecycle/promotion.py`).

A stage belongs to a model with its configuration, not to one week's training: every week the
champion is trained again, and what the gate evaluates are its lists of many weeks. So stages
survive when a week is materialized again, and another configuration of the same model is a new
candidate.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, Protocol

import polars as pl

from persona_assets.tables import Table
from persona_assets.tables.models import REGISTRY


class Trained(Protocol):
    """Anything that is trained for a cut-off: a recommender, or the segmentation of customers."""

    @property
    def name(self) -> str:
        """By which it is called."""

    @property
    def artefact(self) -> Table:
        """Contract of the table that holds what it learned."""

    @property
    def config(self) -> Any:  # noqa: ANN401 - each has a class of its own
        """A `Config`: everything that its training depends on besides the data."""


class Recipe(NamedTuple):
    """What a stage belongs to: a model's name and its configuration as `Config.to_json` has it."""

    model: str
    parameters: str

    @classmethod
    def of(cls, model: Trained) -> "Recipe":
        """The recipe of a configured model."""
        return cls(model.name, model.config.to_json())


def registry_row(
    model: Trained,
    *,
    cutoff: date,
    code_version: str,
    input_hash: str,
    artefact_hash: str,
    artefact_rows: int,
    not_trained: str | None = None,
) -> pl.DataFrame:
    """One row of `models/registry`.

    Args:
        model: what was trained.
        cutoff: its cut-off.
        code_version: digest of the code that trained it.
        input_hash: content hash of the rows it was trained on.
        artefact_hash: content hash of the artefact.
        artefact_rows: rows of the artefact.
        not_trained: why there is nothing in it; None: it was trained.
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
        "not_trained": not_trained,
    }
    return pl.DataFrame([row], schema=REGISTRY.polars_schema)


def champions(promotions: pl.DataFrame) -> list[Recipe]:
    """The champion (last) and, below, those to which rollbacks lead one after another.

    Args:
        promotions: rows of `models/promotions`, in any order.

    Returns:
        Empty where nothing was promoted yet.
    """
    line: list[Recipe] = []
    crowned = promotions.filter(pl.col("to_stage") == "champion").sort("decision")
    for row in crowned.iter_rows(named=True):
        recipe = Recipe(row["model"], row["parameters"])
        if row["action"] == "rollback":
            # What a champion came after is forgotten with it: rolled back twice is two back.
            while line and line[-1] != recipe:
                line.pop()
        if not line or line[-1] != recipe:
            line.append(recipe)
    return line


def stages(promotions: pl.DataFrame) -> Mapping[Recipe, str]:
    """The stage of every recipe about which something was decided; all others are candidates."""
    return {
        Recipe(row["model"], row["parameters"]): row["to_stage"]
        for row in promotions.sort("decision").iter_rows(named=True)
    }


def with_stages(registry: pl.DataFrame, promotions: pl.DataFrame) -> pl.DataFrame:
    """Rows of `models/registry` with the stages of now in place of those when they were trained."""
    found = stages(promotions)
    now = [
        found.get(Recipe(model, parameters), "candidate")
        for model, parameters in registry.select("model", "parameters").iter_rows()
    ]
    return registry.with_columns(stage=pl.Series(now, dtype=pl.String()))
