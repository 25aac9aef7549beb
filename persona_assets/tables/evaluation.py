"""Contracts of group `evaluation`: metrics per cut-off and the tables that compare models."""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.features import CUTOFF

MODEL = Column("model", "string", "recommender, or `planted_optimum`: the synthetic shop's ceiling")
METRIC = Column("metric", "string", "name of the metric, without its cut-off k")
K = Column("k", "int64", "length of the list that is judged", minimum=1)
VALUE = Column("value", "float64", "mean over users")
LOW = Column("low", "float64", "lower end of the 95 % interval")
HIGH = Column("high", "float64", "upper end of the 95 % interval")
LIFT = (
    Column("lift", "float64", "difference to popularity on the same users"),
    Column("lift_low", "float64", "lower end of its 95 % paired bootstrap interval"),
    Column("lift_high", "float64", "upper end of its 95 % paired bootstrap interval"),
)
USERS = Column("users", "int64", "users with at least one relevant product", "users", minimum=0)

OFFLINE_METRICS = Table(
    "evaluation",
    "offline_metrics",
    grain="one row per cut-off, model, metric and k, judged on the seven days from the cut-off",
    key=("cutoff", "model", "metric", "k"),
    partition="cutoff",
    columns=(CUTOFF, MODEL, METRIC, K, VALUE, LOW, HIGH, *LIFT, USERS),
)

RECOMMENDATION_ANALYSIS = Table(
    "evaluation",
    "recommendation_analysis",
    grain="one row per cut-off, model, beyond-accuracy metric and k",
    key=("cutoff", "model", "metric", "k"),
    partition="cutoff",
    columns=(
        CUTOFF,
        MODEL,
        Column(
            "metric",
            "string",
            "catalog coverage, intra-list diversity, novelty or Gini",
            allowed=("catalog_coverage", "intra_list_diversity", "novelty", "gini"),
        ),
        K,
        Column(
            "value",
            "float64",
            "value over all lists of the model; null: not defined (no categories)",
            nullable=True,
        ),
    ),
)

REPLAY_VALIDATION = Table(
    "evaluation",
    "replay_validation",
    grain="one row per judged cut-off, model, metric and k, with the model's mean over cut-offs",
    key=("cutoff", "model", "metric", "k"),
    columns=(
        CUTOFF,
        MODEL,
        METRIC,
        K,
        VALUE,
        LOW,
        HIGH,
        *LIFT,
        Column("mean", "float64", "mean of the model's values over all judged cut-offs"),
        Column(
            "std",
            "float64",
            "standard deviation over cut-offs; null with fewer than two",
            nullable=True,
        ),
        Column("cutoffs", "int64", "judged cut-offs", "weeks", minimum=1),
        Column("wins", "int64", "cut-offs at which it was better than popularity", minimum=0),
    ),
)

MODEL_COMPARISON = Table(
    "evaluation",
    "model_comparison",
    grain="one row per model, metric and k at the newest judged cut-off",
    key=("model", "metric", "k"),
    columns=(
        CUTOFF,
        MODEL,
        METRIC,
        K,
        VALUE,
        LOW,
        HIGH,
        *LIFT,
        USERS,
        Column(
            "against_popularity",
            "string",
            "whether the 95 % interval of the lift excludes 0",
            allowed=("better", "worse", "not distinguishable", "baseline", "ceiling"),
        ),
    ),
)

TABLES = (OFFLINE_METRICS, RECOMMENDATION_ANALYSIS, REPLAY_VALIDATION, MODEL_COMPARISON)
