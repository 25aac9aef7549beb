"""Garbage in, one message out: a finished home of which something was damaged, or a full disk."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from persona_assets_tests.cli.conftest import contents, only_message

SHOP = (
    "run", "--source", "synthetic", "--start", "2025-01-01", "--end", "2025-01-29",
    "--users", "150", "--products", "80", "--seed", "7",
)  # fmt: skip
LIST = ("recommend", "u1")
LISTS = ("export", "top_k", "--format", "csv", "--out", "lists.csv")
CLEAN = ("maintenance",)
GARBAGE = bytes(range(255, 0, -1)) * 40
DEEP = "[" * 100_000


def log_of(home: Path, table: str) -> list[Path]:
    return sorted((home / "lake" / table / "_delta_log").glob("*.json"))


def half_a_commit(*tables: str) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        for table in tables:
            newest = log_of(home, table)[-1]
            newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])

    return damage


def no_first_commit(*tables: str) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        for table in tables:
            log_of(home, table)[0].unlink()

    return damage


def file_instead(name: str) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        shutil.rmtree(home / name, ignore_errors=True)
        (home / name).write_text("I am a file")

    return damage


def holds(name: str, content: bytes) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        (home / name).write_bytes(content)

    return damage


def folder_instead(name: str) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        (home / name).unlink(missing_ok=True)
        (home / name).mkdir()

    return damage


DAMAGES: dict[str, tuple[Callable[[Path], None], str, tuple[tuple[str, ...], ...]]] = {
    "runs.db": (
        holds("dagster/history/runs.db", GARBAGE), "the record of runs in", (SHOP, CLEAN),
    ),
    "event log": (
        holds("dagster/history/runs/index.db", GARBAGE), "the record of runs in", (SHOP, CLEAN),
    ),
    "dagster.yaml, bytes": (
        holds("dagster/dagster.yaml", b"\xff{"), "dagster.yaml cannot be used", (SHOP, CLEAN),
    ),
    "dagster.yaml, half": (
        holds("dagster/dagster.yaml", b"a: [\n"), "dagster.yaml cannot be used", (SHOP, CLEAN),
    ),
    "dagster.yaml, a class": (
        holds("dagster/dagster.yaml", b"run_storage: {module: nowhere, class: X, config: {}}"),
        "dagster.yaml cannot be used", (SHOP, CLEAN),
    ),
    "dagster": (file_instead("dagster"), "dagster.yaml", (SHOP, CLEAN)),
    "last run": (holds("last_run.json", DEEP.encode()), "is not a run record", (SHOP,)),
    "last run, another": (
        holds("last_run.json", b'{"checks": 5}'), "is not a run record", (SHOP, ("report",)),
    ),
    "lock": (folder_instead("in_use.lock"), "cannot write to the home", (SHOP, CLEAN)),
    "half a commit": (
        half_a_commit("recommendations/top_k", "models/registry"), "the Delta log at",
        (SHOP, LIST, LISTS, ("models",)),
    ),
    "no first commit": (
        no_first_commit("recommendations/top_k"), "the Delta log at", (SHOP, LIST, LISTS),
    ),
    "no first commit of raw": (no_first_commit("raw/users"), "raw/users: the Delta log", (SHOP,)),
}  # fmt: skip


@pytest.fixture
def home(whole: Any, tmp_path: Path) -> Path:
    """A copy of a finished home."""
    return Path(shutil.copytree(whole.settings.home, tmp_path / "home"))


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_one_message_and_nothing_is_interacted_with(
    what: str, home: Path, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    damage, named, commands = DAMAGES[what]
    damage(home)
    monkeypatch.chdir(tmp_path)
    for command in commands:
        assert named in refusal(home, *command)


def persona(home: Path, before: Callable[[], object], *arguments: str) -> tuple[str, str, int]:
    """Output, errors and exit code of the command as a process that has called `before`."""
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    package = str(Path(__file__).parents[2])
    process = subprocess.run(
        [sys.executable, "-m", "persona_assets.cli", *arguments],
        env=inherited | {"PERSONA_HOME": str(home), "PYTHONPATH": package},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=1_200,
        preexec_fn=before,
    )
    return process.stdout, process.stderr, process.returncode


def no_file_above(size: int) -> Callable[[], None]:
    """A disk on which no file can grow beyond `size` bytes: writing ends as on a full one."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def of_the_lake(home: Path) -> dict[str, str]:
    return contents(home / "lake")


@pytest.mark.parametrize("size", [0, 4_000, 200_000])
def test_a_disk_without_room_ends_a_run_with_one_message_and_leaves_the_lake(
    size: int, home: Path, whole: Any, open_graph_of_home: Callable[[Path], Any]
) -> None:
    said = only_message(*persona(home, no_file_above(size), *SHOP, "--all"))
    assert "room" in said or "cannot write" in said
    with open_graph_of_home(home) as graph:
        assert graph.hashes() == whole.hashes


@pytest.mark.parametrize("command", [LISTS, ("restate", "products"), ("promote", "popularity")])
def test_a_disk_without_room_ends_other_commands_with_one_message(
    command: tuple[str, ...], home: Path
) -> None:
    before = of_the_lake(home)
    only_message(*persona(home, no_file_above(0), *command))
    assert of_the_lake(home).items() >= before.items()
    assert not (home.parent / "lists.csv").exists()


_PR_CAPBSET_DROP = 24
_OVERRIDES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def heed_permissions() -> None:
    """Without this, root may write where permissions say that nobody may."""
    for capability in _OVERRIDES:
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, capability)


@pytest.mark.skipif(sys.platform != "linux", reason="drops capabilities of Linux")
@pytest.mark.parametrize("part", ["lake", "."])
@pytest.mark.parametrize("command", [(*SHOP, "--all"), CLEAN], ids=["run", "maintenance"])
def test_what_may_only_be_read_is_named_and_left(
    part: str, command: tuple[str, ...], home: Path
) -> None:
    before = of_the_lake(home)
    folders = [each for each in [home / part, *(home / part).rglob("*")] if each.is_dir()]
    for folder in folders:
        folder.chmod(0o500)
    try:
        output, errors, code = persona(home, heed_permissions, *command)
    finally:
        for folder in folders:
            folder.chmod(0o700)
    said = only_message(output, errors, code)
    assert "ermission" in said
    assert of_the_lake(home) == before
