"""The check that lets a snapshot of the online store be published.

Belongs here: asking for the comparison, and saying and remembering what it found. Does not belong
here: the comparison (`serving/online/materialization.py`).
"""

import dagster as dg

from persona_assets.orchestration.assets.feature_store import ONLINE_SNAPSHOT
from persona_assets.orchestration.resources.failures import permanent_failures
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.serving.online.materialization import differences
from persona_assets.serving.online.store import OnlineStore

# Any number will do; a fixed one makes a failure repeatable.
_SEED = 7
_NAME = "parity"


@dg.asset_check(
    asset=ONLINE_SNAPSHOT,
    name=_NAME,
    description="The snapshot holds the newest rows of the tables, to the last bit: all of "
    "them, or a sample of a large table's.",
    blocking=True,
)
def parity(lake: Lake, online_store: dg.ResourceParam[OnlineStore]) -> dg.AssetCheckResult:
    """Approve the staged snapshot, or leave the published one where it is."""
    with permanent_failures():
        # Asked for alone, when all is published, it looks at what is published.
        staged = online_store.backend.manifest(staged=True)
        different = differences(online_store, lake.store, seed=_SEED, staged=staged is not None)
        if not different and staged is not None:
            online_store.backend.approve(staged.name)
    path = "/".join(ONLINE_SNAPSHOT.path)
    lake.provenance.check(path, _NAME, {"": not different})
    return dg.AssetCheckResult(
        passed=not different,
        description=f"the snapshot differs from the tables in {', '.join(different)}; what "
        f"was published before stays; materialize {path} again"
        if different
        else None,
        metadata={"different": different},
    )
