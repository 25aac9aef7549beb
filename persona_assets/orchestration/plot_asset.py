"""Plots of an asset: as files under the home, and inline in the UI.

Only weekly and unpartitioned assets draw: Dagster copies metadata onto every partition of a range.
"""

import base64
from typing import TYPE_CHECKING

import dagster as dg

from persona_assets.orchestration.outputs import asset_key
from persona_assets.orchestration.resources.lake import LakeIOManager
from persona_assets.plotting import png
from persona_assets.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(
    context: dg.AssetExecutionContext,
    lake: LakeIOManager,
    table: Table,
    figure: "Figure",
    name: str = "plot",
) -> None:
    """Save `figure` below the home's plots and show it on the asset's page."""
    image = png(figure)
    path = lake.plots / table.group / f"{table.name}_{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image)
    inline = f"![{name}](data:image/png;base64,{base64.b64encode(image).decode()})"
    context.add_asset_metadata(
        {name: dg.MetadataValue.md(inline), f"{name}_file": dg.MetadataValue.path(str(path))},
        asset_key=asset_key(table),
    )
