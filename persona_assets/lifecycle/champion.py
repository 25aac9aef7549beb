"""The champion: the model whose lists are served.

Belongs here: reading who it is from the decisions and the trainings. Does not belong here: making
decisions (`promotion.py`) or lists (`recommenders/`).
"""

import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.evaluation.offline import BASELINE
from persona_assets.lifecycle.registry import Recipe, champions
from persona_assets.tables.models import REGISTRY
from persona_assets.tables.serving import BY_DEFAULT, CHAMPION, SERVED


def champion_row(promotions: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
    """Which model serves, since when, by what, and its newest training.

    Until a model is promoted it is popularity with the configuration of its newest training.

    Args:
        promotions: rows of `models/promotions`.
        registry: rows of `models/registry`.

    Returns:
        The row of `models/champion`.

    Raises:
        InsufficientDataError: nothing was promoted and popularity could not be trained.
    """
    trained = registry.filter(pl.col("not_trained").is_null()).sort("cutoff")
    line = champions(promotions)
    if line:
        recipe = line[-1]
        decided = promotions.filter(
            pl.col("to_stage") == "champion",
            pl.col("model") == recipe.model,
            pl.col("parameters") == recipe.parameters,
        ).sort("decision")
        action, since, evidence = decided.select("action", "decided_at", "evidence").row(-1)
    else:
        baseline = trained.filter(pl.col("model") == BASELINE)
        if baseline.is_empty():
            raise InsufficientDataError(
                f"nothing was promoted, and {BASELINE}, which serves until then, has no training "
                f"in {REGISTRY.path}"
            )
        recipe = Recipe(BASELINE, baseline["parameters"][-1])
        action, since, evidence = BY_DEFAULT, None, "{}"
    own = trained.filter(
        pl.col("model") == recipe.model, pl.col("parameters") == recipe.parameters
    ).tail(1)
    row = {
        "model": recipe.model,
        "parameters": recipe.parameters,
        "action": action,
        "since": since,
        "evidence": evidence,
        "cutoff": own["cutoff"].first(),
        "artefact_hash": own["artefact_hash"].first(),
    }
    return pl.DataFrame([row], schema=CHAMPION.polars_schema)


def served_lists(champion: pl.DataFrame, top_k: pl.DataFrame) -> pl.DataFrame:
    """The champion's lists of its newest training.

    Args:
        champion: the row of `models/champion`; no row: nobody serves.
        top_k: rows of `recommendations/top_k`, of its model and cut-off or more.

    Returns:
        Rows of `recommendations/served`, sorted by its key.

    Raises:
        InsufficientDataError: there are no lists of it.
    """
    wanted = champion.select("model", "cutoff")
    rows = top_k.join(wanted, on=["model", "cutoff"], how="semi")
    if rows.is_empty():
        who = str(champion["model"].first() or "no model")
        raise InsufficientDataError(
            f"the champion, {who}, has no lists with its configuration; train it, or promote "
            "another model"
        )
    return rows.select(SERVED.polars_schema.names()).sort(SERVED.key)
