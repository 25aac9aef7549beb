import pytest

from persona_assets import run_record
from persona_assets.errors import DataError
from persona_assets.run_record import CheckOutcome, RunRecord

RECORD = RunRecord(
    started="2025-03-01T08:00:00+00:00",
    total=12.5,
    framework=8.0,
    seconds={"mart/sessions": 1.5, "raw/events": 3.0},
    checks=(
        CheckOutcome("mart/sessions", "contract", "2025-03-01", "passed"),
        CheckOutcome("raw/users", "contract", "", "failed", "raw/users breaks: ü"),
    ),
    fingerprint="f1",
    versions={"mart/sessions": 3},
)


def test_a_record_comes_back_as_it_was(tmp_path):
    run_record.save(tmp_path, RECORD)
    assert run_record.load(tmp_path) == RECORD


def test_before_the_first_run_there_is_no_record(tmp_path):
    assert run_record.load(tmp_path) is None


def test_a_save_that_dies_midway_leaves_the_old_record(tmp_path, monkeypatch):
    from pathlib import Path

    run_record.save(tmp_path, RECORD)

    def half(path: Path, text: str, **_: object) -> int:
        path.write_bytes(text.encode()[: len(text) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "write_text", half)
        run_record.save(tmp_path, RECORD)
    assert run_record.load(tmp_path) == RECORD


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'"text"',
        b"{}",
        b"\xff\xfe",
        b'{"checks": [], "started": ""}',
        b'{"checks": [{"who": 1}], "started": "", "total": 1, "seconds": {}, "fingerprint": "",'
        b' "versions": {}}',
        b'{"checks": 5}',
    ],
)
def test_what_is_no_record_is_named_with_its_remedy(tmp_path, content):
    (tmp_path / run_record.FILE_NAME).write_bytes(content)
    with pytest.raises(DataError, match=r"last_run\.json is not a run record .*delete it and run"):
        run_record.load(tmp_path)
