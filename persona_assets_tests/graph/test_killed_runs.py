"""Promise 6: a run that is killed leaves whole partitions or none, and the next run completes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("kill", [0, 1, 2])
def test_no_table_holds_half_a_partition_after_a_kill(kill: int, survivor: Any, whole: Any) -> None:
    found = survivor.after_kills[kill]
    assert found
    for path, partitions in found.items():
        # A table may have been made and not yet filled: then it has no partition at all.
        for key, hash_ in partitions.items():
            empty = key == "" and hash_.startswith("0-")
            assert empty or hash_ == whole.hashes[path][key], f"{path} {key}"


def test_the_kills_came_at_different_points(survivor: Any, whole: Any) -> None:
    made = [len(found) for found in survivor.after_kills]
    assert made == sorted(set(made))
    assert made[-1] < len(whole.hashes)


def test_run_after_the_kills_ends_well(survivor: Any) -> None:
    assert survivor.exit_code == 0, survivor.stderr
    assert "popularity" in survivor.stdout
    assert (survivor.home / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("command", ["run", "maintenance", "rekey", "restate"])
def test_command_beside_a_run_is_refused_with_who_is_at_work(command: str, survivor: Any) -> None:
    code, output, errors = survivor.rivals[command]
    assert code == 1
    assert output == ""
    said = errors.splitlines()[-1]  # it may have closed the Dagster run of a killed one before
    assert "`persona run` (process " in said
    assert f"is at work in the home {survivor.home}; wait for it" in said


def test_tables_after_kills_and_rivals_are_those_of_one_run(
    survivor: Any, whole: Any, open_graph_of_home: Callable[[Path], Any]
) -> None:
    with open_graph_of_home(survivor.home) as graph:
        assert graph.hashes() == whole.hashes
