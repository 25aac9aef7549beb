"""The sweep of a segmentation in MLflow: a run for each clustering that was tried.

Belongs here: which columns are parameters, metrics and tags. Does not belong here: MLflow
(`lifecycle/tracking.py`); what is tracked is in `segmentation/clustering_comparison` as well.
"""

from dataclasses import asdict

import polars as pl

from persona_assets.lifecycle.tracking import Tracker
from persona_assets.segmentation.trained import CustomerSegments

MEASURED = (
    "silhouette", "calinski_harabasz", "davies_bouldin", "gap", "gap_se", "stability",
    "stability_low", "stability_high", "smallest_share", "noise_share",
)  # fmt: skip


def track_comparison(uri: str, comparison: pl.DataFrame, segmentation: CustomerSegments) -> None:
    """Write the sweep of a cut-off to the experiment `persona/customer_segments`.

    Parameters of a run are those of the configuration with the method and k that were tried; the
    tag `chosen` tells which one makes the segments. A cut-off that is segmented again adds runs.

    Args:
        uri: tracking server or store.
        comparison: rows of `segmentation/clustering_comparison`.
        segmentation: with the configuration that they were made with.

    Raises:
        UserError: MLflow is not installed.
        InfrastructureError: the tracking server does not take it.
    """
    tracker = Tracker(uri, segmentation.name)
    configured = asdict(segmentation.config)
    for row in comparison.sort("cutoff", "method", "k").iter_rows(named=True):
        tracker.run(
            f"{row['cutoff']} {row['method']} {row['k']}",
            parameters=configured | {"method": row["method"], "k": row["k"]},
            metrics={name: row[name] for name in MEASURED},
            tags={"model": segmentation.name, "cutoff": row["cutoff"], "chosen": row["chosen"]},
        )
