"""The checks of partitioned assets are executed from the UI, alone and all together."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

DAYS = ["2025-01-01", "2025-01-02", "2025-01-03"]
HOME = """\
[source]
name = "synthetic"
start = 2025-01-01
end = 2025-01-29

[source.options]
users = 60
products = 30
"""
OF_EVENTS = ("contract", "delivered", "volume")
OF_THE_MART = ("conservation", "contract", "quarantine_share", "volume")
WITHOUT_DAYS = "event_time_freshness"


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What was launched → how it ended: `path/check`, `path` for all checks of an asset."""
    home = tmp_path_factory.mktemp("home")
    (home / "persona.toml").write_text(HOME, encoding="utf-8")
    script = Path(__file__).parent / "execute_in_ui_process.py"
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PERSONA_HOME": str(home), "PYTHONPATH": str(script.parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: Mapping[str, Any] = json.loads(done.stdout)
    assert found["materialize"]["status"] == "SUCCESS"
    return found


def evaluated(outcome: Mapping[str, Any]) -> dict[tuple[str, str], bool]:
    return {(check, partition): passed for check, partition, passed, _ in outcome["evaluations"]}


def test_every_result_is_about_a_materialization(launched: Mapping[str, Any]) -> None:
    """Otherwise the UI shows the check as not yet executed."""
    for launch, outcome in launched.items():
        made = "models/" not in launch
        assert all(evaluated is made for *_, evaluated in outcome["evaluations"]), launch


@pytest.mark.parametrize(
    ("path", "check"),
    [
        *(("raw/events", check) for check in OF_EVENTS),
        *(("mart/user_item_interactions", check) for check in OF_THE_MART),
    ],
)
def test_a_check_alone_evaluates_every_materialized_day(
    path: str, check: str, launched: Mapping[str, Any]
) -> None:
    outcome = launched[f"{path}/{check}"]
    assert outcome["status"] == "SUCCESS"
    assert evaluated(outcome) == {(check, day): True for day in ["", *DAYS]}


@pytest.mark.parametrize(
    ("path", "checks"), [("raw/events", OF_EVENTS), ("mart/user_item_interactions", OF_THE_MART)]
)
def test_all_checks_of_an_asset_together(
    path: str, checks: tuple[str, ...], launched: Mapping[str, Any]
) -> None:
    outcome = launched[path]
    assert outcome["status"] == "SUCCESS"
    found = evaluated(outcome)
    freshness = found.pop((WITHOUT_DAYS, ""))
    assert not freshness  # three days of four weeks: it warns
    assert found == {(check, day): True for check in checks for day in ["", *DAYS]}


def test_checks_of_what_was_never_materialized_end_well(launched: Mapping[str, Any]) -> None:
    outcome = launched["models/popularity_model"]
    assert outcome["status"] == "SUCCESS"
    assert {partition for _, partition in evaluated(outcome)} == {""}
