"""Garbage in, one message out: homes, lakes and settings that are not what they should be."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from persona_assets import settings as settings_module

LEVELS = 100_000
DEEP = "[" * LEVELS + "]" * LEVELS
UNDECODABLE = "sixteen bytes or more \udcff\udcfe"
SETTINGS = sorted(settings_module.ENVIRONMENT | {"MLFLOW_TRACKING_URI", "PERSONA_UNKNOWN"})
SYNTHETIC = ("run", "--source", "synthetic")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_is_no_text_is_named(
    name: str, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "none"
    if name == "PERSONA_HOME":
        home = Path(f"{tmp_path}/{UNDECODABLE}")
    else:
        monkeypatch.setenv(name, UNDECODABLE)
    assert name in refusal(home, *SYNTHETIC)
    assert not home.exists()


WRONG = {
    "PERSONA_STORAGE_OPTIONS": DEEP,
    "PERSONA_ENGINE": "abacus",
    "PERSONA_SPARK_CONF": '{"spark.x": {}}',
    "PERSONA_HASH_KEY": "short",
    "PERSONA_OLD_HASH_KEY": "x" * 65,
    "PERSONA_EVENT_WEIGHTS": "view=nan",
    "PERSONA_TOP_K": "1e3",
    "PERSONA_EXCLUDE": "all",
    "PERSONA_SEED": "-1",
    "PERSONA_RETENTION_DAYS": "0",
    "PERSONA_SEGMENTATION": '{"k": true}',
    "PERSONA_LOOK_BACK_DAYS": "²",
    "PERSONA_HISTORY_DAYS": "9" * 5000,
    "PERSONA_QUARANTINE_LIMIT": "inf",
    "PERSONA_NOTIFY_URL": "http://[::1",
    "PERSONA_SMTP_URL": "smtp://[::1",
    "PERSONA_NOTIFY_EMAIL": "nobody",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_of_another_kind_is_named(
    name: str, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if name == "PERSONA_SMTP_URL":
        monkeypatch.setenv("PERSONA_NOTIFY_EMAIL", "somebody@example.com")
    monkeypatch.setenv(name, WRONG[name])
    field = name.removeprefix("PERSONA_").lower()
    message = refusal(tmp_path / "none", *SYNTHETIC)
    assert name in message or field in message


TOML = """\
[source]
name = "synthetic"
start = 2025-01-01
end = 2025-01-29

[source.options]
users = 150
products = 80
seed = 7
"""
READS_SETTINGS = (
    ("models",), ("recommend", "u1"), ("maintenance",), ("report",), ("rekey", "--from-raw"),
    ("export", "top_k", "--format", "csv", "--out", "lists.csv"), SYNTHETIC,
)  # fmt: skip
SETTINGS_FILES: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "bytes": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "deep": lambda path: path.write_text("a = " + DEEP),
    "half": lambda path: path.write_text(TOML[:12]),
    "unknown": lambda path: path.write_text('mood = "good"\n' + TOML),
    "text for a number": lambda path: path.write_text('top_k = "many"\n' + TOML),
}


@pytest.mark.parametrize("command", READS_SETTINGS, ids=lambda command: command[0])
@pytest.mark.parametrize("kind", SETTINGS_FILES)
def test_a_settings_file_of_garbage_is_named(
    kind: str, command: tuple[str, ...], refusal: Callable[..., str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    SETTINGS_FILES[kind](home / "persona.toml")
    message = refusal(home, *command)
    assert "persona.toml" in message or "top_k" in message


OPTIONS = {
    "of another type": ('users = "many"', "option users of source synthetic is 'many'"),
    "unknown": ("visitors = 150", "source synthetic has no option 'visitors'"),
    "a table": ("users = {}", "option users of source synthetic is {}"),
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_an_option_of_the_source_that_cannot_be_is_named(
    kind: str, refusal: Callable[..., str], whole: Any, tmp_path: Path
) -> None:
    given, named = OPTIONS[kind]
    home = Path(shutil.copytree(whole.settings.home, tmp_path / "home"))
    (home / "persona.toml").write_text(TOML.replace("users = 150", given))
    for command in READS_SETTINGS[1], READS_SETTINGS[4], READS_SETTINGS[5]:
        assert named in refusal(home, *command)


@pytest.mark.parametrize("command", READS_SETTINGS, ids=lambda command: command[0])
def test_a_file_in_place_of_home_or_lake_is_named(
    command: tuple[str, ...], refusal: Callable[..., str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.write_text("I am a file")
    assert str(home) in refusal(home, *command)
    home.unlink()
    home.mkdir()
    (home / "lake").write_text("I am a file")
    assert f"the lake {home / 'lake'} is a file and no folder" in refusal(home, *command)
