"""The command `persona ui`: Dagster's web UI and daemon over the home.

Belongs here: starting and ending both together. Does not belong here: the instance they use
(`orchestration/resources/instance.py`).
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from persona_assets import settings as settings_module
from persona_assets.cli.output import messages

_POLL_SECONDS = 0.5


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=3000, show_default=True)
def ui(host: str, port: int) -> None:
    """Dagster's web UI and daemon over the home."""
    from persona_assets.orchestration.resources import instance

    current = settings_module.load()
    instance.prepare(current.home)
    workspace = str(instance.workspace(current.home))
    os.environ["PERSONA_HOME"] = str(current.home)
    binaries = Path(sys.executable).parent
    processes = [
        subprocess.Popen([str(binaries / command), *arguments, "-w", workspace])  # noqa: S603
        for command, *arguments in (
            ("dagster-daemon", "run"),
            ("dagster-webserver", "-h", host, "-p", str(port)),
        )
    ]
    messages.print(f"UI on http://{host}:{port} over {current.home}; Ctrl-C ends it")

    def stop(*_: object) -> None:
        for process in processes:
            process.terminate()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    # One without the other is of no use: whichever ends first ends both.
    while all(process.poll() is None for process in processes):
        time.sleep(_POLL_SECONDS)
    stop()
    sys.exit(max(0, *(process.wait() for process in processes)))
