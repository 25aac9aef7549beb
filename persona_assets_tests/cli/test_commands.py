"""The `persona` command: what bad input is answered with, and what a second run does.

Every refusal is one message that names the thing and the remedy, with an exit code, and leaves the
home as it was. Refusals that come before the graph is loaded are tested in this process, the others
in one of their own, as at a prompt.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets import settings as settings_module
from persona_assets.cli.home_source import refuse_other_source
from persona_assets.cli.main import main
from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore
from persona_assets.settings import Settings, SourceSettings
from persona_assets.tables import TABLES, raw

MAPPING = """\
[events]
file = "events.csv"
user_id = "who"
product_id = "what"
event_type = "kind"
timestamp = "when"
unit_price = "price"

[events.constants]
consent = true
"""
HEADER = "who,what,kind,when,price\n"
GOOD_ROW = "u1,p1,view,2025-01-01T10:00:00Z,5\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that does not exist yet, and an environment that is put back."""
    home = tmp_path / "home"
    monkeypatch.setenv("PERSONA_HOME", str(home))
    for name in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    yield home


@pytest.fixture
def refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """refused(*arguments) → the message of a command that must fail and change nothing."""

    def run(*arguments: str) -> str:
        before = snapshot(home)
        monkeypatch.setattr(sys, "argv", ["persona", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        assert stopped.value.code not in (0, None)
        assert "Traceback" not in printed.err
        assert printed.out == ""
        assert snapshot(home) == before
        return " ".join(printed.err.split())

    return run


def snapshot(folder: Path) -> dict[str, int] | str | None:
    if folder.is_file():
        return folder.read_text()
    return (
        {
            str(path.relative_to(folder)): path.stat().st_mtime_ns
            for path in folder.rglob("*")
            if path.is_file()
        }
        if folder.exists()
        else None
    )


@pytest.fixture
def delivery(tmp_path: Path) -> Callable[..., list[str]]:
    """delivery(rows[, mapping]) → arguments that run a shop from a file with these rows."""

    def deliver(rows: str, mapping: str = MAPPING, name: str = "events.csv") -> list[str]:
        folder = tmp_path / "delivery"
        folder.mkdir()
        (folder / name).write_text(rows)
        (folder / "mapping.toml").write_text(mapping)
        return ["run", "--source", "files", "--path", str(folder), "--mapping",
                str(folder / "mapping.toml")]  # fmt: skip

    return deliver


SYNTHETIC = ("run", "--source", "synthetic")


@pytest.mark.parametrize(
    ("arguments", "named", "remedy"),
    [
        (("run", "--source", "nowhere"), "no source 'nowhere'", "files, online_retail, synthetic"),
        (("run",), "--source", "--help"),
        (("run", "--source", "online_retail"), "needs --path", "name it"),
        (("run", "--source", "files", "--path", "/none"), "needs --mapping", "name it"),
        (
            ("run", "--source", "online_retail", "--path", "/none/retail.xlsx"),
            "/none/retail.xlsx",
            "correct the path",
        ),
        (
            ("run", "--source", "files", "--path", "/none", "--mapping", "/none.toml"),
            "/none",
            "correct the path",
        ),
        ((*SYNTHETIC, "--path", "x"), "--path does not go with --source synthetic", "leave it out"),
        (
            (*SYNTHETIC, "--start", "2025-02-01", "--end", "2025-01-01"),
            "the end 2025-01-01 is not after the start 2025-02-01",
            "pass an --end after --start",
        ),
        ((*SYNTHETIC, "--start", "01.02.2025"), "01.02.2025", "%Y-%m-%d"),
        ((*SYNTHETIC, "--k", "-5"), "got -5", "pass a positive --k"),
        ((*SYNTHETIC, "--k", "many"), "'many'", "--k"),
        ((*SYNTHETIC, "--weeks", "0"), "--weeks is 0", "at least 1 week"),
        ((*SYNTHETIC, "--users", "0"), "users is 0", "choose 1 or a larger number"),
        ((*SYNTHETIC, "--exclude", "everything"), "'everything'", "bought"),
        ((*SYNTHETIC, "--model", "x"), "--model", "--help"),
        (("recommend",), "recommend", "--help"),
        (("report",), "there is no home at", "run `persona demo` first"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_bad_arguments_are_named_with_the_remedy(
    arguments: tuple[str, ...], named: str, remedy: str, refused: Callable[..., str], home: Path
) -> None:
    message = refused(*arguments)
    assert named in message
    assert remedy in message
    assert not home.exists()


@pytest.mark.parametrize(
    ("rows", "mapping", "named"),
    [
        ("", MAPPING, "all files of [events] file = events.csv are empty"),
        (HEADER, MAPPING, "events.csv"),
        (HEADER + GOOD_ROW, MAPPING.replace('"who"', '"visitor"'), "visitor"),
        (HEADER + GOOD_ROW, MAPPING.replace("user_id", "usr_id"), "usr_id"),
        (HEADER + GOOD_ROW, MAPPING.replace("consent = true", ""), "consent"),
        (HEADER + GOOD_ROW, "[events\n", "mapping.toml is not TOML"),
        (HEADER + GOOD_ROW, MAPPING.replace("events.csv", "clicks.csv"), "clicks.csv"),
        (HEADER + GOOD_ROW.replace("2025-01-01T10:00:00Z", "noon"), MAPPING, "'noon'"),
    ],
    ids=["0 bytes", "no rows", "column not there", "unknown key", "consent not stated", "no TOML",
         "file not there", "no readable time"],
)  # fmt: skip
@pytest.mark.parametrize("calendar", [(), ("--start", "2025-01-01", "--end", "2025-01-20")])
def test_bad_file_or_mapping_is_named_before_anything_is_made(
    rows: str, mapping: str, named: str, calendar: tuple[str, ...],
    refused: Callable[..., str], delivery: Callable[..., list[str]], home: Path,
) -> None:  # fmt: skip
    assert named in refused(*delivery(rows, mapping), *calendar)
    assert not home.exists()


def test_unreadable_workbook_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    workbook = tmp_path / "retail.xlsx"
    workbook.write_bytes(b"this is no workbook")
    message = refused("run", "--source", "online_retail", "--path", str(workbook))
    assert "retail.xlsx" in message
    assert "Excel" in message


def test_file_in_place_of_the_home_is_named(refused: Callable[..., str], home: Path) -> None:
    home.write_text("I am a file")
    assert f"PERSONA_HOME {home} is not a folder; name another" in refused(*SYNTHETIC)


def test_unknown_variable_is_named_with_the_nearest(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("PERSONA_TOPK", "10")
    assert "PERSONA_TOPK in the environment; unset it, or did you mean PERSONA_TOP_K?" in refused(
        *SYNTHETIC
    )
    assert not home.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--users", "151"),
        ("--users", "150", "--start", "2024-12-31"),
        ("--users", "150", "--end", "2025-01-20"),
    ],
)
def test_home_of_another_shop_is_left_alone(
    arguments: tuple[str, ...], refused: Callable[..., str], home: Path
) -> None:
    begin_home(home, {"users": 150}, days=[date(2025, 1, 1), date(2025, 1, 28)])
    message = refused(*SYNTHETIC, *arguments)
    assert "holds source synthetic from 2025-01-01 to 2025-01-29" in message
    assert "set PERSONA_HOME to another folder" in message


def begin_home(home: Path, options: dict[str, Any], days: list[date], **source: Any) -> None:
    """A home with settings of a source, and a raw event on each of `days`."""
    settings = Settings(home=home, source=replace(SOURCE, options=options, **source))
    settings_module.save(settings)
    if days:
        rows = [{"event_date": day, "source_row": 0} for day in days]
        frame = pl.DataFrame(rows, schema=raw.EVENTS.polars_schema)
        DeltaStore(settings.lake_root).overwrite(raw.EVENTS, frame, partitions=days)


SOURCE = SourceSettings("synthetic", date(2025, 1, 1), date(2025, 1, 29))


def other(**changes: Any) -> SourceSettings:
    return replace(SOURCE, **changes)


@pytest.mark.parametrize(
    "source",
    [
        other(options={"users": 1}),
        other(name="files", options={"path": "/a", "mapping": "/m"}),
        other(end=date(2025, 1, 10)),
    ],
)
def test_home_without_rows_belongs_to_nobody_yet(source: SourceSettings, home: Path) -> None:
    """A wrong first run, or a file that had to be corrected, needs no new home."""
    begin_home(home, {"users": 150}, days=[])
    refuse_other_source(settings_module.load(), source)


def test_files_of_the_same_path_are_the_same_shop(home: Path) -> None:
    held = {"path": "/exports", "mapping": "/wrong.toml"}
    begin_home(home, held, days=[date(2025, 1, 5), date(2025, 1, 20)], name="files")
    before = settings_module.load()
    files = other(name="files", options={"path": "/exports", "mapping": "/right.toml"})
    refuse_other_source(before, files)
    refuse_other_source(before, replace(files, start=date(2025, 1, 5), end=date(2025, 1, 21)))
    for calendar in ({"start": date(2025, 1, 6)}, {"end": date(2025, 1, 20)}):
        with pytest.raises(UserError, match=r"1 day\(s\) .* outside the calendar"):
            refuse_other_source(before, replace(files, **calendar))
    with pytest.raises(UserError, match="two shops in one lake would mix"):
        refuse_other_source(before, replace(files, options={"path": "/others", "mapping": "/m"}))


def test_settings_that_are_no_toml_are_named(refused: Callable[..., str], home: Path) -> None:
    home.mkdir()
    (home / "persona.toml").write_text("[source\n")
    message = refused("report")
    assert "persona.toml is not valid TOML" in message
    assert "correct or delete it" in message


@pytest.fixture
def copied_home(whole: Any, home: Path) -> Path:
    """A copy of a complete home, without the record of runs, which knows where it lies."""
    shutil.copytree(whole.settings.home, home, ignore=shutil.ignore_patterns("dagster"))
    return home


Start = Callable[..., Any]
THE_SHOP = (
    *SYNTHETIC, "--start", "2025-01-01", "--end", "2025-01-29", "--users", "150",
    "--products", "80", "--seed", "7",
)  # fmt: skip


def failed(process: Any) -> str:
    output, errors = process.communicate(timeout=1_200)
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors + output
    return " ".join(errors.split())


def test_corrupt_delta_log_is_named_with_the_remedy(
    copied_home: Path, start_persona: Start
) -> None:
    log = copied_home / "lake" / "mart" / "sessions" / "_delta_log"
    for commit in log.glob("*.json"):
        commit.write_text("{ not a commit")
    before = snapshot(copied_home / "lake")
    message = failed(start_persona(copied_home, *THE_SHOP))
    assert "mart/sessions: the Delta log at" in message
    assert "move it aside and materialize the asset again" in message
    assert snapshot(copied_home / "lake") == before


def test_table_with_another_schema_is_named_with_the_column(
    copied_home: Path, start_persona: Start
) -> None:
    table = TABLES["mart/sessions"]
    shutil.rmtree(copied_home / "lake" / table.path)
    pl.DataFrame({"event_date": [date(2025, 1, 1)], "mood": ["good"]}).write_delta(
        str(copied_home / "lake" / table.path), delta_write_options={"partition_by": ["event_date"]}
    )
    before = snapshot(copied_home / "lake")
    message = failed(start_persona(copied_home, *THE_SHOP))
    assert "mart/sessions: the table at" in message
    assert "mood: stored string, contract nothing" in message
    assert "move that folder aside" in message
    assert snapshot(copied_home / "lake") == before


def test_file_with_nothing_but_bad_rows_is_refused_with_their_rules(
    home: Path, delivery: Callable[..., list[str]], start_persona: Start
) -> None:
    """Nothing is made, whatever share is put up with."""
    rows = [
        f"u{number % 20},p1,purchase,2025-01-{number % 12 + 1:02d}T10:{number:02d}:00Z,-5"
        for number in range(60)
    ]
    shop = delivery(HEADER + "\n".join(rows) + "\n")
    refusal = failed(start_persona(home, *shop))
    assert "60 of 60 rows (100.0 %) would be rejected: negative_price 60" in refusal
    assert snapshot(home) is None
    message = failed(start_persona(home, *shop, "--most-rejected", "1"))
    assert "none of the 60 rows would enter the mart: negative_price 60" in message
    assert "--most-rejected" not in message
    assert snapshot(home) is None


def test_partition_before_the_source_begins_is_named(open_graph: Callable[..., Any]) -> None:
    from dagster import DagsterInvariantViolationError
    from dagster._core.errors import DagsterUnknownPartitionError

    graph = open_graph()
    with pytest.raises(
        (DagsterUnknownPartitionError, DagsterInvariantViolationError), match="2024-12-31"
    ):
        graph.run("ingestion", "2024-12-31")
    assert not (graph.settings.home / "lake").exists()


def test_second_run_with_nothing_changed_does_no_work_and_says_so(
    whole: Any, start_persona: Start
) -> None:
    versions = {path: whole.store.version(table) for path, table in TABLES.items()}
    process = start_persona(whole.settings.home, *THE_SHOP)
    output, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors
    assert "Nothing changed since the last run: no work done." in errors
    assert "popularity" in output  # the report is shown all the same
    assert {path: whole.store.version(table) for path, table in TABLES.items()} == versions


def test_report_as_json_is_json_and_nothing_else(whole: Any, start_persona: Start) -> None:
    process = start_persona(whole.settings.home, "report", "--json")
    output, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors
    assert isinstance(json.loads(output), dict)
