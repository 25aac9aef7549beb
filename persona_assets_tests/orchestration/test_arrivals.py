"""Files that arrive are ingested once, when they are whole, for every day that they change."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from persona_assets.orchestration.arrivals import (
    RANGE_END,
    RANGE_START,
    files_digest,
    look,
    ranges,
    requests,
)
from persona_assets.orchestration.runs.due import Reason

LOOK = """\
import sys
import dagster as dg
from persona_assets.definitions import defs

sensor = defs.resolve_sensor_def("arriving_files")
with dg.DagsterInstance.ephemeral() as instance:
    cursor = None
    for _ in range(3):
        with dg.build_sensor_context(instance=instance, cursor=cursor, definitions=defs) as context:
            result = sensor(context)
        cursor = result.cursor
        asked = [
            (each.tags["dagster/asset_partition_range_start"],
             each.tags["dagster/asset_partition_range_end"])
            for each in result.run_requests or ()
        ]
        print(asked or result.skip_reason.skip_message)
"""


def test_files_are_waited_for_and_asked_for_once(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("half")
    seen, wait = look(None, files_digest(tmp_path))
    assert "waiting" in wait
    file.write_text("half and the rest")
    seen, wait = look(seen.cursor(), files_digest(tmp_path))
    assert "waiting" in wait
    seen, wait = look(seen.cursor(), files_digest(tmp_path))
    assert not wait
    seen, wait = look(seen.cursor(), files_digest(tmp_path))
    assert wait == "no file has arrived or changed"
    file.touch()
    os.utime(file, ns=(1, 1))
    assert "waiting" in look(seen.cursor(), files_digest(tmp_path))[1]


def test_days_without_gaps_are_one_run() -> None:
    days = ["2025-02-28", "2025-03-01", "2025-03-03", "2025-01-10"]
    assert list(ranges(days)) == [
        ("2025-01-10", "2025-01-10"),
        ("2025-02-28", "2025-03-01"),
        ("2025-03-03", "2025-03-03"),
    ]
    assert list(ranges([])) == []


def test_a_changed_catalogue_alone_is_a_run_without_days() -> None:
    (asked,) = requests({"raw/products": {"": Reason.DELIVERED}}, "digest")
    assert asked.asset_selection == [dg.AssetKey(["raw", "products"])]
    assert RANGE_START not in asked.tags
    assert requests({}, "digest") == []


def test_each_table_is_asked_for_once_and_only_where_it_changes() -> None:
    changed = {
        "raw/products": {"": Reason.DELIVERED},
        "raw/events": {"2025-01-02": Reason.MISSING, "2025-01-05": Reason.DELIVERED},
        "raw/orders": {"2025-01-02": Reason.MISSING},
    }
    asked = {
        (each.tags[RANGE_START], each.tags[RANGE_END]): [
            "/".join(key.path) for key in each.asset_selection or ()
        ]
        for each in requests(changed, "digest")
    }
    assert asked == {
        ("2025-01-02", "2025-01-02"): ["raw/events", "raw/orders", "raw/products"],
        ("2025-01-05", "2025-01-05"): ["raw/events"],
    }


@pytest.mark.parametrize("live", [True, False])
def test_the_sensor_asks_for_the_days_of_a_live_home(tmp_path: Path, live: bool) -> None:
    first = datetime.now(UTC).date() - timedelta(days=3)
    shop, home = tmp_path / "shop", tmp_path / "home"
    shop.mkdir()
    home.mkdir()
    rows = "".join(f"u{n},p{n},view,{first}T10:00:0{n}Z\n" for n in range(5))
    (shop / "events.csv").write_text(f"who,what,kind,when\n{rows}")
    (tmp_path / "shop.toml").write_text(
        '[events]\nfile = "events.csv"\nuser_id = "who"\nproduct_id = "what"\n'
        'event_type = "kind"\ntimestamp = "when"\n[events.constants]\nconsent = true\n'
    )
    end = "" if live else f"end = {first + timedelta(days=3)}\n"
    (home / "persona.toml").write_text(
        f'[source]\nname = "files"\nstart = {first}\n{end}[source.options]\n'
        f'path = "{shop}"\nmapping = "{tmp_path / "shop.toml"}"\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        env={**os.environ, "PERSONA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout.splitlines()
    if not live:
        assert all("open calendar" in line for line in said)
        return
    assert "waiting" in said[0]
    assert said[1].startswith(f"[('{first}', '")
    assert said[2] == "no file has arrived or changed"
