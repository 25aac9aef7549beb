"""Showing how far a run is.

Belongs here: a rich progress bar fed by the stopwatch. It measures nothing itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from persona_assets.orchestration.resources.stopwatch import STOPWATCH, silent
from persona_assets.orchestration.runs.plan import PlannedRun

_DOING = {"read": "reading for", "compute": "computing", "write": "writing", "check": "checking"}


@contextmanager
def progress_of(
    planned: Sequence[PlannedRun], defs: dg.Definitions, console: Console
) -> Iterator[None]:
    """A bar over the assets of `planned` while the block runs."""
    assets = {
        key.to_user_string()
        for run in planned
        if not run.in_subprocess  # the stopwatch of another process is not heard here
        for key in defs.resolve_job_def(run.job).asset_layer.selected_asset_keys
        if run.assets is None or key.to_user_string() in run.assets
    }
    done: set[str] = set()
    with Progress(
        TextColumn("{task.description:<52}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("starting", total=len(assets))

        def listen(asset: str, phase: str, seconds: float) -> None:
            if phase == "write" and seconds:
                done.add(asset)
            progress.update(task, description=f"{_DOING[phase]} {asset}", completed=len(done))

        STOPWATCH.listener = listen
        try:
            yield
        finally:
            STOPWATCH.listener = silent
