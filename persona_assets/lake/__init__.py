"""Delta tables on disk or in an object store: reading, overwriting partitions, time travel.

Knows contracts (`tables/`) and frames; knows neither Dagster nor what any table means.
"""

from persona_assets.lake.commit import Commit
from persona_assets.lake.store import DeltaStore, Written

__all__ = ["Commit", "DeltaStore", "Written"]
