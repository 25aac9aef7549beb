"""Contracts of experiments on a shop's customers: exposures, what users did, results, verdict.

Belongs here: the columns. Does not belong here: simulated experiments (`experiments.py`), the
service's log that these are made of (`collected.py`).
"""

from persona_assets.tables.contract import Column, Table

_EXPERIMENT = Column("experiment", "string", "name of the experiment; salt of the assignment")
_USER = Column("user_id", "string", "keyed hash of the user (32 hex digits)")
_ARM = Column("arm", "string", "arm of the experiment; control is the one compared with")

EXPOSURES = Table(
    "experiments",
    "exposures",
    grain="one row per experiment and user whom a list of an arm was served to",
    key=("experiment", "user_id"),
    columns=(
        _EXPERIMENT,
        _USER,
        Column("arm", "string", "arm of the first list; control is the one compared with"),
        Column("model", "string", "model that the arm served first"),
        Column("day", "date", "UTC day of the first list"),
        Column(
            "exposed_at", "timestamp", "when the first list was served; what counts comes after"
        ),
        Column(
            "arms",
            "int64",
            "arms that the user saw; with more than one the user is in no number of the experiment",
            minimum=1,
        ),
        Column(
            "orders_before",
            "float64",
            "products bought in the 28 days before the experiment; null: the mart does not reach "
            "back",
            nullable=True,
            minimum=0,
        ),
        Column(
            "revenue_before",
            "float64",
            "amount bought in them; null: the mart does not reach back",
            "shop currency",
            nullable=True,
        ),
    ),
)

UNIT_METRICS = Table(
    "experiments",
    "unit_metrics",
    grain="one row per experiment, user in one arm alone, and day with something from the first "
    "list on",
    key=("experiment", "user_id", "day"),
    columns=(
        _EXPERIMENT,
        _USER,
        _ARM,
        Column("day", "date", "UTC day on which a list was served or something was bought"),
        Column("impressions", "int64", "products of the day's lists seen", "products", minimum=0),
        Column("clicks", "int64", "products of the day's lists clicked", "products", minimum=0),
        Column("orders", "int64", "products bought in the shop, by whatever way", minimum=0),
        Column(
            "revenue",
            "float64",
            "amount of these; a purchase without a price counts 0, returns are not taken off",
            "shop currency",
        ),
    ),
)

RESULTS = Table(
    "experiments",
    "results",
    grain="one row per experiment, metric, arm and arm that it is compared with",
    key=("experiment", "metric", "arm", "against"),
    columns=(
        _EXPERIMENT,
        Column("metric", "string", "what is compared"),
        Column("role", "string", "what it is for", allowed=("primary", "secondary", "guardrail")),
        _ARM,
        Column("against", "string", "arm that it is compared with"),
        Column("users", "int64", "users in the arm", "users", minimum=0),
        Column("against_users", "int64", "users in the other arm", "users", minimum=0),
        Column("value", "float64", "value in the arm"),
        Column("against_value", "float64", "value in the other arm"),
        Column("effect", "float64", "value less the other arm's"),
        Column(
            "low",
            "float64",
            "lower end of the effect's interval, which holds at any time while the experiment "
            "runs; null: unbounded",
            nullable=True,
        ),
        Column("high", "float64", "upper end of it; null: unbounded", nullable=True),
        Column("p_value", "float64", "two-sided p-value", minimum=0, maximum=1),
        Column(
            "adjusted_p_value",
            "float64",
            "corrected for what it stands beside; null: a guardrail",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "margin",
            "float64",
            "loss of a guardrail that would be accepted, in units of the metric; null: it is none",
            nullable=True,
            minimum=0,
        ),
        Column("finding", "string", "what the comparison shows"),
        Column("method", "string", "how, CUPED included where the pre-period is used"),
    ),
)

VERDICT = Table(
    "experiments",
    "verdict",
    grain="one row per declared experiment that somebody was exposed to",
    key=("experiment",),
    columns=(
        _EXPERIMENT,
        Column(
            "decision",
            "string",
            "what it comes down to",
            allowed=("ship", "keep", "go_on", "invalid"),
        ),
        Column("shipped_arm", "string", "arm to ship; null: control stays", nullable=True),
        Column("shipped_model", "string", "its model; null: control stays", nullable=True),
        Column("verdict", "string", "the verdict in a sentence or two, with its reason"),
        Column("running", "bool", "is the planned end still to come?"),
        Column("days", "int64", "days of the experiment that data reach", "days", minimum=0),
        Column("planned_days", "int64", "from its start to its end", "days", minimum=1),
        Column("users", "int64", "users in all arms together", "users", minimum=0),
        Column("planned_users", "int64", "planned number of these", "users", minimum=1),
        Column("excluded_users", "int64", "users who saw more than one arm", "users", minimum=0),
        Column(
            "srm_p_value",
            "float64",
            "sample-ratio mismatch; while it runs, of any number of looks; null: not computed",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("through", "date", "newest UTC day that data reach"),
    ),
)

TABLES = (EXPOSURES, UNIT_METRICS, RESULTS, VERDICT)
