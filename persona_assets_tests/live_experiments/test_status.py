"""`persona experiment status` over a lake that has the tables."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from persona_assets.cli.main import main
from persona_assets.lake import DeltaStore
from persona_assets.tables.live_experiments import TABLES
from persona_assets_tests.live_experiments.test_verdict import END, START, golden, made, shown

TOML = f"""
[spring]
start = {START}
end = {END}
users = 1000
arms = {{ control = "popularity", challenger = "als" }}

[later]
start = {END}
days = 7
users = 50
arms = {{ control = "popularity", challenger = "als" }}
"""


def asked(monkeypatch: pytest.MonkeyPatch, capsys: Any, home: Path, *options: str) -> str:
    monkeypatch.setenv("PERSONA_HOME", str(home))
    monkeypatch.setattr("sys.argv", ["persona", "experiment", "status", *options])
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    assert code in (0, None)
    return str(capsys.readouterr().out)


def test_users_days_and_verdict_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert "no experiment is declared" in asked(monkeypatch, capsys, tmp_path)
    (tmp_path / "experiments.toml").write_text(TOML)
    lists, purchases = golden()
    lists.append(shown("u0", "challenger", START + timedelta(days=9)))
    exposed, metrics, outcome = made(lists, purchases)
    store = DeltaStore(str(tmp_path / "lake"))
    frames = (exposed, metrics, outcome.results.rows, outcome.verdicts.rows)
    for table, frame in zip(TABLES, frames, strict=True):
        store.overwrite(table, frame)
    later, spring = json.loads(asked(monkeypatch, capsys, tmp_path, "--json"))
    assert (spring["days"], spring["planned_days"], spring["users"]) == (10, 10, 1_199)
    assert spring["arms"] == {
        "control": {"model": "popularity", "users": 599},
        "challenger": {"model": "als", "users": 600},
    }
    assert (spring["excluded_users"], spring["decision"], spring["running"]) == (1, "ship", False)
    assert (later["users"], later["decision"], later["days"]) == (0, None, 0)
    text = asked(monkeypatch, capsys, tmp_path)
    assert f"spring: day 10 of 10 from {START}, as of {END}" in text
    assert "control (popularity): 599 users" in text
    assert spring["verdict"] in text
