"""The graph as Dagster loads it.

Belongs here: putting assets, checks, automation and resources together. `build_defs` is what tests
and commands call with settings or parts of their own; `defs` is what `dagster dev` and `dg` find.
"""

import warnings
from collections.abc import Mapping

import dagster as dg

# Partitioned checks are preview and single-run backfills beta in Dagster 1.13: known and pinned.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

from persona_assets import settings as settings_module  # noqa: E402
from persona_assets.orchestration import automation  # noqa: E402
from persona_assets.orchestration.assets import (  # noqa: E402
    evaluation,
    experiments,
    exploration,
    feature_store,
    features,
    live_experiments,
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
from persona_assets.orchestration.home import Home  # noqa: E402
from persona_assets.orchestration.jobs import JOBS  # noqa: E402
from persona_assets.orchestration.maintenance.job import maintenance  # noqa: E402
from persona_assets.orchestration.resources.build import build_resources, described  # noqa: E402
from persona_assets.settings import Settings  # noqa: E402

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
    live_experiments,
)
DECLARED = tuple(asset for group in GROUPS for asset in group.ASSETS)
"""Every asset before it is built for a home."""


def build_defs(
    settings: Settings | None = None, *, resources: Mapping[str, object] | None = None
) -> dg.Definitions:
    """The whole graph of one home; a process may hold those of several.

    Args:
        settings: of the home; None: of the one that the environment names, read anew whenever a
            schedule or sensor asks.
        resources: replace those of the home.
    """
    return _graph(Home(settings_module.load if settings is None else lambda: settings), resources)


def _graph(home: Home, resources: Mapping[str, object] | None = None) -> dg.Definitions:
    settings, conditions = home.settings, automation.Conditions.of(home)
    assets = [asset.build(home.calendar, conditions) for asset in DECLARED]
    home.definitions = dg.Definitions(
        assets=[*assets, *event_log.SPECS],
        asset_checks=build_checks(assets, home.calendar, settings.operation.quarantine_limit),
        resources=described({**build_resources(settings), **(resources or {})}),
        jobs=[*JOBS, maintenance, event_ingestion],
        schedules=automation.schedules(home),
        sensors=automation.sensors(home),
        # Steps share one process: a subprocess per step costs seconds (and a JVM each, on Spark).
        executor=dg.in_process_executor,
    )
    return home.definitions


HOME = Home(settings_module.load)
"""The home that the environment names."""
defs = _graph(HOME)
ASSETS = tuple(asset for asset in defs.assets or () if isinstance(asset, dg.AssetsDefinition))
"""Its assets."""
