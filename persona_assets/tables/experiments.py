"""Contracts of group `experiments`: simulated exposures and the verdict on them."""

from persona_assets.tables.contract import Column, Table

CONTROL = "control"
ARMS = (CONTROL, "challenger_1", "challenger_2")
"""The champion, and the best two of the other models."""
ARM = Column("arm", "string", "arm of the experiment", allowed=ARMS)

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
    grain="one row per arm against control and metric",
    key=("arm", "metric"),
    columns=(
        Column("experiment", "string", "name of the experiment"),
        Column("cutoff", "date", "cut-off of the models whose lists were shown"),
        ARM,
        Column("model", "string", "recommender behind the arm"),
        Column(
            "metric",
            "string",
            "what is compared",
            allowed=("ctr", "conversion", "revenue_per_user"),
        ),
        Column("users", "int64", "users in the arm", "users", minimum=0),
        Column("control_users", "int64", "users in control", "users", minimum=0),
        Column("value", "float64", "value in the arm"),
        Column("control_value", "float64", "value in control"),
        Column("effect", "float64", "value less control value"),
        Column("low", "float64", "lower end of the effect's 95 % interval"),
        Column("high", "float64", "upper end of the effect's 95 % interval"),
        Column("p_value", "float64", "two-sided p-value", minimum=0, maximum=1),
        Column("adjusted_p_value", "float64", "after Holm's correction", minimum=0, maximum=1),
        Column("test", "string", "statistical test used"),
        Column(
            "srm_p_value", "float64", "sample-ratio mismatch, chi-squared", minimum=0, maximum=1
        ),
        Column("responses", "string", "where responses come from", allowed=("planted", "fitted")),
        Column("verdict", "string", "the experiment's verdict in one sentence"),
    ),
)

TABLES = (AB_TEST_SIMULATION, AB_TEST_RESULTS)
