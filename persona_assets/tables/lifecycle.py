"""Contracts of studies, promoted configurations and promotions: tables of group `models`.

Belongs here: tables that are written by commands and never by an asset, so that materializing the
graph again changes nothing in them. Does not belong here: what trainings leave behind
(`models.py`).
"""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.features import CUTOFF
from persona_assets.tables.models import STAGES

_DECISION = Column("decision", "string", "instant of the decision; later ones sort behind")
_DECIDED_AT = Column("decided_at", "timestamp", "when it was decided")
_RECOMMENDER = Column("model", "string", "name of the recommender")
_PARAMETERS = Column("parameters", "string", "configuration as JSON, seed included")
_STUDY = Column("study", "string", "study of models/tuning_trials", nullable=True)


def _measured(name: str, meaning: str) -> tuple[Column, ...]:
    """A value with its interval; null where a trial failed."""
    return (
        Column(name, "float64", meaning, nullable=True),
        Column(f"{name}_low", "float64", "lower end of its 95 % interval", nullable=True),
        Column(f"{name}_high", "float64", "upper end of its 95 % interval", nullable=True),
    )


TUNING_TRIALS = Table(
    "models",
    "tuning_trials",
    grain="one row per study and tried configuration",
    key=("study", "trial"),
    columns=(
        Column("study", "string", "model, cut-off and digest of everything the study depends on"),
        Column("trial", "int64", "order of trying; 0 is the default configuration", minimum=0),
        CUTOFF,
        _RECOMMENDER,
        Column("sampler", "string", "what chose it", allowed=("random", "tpe", "grid")),
        Column("seed", "int64", "seed of the sampler and the sample of users"),
        _PARAMETERS,
        Column("changes", "string", "fields that differ from the default configuration, as JSON"),
        *_measured("ndcg", "nDCG@10 on the last week before the cut-off"),
        *_measured("recall", "Recall@10 on that week"),
        *_measured("lift", "difference of nDCG@10 to trial 0 on the same users"),
        Column("users", "int64", "users evaluated", "users", minimum=1),
        Column("seconds", "float64", "training, where needed, and evaluation", "s", minimum=0),
        Column("error", "string", "why it failed; null: it did not", nullable=True),
    ),
)

CONFIGURATIONS = Table(
    "models",
    "configurations",
    grain="one row per decision to train a model with another configuration; the newest is in use",
    key=("decision", "model"),
    columns=(
        _DECISION,
        _DECIDED_AT,
        _RECOMMENDER,
        _PARAMETERS,
        _STUDY,
        Column("trial", "int64", "trial of that study", nullable=True, minimum=0),
    ),
)

PROMOTIONS = Table(
    "models",
    "promotions",
    grain="one row per change of stage of a model with its configuration",
    key=("decision", "model", "parameters"),
    columns=(
        _DECISION,
        _DECIDED_AT,
        Column("action", "string", "what changed it", allowed=("promotion", "rollback")),
        _RECOMMENDER,
        _PARAMETERS,
        Column("from_stage", "string", "stage before", allowed=STAGES),
        Column("to_stage", "string", "stage after", allowed=STAGES),
        Column("evidence", "string", "what the gate measured, as JSON; `{}`: not measured"),
    ),
)

TABLES = (TUNING_TRIALS, CONFIGURATIONS, PROMOTIONS)
"""Written by commands; they exist from the first such command on."""
