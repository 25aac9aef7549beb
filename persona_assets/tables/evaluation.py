"""Contracts of group `evaluation`: metrics per cut-off and the tables that compare models."""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.features import CUTOFF

MODEL = Column("model", "string", "recommender, or `planted_optimum`: the synthetic shop's oracle")
METRIC = Column("metric", "string", "name of the metric, without its cut-off k")
K = Column("k", "int64", "length of the list that is evaluated", minimum=1)
VALUE = Column("value", "float64", "mean over users")
LOW = Column("low", "float64", "lower end of the 95 % interval")
HIGH = Column("high", "float64", "upper end of the 95 % interval")
LIFT = (
    Column("lift", "float64", "difference to popularity on the same users"),
    Column("lift_low", "float64", "lower end of its 95 % paired interval"),
    Column("lift_high", "float64", "upper end of its 95 % paired interval"),
    Column(
        "lift_p_value",
        "float64",
        "two-sided p-value that the true lift is 0, uncorrected",
        minimum=0,
        maximum=1,
    ),
)
USERS = Column("users", "int64", "users with at least one relevant product", "users", minimum=0)

OFFLINE_METRICS = Table(
    "evaluation",
    "offline_metrics",
    grain="one row per cut-off, model, metric and k, evaluated on the seven days from the cut-off",
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
            "catalog coverage; diversity within lists by category and by embedding; novelty "
            "(bits); average popularity (users); serendipity; Gini of exposure",
            allowed=(
                "catalog_coverage",
                "intra_list_diversity",
                "embedding_diversity",
                "novelty",
                "average_popularity",
                "serendipity",
                "gini",
            ),
        ),
        K,
        Column(
            "value",
            "float64",
            "value over all lists of the model; null: not defined (no categories, no vectors)",
            nullable=True,
        ),
    ),
)

SEGMENT_METRICS = Table(
    "evaluation",
    "segment_metrics",
    grain="one row per cut-off, model, segment, metric and k; segments of a kind part the users",
    key=("cutoff", "model", "kind", "segment", "metric", "k"),
    partition="cutoff",
    columns=(
        CUTOFF,
        MODEL,
        Column(
            "kind",
            "string",
            "what users are told apart by: how well they are known, how active they were before "
            "the cut-off, where they live, which customers they are like by their purchases, the "
            "prices of what they went for",
            allowed=("known", "activity", "country", "customer_segment", "price_tier"),
        ),
        Column(
            "segment",
            "string",
            "`new`, `returning` or `cold` (not known before; not in the other kinds); `low`, "
            "`medium` or `high` third; a country or `other`; the name of a customer segment or "
            "`none`; `unknown`",
        ),
        METRIC,
        K,
        VALUE,
        LOW,
        HIGH,
        USERS,
    ),
)

PAIRWISE_COMPARISON = Table(
    "evaluation",
    "pairwise_comparison",
    grain="one row per cut-off, pair of models, metric and k",
    key=("cutoff", "model", "other", "metric", "k"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column("model", "string", "recommender"),
        Column("other", "string", "recommender that comes after it in the alphabet"),
        METRIC,
        K,
        Column("difference", "float64", "value of `model` less that of `other`, same users"),
        Column("low", "float64", "lower end of its 95 % paired interval"),
        Column("high", "float64", "upper end of its 95 % paired interval"),
        Column(
            "p_value", "float64", "two-sided sign-flip test of no difference", minimum=0, maximum=1
        ),
        Column(
            "adjusted_p_value",
            "float64",
            "after Holm's correction over all pairs of the cut-off and metric",
            minimum=0,
            maximum=1,
        ),
        Column(
            "minimum_detectable",
            "float64",
            "true difference that would be found in 80 % of such comparisons (5 % level, not "
            "corrected); null with one user",
            nullable=True,
            minimum=0,
        ),
        USERS,
        Column(
            "verdict",
            "string",
            "on `model`: whether the adjusted p-value is below 0.05, and in whose favour",
            allowed=("better", "worse", "not distinguishable"),
        ),
    ),
)

COLD_START = Table(
    "evaluation",
    "cold_start",
    grain="one row per cut-off: who and what turned up in the evaluated week without a past",
    key=("cutoff",),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column("touches", "int64", "interactions of the evaluated week", "events", minimum=0),
        Column(
            "touches_by_cold_users",
            "int64",
            "those by users not known before the cut-off",
            "events",
            minimum=0,
        ),
        Column(
            "touches_of_cold_products",
            "int64",
            "those of products that nobody had interacted with before the cut-off",
            "events",
            minimum=0,
        ),
        Column("users", "int64", "users of the evaluated week", "users", minimum=0),
        Column("cold_users", "int64", "those not known before it", "users", minimum=0),
        Column("products", "int64", "products interacted with in the week", "products", minimum=0),
        Column(
            "cold_products", "int64", "those not interacted with before it", "products", minimum=0
        ),
        Column(
            "cold_user_share",
            "float64",
            "share of interactions by cold users; null without interactions",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "cold_product_share",
            "float64",
            "share of interactions of cold products, which models of interactions cannot list; "
            "null without interactions",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
    ),
)

STALENESS = Table(
    "evaluation",
    "staleness",
    grain="one row per evaluated week, model, age of its training, metric and k; all ages on the "
    "same users and the same truth",
    key=("cutoff", "model", "age_weeks", "metric", "k"),
    columns=(
        Column("cutoff", "date", "Monday on which the evaluated week begins"),
        MODEL,
        Column(
            "age_weeks",
            "int64",
            "weeks from training to the end of the evaluated week; 1: trained at its own cut-off",
            "weeks",
            minimum=1,
        ),
        METRIC,
        K,
        VALUE,
        LOW,
        HIGH,
        Column("change", "float64", "difference to the same model at age 1"),
        Column("change_low", "float64", "lower end of its 95 % paired interval"),
        Column("change_high", "float64", "upper end of its 95 % paired interval"),
        USERS,
    ),
)

REPLAY_VALIDATION = Table(
    "evaluation",
    "replay_validation",
    grain="one row per evaluated cut-off, model, metric and k, with the model's mean over cut-offs",
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
        Column("mean", "float64", "mean of the model's values over all evaluated cut-offs"),
        Column(
            "std",
            "float64",
            "standard deviation over cut-offs; null with fewer than two",
            nullable=True,
        ),
        Column("cutoffs", "int64", "evaluated cut-offs", "weeks", minimum=1),
        Column("wins", "int64", "cut-offs at which it was better than popularity", minimum=0),
    ),
)

MODEL_COMPARISON = Table(
    "evaluation",
    "model_comparison",
    grain="one row per model, metric and k at the newest evaluated cut-off",
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
            "whether the lift differs from 0, after Holm's correction over the week's models",
            allowed=("better", "worse", "not distinguishable", "baseline", "ceiling"),
        ),
    ),
)

TABLES = (
    OFFLINE_METRICS,
    RECOMMENDATION_ANALYSIS,
    SEGMENT_METRICS,
    PAIRWISE_COMPARISON,
    COLD_START,
    REPLAY_VALIDATION,
    MODEL_COMPARISON,
    STALENESS,
)
