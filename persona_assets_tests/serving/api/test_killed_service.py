"""A service that is killed while events are posted loses none that it acknowledged."""

import os
import subprocess
import sys
from pathlib import Path

import persona_assets

ROOT = Path(persona_assets.__file__).parent.parent


def test_every_acknowledged_event_is_in_the_lake_once_after_kills() -> None:
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "performance" / "event_kills.py",
            "--kills",
            "2",
            "--longest",
            "0.5",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kills: 0 differences" in done.stdout
