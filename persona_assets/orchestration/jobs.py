"""The jobs: which assets are run together.

Belongs here: selections of assets. Does not belong here: when they run (`automation.py`), which
runs of them bring a home up to date (`runs/plan.py`).
"""

import dagster as dg

from persona_assets.orchestration.partitions import ON_REQUEST

INGESTION = dg.define_asset_job(
    "ingestion",
    selection=dg.AssetSelection.groups("raw"),
    description="Deliver one day (or a range of days) of the shop's raw data.",
)
DAILY_TABLES = dg.define_asset_job(
    "daily_tables",
    selection="group:raw or tag:cadence=daily",
    description="Raw data, mart, features and snapshots of a day or a range of days.",
)
WEEKLY_TRAINING = dg.define_asset_job(
    "weekly_training",
    selection="tag:cutoffs=trained",
    description="Embeddings, training set, models and top-K lists of one or more cut-offs.",
)
WEEKLY_MONITORING = dg.define_asset_job(
    "weekly_monitoring",
    selection="tag:cutoffs=evaluated and group:monitoring",
    description="Drift and data quality of weeks that are over.",
)
WEEKLY_EVALUATION = dg.define_asset_job(
    "weekly_evaluation",
    selection="tag:cutoffs=evaluated and not group:monitoring",
    description="Metrics of cut-offs whose seven days are over; a range of them is the replay "
    "validation.",
)
REPORTS = dg.define_asset_job(
    "reports",
    selection="tag:cadence=unpartitioned and not group:raw",
    description="Comparison, replay summary, the champion and its lists, A/B test and online "
    "features from what is there.",
)
EXPERIMENT_CALIBRATION = dg.define_asset_job(
    "experiment_calibration",
    selection=f"tag:cadence={ON_REQUEST}",
    description="Hold the statistics of experiments against a known truth, a thousand times each.",
)
JOBS = (
    INGESTION,
    DAILY_TABLES,
    WEEKLY_TRAINING,
    WEEKLY_EVALUATION,
    WEEKLY_MONITORING,
    REPORTS,
    EXPERIMENT_CALIBRATION,
)
