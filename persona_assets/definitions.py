"""The graph as Dagster loads it.

Belongs here: putting assets, checks, automation and resources together. `build_defs` is what tests
and commands call with parts of their own; `defs` is what `dagster dev` and `dg` find.
"""

import warnings
from collections.abc import Mapping

import dagster as dg

# Partitioned checks are preview and single-run backfills beta in Dagster 1.13: known and pinned.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

from persona_assets import settings  # noqa: E402
from persona_assets.orchestration import automation  # noqa: E402
from persona_assets.orchestration.assets import (  # noqa: E402
    evaluation,
    experiments,
    exploration,
    feature_store,
    features,
    mart,
    models,
    monitoring,
    raw,
    segmentation,
    serving,
)
from persona_assets.orchestration.checks.build import build_checks  # noqa: E402
from persona_assets.orchestration.event_log import assets as event_log  # noqa: E402
from persona_assets.orchestration.event_log.job import event_ingestion  # noqa: E402
from persona_assets.orchestration.maintenance.job import maintenance  # noqa: E402
from persona_assets.orchestration.resources.build import build_resources  # noqa: E402

GROUPS = (
    raw,
    mart,
    exploration,
    features,
    feature_store,
    segmentation,
    models,
    evaluation,
    monitoring,
    serving,
    experiments,
)
ASSETS = tuple(asset for group in GROUPS for asset in group.ASSETS)


def build_defs(*, resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """The whole graph; `resources` replace those of the home that the settings name."""
    return dg.Definitions(
        assets=[*ASSETS, *event_log.SPECS],
        asset_checks=build_checks(ASSETS),
        resources={**build_resources(settings.load()), **(resources or {})},
        jobs=[*automation.JOBS, maintenance, event_ingestion],
        schedules=automation.SCHEDULES,
        sensors=automation.SENSORS,
        # Steps share one process: a subprocess per step costs seconds (and a JVM each, on Spark).
        executor=dg.in_process_executor,
    )


defs = build_defs()
