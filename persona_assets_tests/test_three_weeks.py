"""Three weeks under the scheduler: days out of order, late rows, a day again, one that never comes.

`three_weeks.py` moves the clock, asks the sensor, the schedule and the conditions as the daemon
does, and executes what they request. At the end tables hold what one run over the same files makes,
and what the UI shows is true.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

OUT_OF_ORDER, MISSING, LATE_ROWS = "2025-01-09", "2025-01-15", "2025-01-08"
THE_SAME, CORRECTED = "2025-01-14", "2025-01-16"
LATE_ROWS_COME = "2025-01-21"
DAILY = ("raw/events", "mart/user_item_interactions", "mart/sessions", "features/user_daily")
WEEKLY = ("segmentation/customer_features", "models/popularity_model")
WHEN_KNOWN = "raw/user_history"
"""Says when people became known, which is another day where all come in one delivery."""


pytestmark = pytest.mark.timeout(1800)  # fifty small runs, on a machine that may be busy


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the script found; see there."""
    script = Path(__file__).parent / "three_weeks.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path_factory.mktemp("three_weeks"))],
        env=os.environ | {"PYTHONPATH": str(script.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def test_tables_are_those_of_one_whole_run(weeks: Mapping[str, Any]) -> None:
    tables, whole = dict(weeks["tables"]), dict(weeks["whole"])
    tables.pop(WHEN_KNOWN), whole.pop(WHEN_KNOWN)
    assert len(tables["models/popularity_model"]) == 3
    assert tables == whole


def test_a_daily_table_is_computed_once_for_each_delivery(weeks: Mapping[str, Any]) -> None:
    """Once more for a day that came late, with more rows, or corrected; not where it is the same.

    The schedule finds a day that has not come yet empty, which is how its absence is noticed.
    """
    again = {OUT_OF_ORDER: 2, LATE_ROWS: 2, CORRECTED: 2}
    made = Counter({(path, key): 0 for path, key, *_ in weeks["made"]})
    for path, key, _, times in weeks["made"]:
        made[path, key] += times
    for path in DAILY:
        assert {
            key: times for (each, key), times in made.items() if each == path and times > 1
        } == again, path
    assert THE_SAME in weeks["tables"]["raw/events"]
    assert not [each for each in weeks["made"] if each[3] > 1], "made twice on one day"


def test_the_schedule_ingests_the_days_of_which_no_file_has_come(weeks: Mapping[str, Any]) -> None:
    left_alone = {message[:10] for message in weeks["skipped"]}
    assert not left_alone & {OUT_OF_ORDER, MISSING}
    assert len(left_alone) == 21 - 2


def test_late_rows_reach_everything_that_reads_them(weeks: Mapping[str, Any]) -> None:
    then = {(path, key) for path, key, day, _ in weeks["made"] if day == LATE_ROWS_COME}
    newest = "2025-01-20"
    assert {key for path, key in then if path == "mart/sessions"} == {LATE_ROWS, newest}
    days = {f"2025-01-{day:02}" for day in range(8, 21)}
    assert {key for path, key in then if path == "feature_store/user_features"} == days


def test_models_are_trained_on_mondays_and_again_on_the_next_after_late_rows(
    weeks: Mapping[str, Any],
) -> None:
    for path in WEEKLY:
        assert [(key, day) for each, key, day, _ in weeks["made"] if each == path] == [
            ("2025-01-13", "2025-01-13"), ("2025-01-13", "2025-01-27"),
            ("2025-01-20", "2025-01-20"), ("2025-01-20", "2025-01-27"),
            ("2025-01-27", "2025-01-27"),
        ]  # fmt: skip


def test_what_the_ui_shows_is_true(weeks: Mapping[str, Any]) -> None:
    state = weeks["state"]
    assert state["missing"] == {}
    assert state["stale"] == {}
    assert [each for each in state["checks"] if each[3] != "SUCCEEDED"] == [
        ["raw/events", "delivered", MISSING, "FAILED"]
    ]
