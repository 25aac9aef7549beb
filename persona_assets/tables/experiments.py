"""Contracts of group `experiments`: simulated exposures and the verdict on them."""

from persona_assets.tables.contract import Column, Table

CONTROL = "control"
ARMS = (CONTROL, "challenger_1", "challenger_2")
"""The champion, and the best two of the other models."""
ARM = Column("arm", "string", "arm of the experiment", allowed=ARMS)
METRIC = Column(
    "metric", "string", "what is compared", allowed=("ctr", "conversion", "revenue_per_user")
)

AB_TEST_SIMULATION = Table(
    "experiments",
    "ab_test_simulation",
    grain="one row per user in the experiment",
    key=("user_id",),
    columns=(
        Column("experiment", "string", "name of the experiment; salt of the assignment"),
        Column("cutoff", "date", "cut-off of the models whose lists were shown"),
        Column("user_id", "string", "keyed hash of the user"),
        ARM,
        Column("model", "string", "recommender behind the arm"),
        Column("responses", "string", "where responses come from", allowed=("planted", "fitted")),
        Column("impressions", "int64", "products shown", "products", minimum=0),
        Column("clicks", "int64", "products clicked", "products", minimum=0),
        Column("orders", "int64", "products bought", "products", minimum=0),
        Column(
            "revenue",
            "float64",
            "amount bought; null: a product that was shown has no price",
            "shop currency",
            nullable=True,
            minimum=0,
        ),
    ),
)

AB_TEST_RESULTS = Table(
    "experiments",
    "ab_test_results",
    grain="one row per arm against control and metric, then per pair of challengers",
    key=("arm", "against", "metric"),
    columns=(
        Column("experiment", "string", "name of the experiment"),
        Column("cutoff", "date", "cut-off of the models whose lists were shown"),
        ARM,
        Column("model", "string", "recommender behind the arm"),
        Column("against", "string", "arm that it is compared with", allowed=ARMS),
        METRIC,
        Column("users", "int64", "users in the arm", "users", minimum=0),
        Column("control_users", "int64", "users in the other arm", "users", minimum=0),
        Column("value", "float64", "value in the arm"),
        Column("control_value", "float64", "value in the other arm"),
        Column("effect", "float64", "value less the other arm's"),
        Column(
            "true_effect",
            "float64",
            "effect by the planted responses, over everybody; null: not known",
            nullable=True,
        ),
        Column(
            "low",
            "float64",
            "lower end of the effect's 95 % interval; null: nothing varied",
            nullable=True,
        ),
        Column(
            "high",
            "float64",
            "upper end of the effect's 95 % interval; null: nothing varied",
            nullable=True,
        ),
        Column("p_value", "float64", "two-sided p-value", minimum=0, maximum=1),
        Column(
            "adjusted_p_value",
            "float64",
            "after Holm's correction over all comparisons of the primary metric; null: a guardrail",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("standard_error", "float64", "of the effect; 0: nothing varied", minimum=0),
        Column(
            "minimum_detectable",
            "float64",
            "true effect found in 4 of 5 such experiments; of a guardrail, the margin within which "
            "an equal arm is shown to be in 4 of 5; null: nothing varied",
            nullable=True,
            minimum=0,
        ),
        Column(
            "margin",
            "float64",
            "loss of a guardrail that would be accepted; null: the primary metric",
            nullable=True,
            minimum=0,
        ),
        Column(
            "finding",
            "string",
            "what the comparison shows",
            allowed=(
                "gain",
                "loss",
                "not told apart",
                "kept",
                "harmed",
                "not shown to be kept",
                "unknown",
            ),
        ),
        Column("test", "string", "statistical test used"),
        Column(
            "srm_p_value", "float64", "sample-ratio mismatch, chi-squared", minimum=0, maximum=1
        ),
        Column("responses", "string", "where responses come from", allowed=("planted", "fitted")),
        Column("verdict", "string", "the experiment's verdict in one sentence"),
        Column(
            "decision",
            "string",
            "what it comes down to",
            allowed=("ship", "keep", "go_on", "invalid"),
        ),
        Column(
            "shipped_arm", "string", "arm to ship; null: control stays", nullable=True, allowed=ARMS
        ),
    ),
)

PLANTED_EFFECTS = Table(
    "experiments",
    "planted_effects",
    grain="one row per arm and metric: what everybody would do who saw the arm's lists",
    key=("arm", "metric"),
    columns=(
        Column("experiment", "string", "name of the experiment"),
        Column("cutoff", "date", "cut-off of the models whose lists were shown"),
        ARM,
        Column("model", "string", "recommender behind the arm"),
        METRIC,
        Column("value", "float64", "expected value, by the responses that users are simulated by"),
        Column("users", "int64", "users in all arms together", "users", minimum=0),
        Column("responses", "string", "where responses come from", allowed=("planted", "fitted")),
    ),
)
"""The truth of a simulated experiment, which no analysis of it may see."""

CALIBRATION = Table(
    "experiments",
    "calibration",
    grain="one row per method and measure, over many experiments whose truth is known",
    key=("method", "measure"),
    columns=(
        Column("method", "string", "what was used, and on what"),
        Column(
            "measure",
            "string",
            "what was counted: experiments without an effect that found one, intervals that hold "
            "the truth, effects found, the mean effect as a multiple of the true one, alarms, "
            "verdicts",
            allowed=(
                "false_findings",
                "coverage",
                "power",
                "effect_recovered",
                "sample_ratio_alarms",
                "ships",
                "ships_best",
                "tells_apart_wrongly",
            ),
        ),
        Column("experiments", "int64", "experiments drawn", "experiments", minimum=1),
        Column("value", "float64", "share of the experiments, or the multiple"),
        Column("low", "float64", "lower end of the value's 99 % interval"),
        Column("high", "float64", "upper end of the value's 99 % interval"),
        Column("promised_low", "float64", "promised at least; null: nothing is", nullable=True),
        Column("promised_high", "float64", "promised at most; null: nothing is", nullable=True),
        Column(
            "kept",
            "bool",
            "does the interval reach into what is promised? null: nothing is promised",
            nullable=True,
        ),
    ),
)
TABLES = (AB_TEST_SIMULATION, AB_TEST_RESULTS, PLANTED_EFFECTS, CALIBRATION)
ON_REQUEST = (CALIBRATION,)
"""Made when somebody asks for them: they are of the method, not of a home's data."""
