"""Commands that must be refused: run in this process, their one message, and nothing changed."""

import hashlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from persona_assets.cli.main import main

LONGEST_SECONDS = 300


def contents(folder: Path) -> dict[str, str]:
    """What lies below a folder: path → digest of a file, or the kind of anything else.

    Left out are the file that says who is at work, also after a refusal, and what SQLite puts next
    to a database when somebody looks into it.
    """
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        name = path.relative_to(folder).as_posix()
        if path.name == "in_use.lock" or path.name.endswith(("-shm", "-wal")):
            continue
        if path.is_file():
            found[name] = hashlib.blake2b(path.read_bytes()).hexdigest()
        elif path.exists():
            found[name] = "folder" if path.is_dir() else "other"
    return found


def only_message(output: str, errors: str, exit_code: object) -> str:
    """The one message of a command that was refused."""
    assert exit_code in (1, 2), errors
    assert "Traceback" not in errors + output
    assert "unexpected" not in errors
    assert output == ""
    lines = [line for line in errors.splitlines() if line.strip()]
    assert len(lines) == 1, errors
    return lines[0]


@pytest.fixture
def refusal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., str]]:
    """refusal(home, *arguments) → the only message of a command that must fail, change nothing and
    not wait for anything."""

    def hung(number: int, frame: FrameType | None) -> None:
        raise AssertionError("the command waits for ever")

    def run(home: Path, *arguments: str) -> str:
        before = contents(home)
        monkeypatch.setenv("PERSONA_HOME", str(home))
        for name in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
            monkeypatch.setenv(name, "")  # remembered, so that what a command sets is taken back
            monkeypatch.delenv(name)
        monkeypatch.setattr(sys, "argv", ["persona", *arguments])
        capsys.readouterr()
        signal.alarm(LONGEST_SECONDS)
        with pytest.raises(SystemExit) as stopped:
            main()
        signal.alarm(0)
        printed = capsys.readouterr()
        assert contents(home) == before
        return only_message(printed.out, printed.err, stopped.value.code)

    earlier = signal.signal(signal.SIGALRM, hung)
    yield run
    signal.alarm(0)
    signal.signal(signal.SIGALRM, earlier)
