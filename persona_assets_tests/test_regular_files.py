"""Small files are read whole, and what is no file is refused at once."""

import os
from pathlib import Path

import pytest

from persona_assets import regular_files


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (b"\xef\xbb\xbfa = 1\r\n", "a = 1\n"),
        (b"a\rb", "a\nb"),
        ("naïve\n".encode(), "naïve\n"),
        (b"", ""),
    ],
)
def test_text_of_any_line_ends_and_with_a_byte_order_mark(
    given: bytes, text: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(given)
    assert regular_files.text(file) == text
    assert regular_files.read(file) == given


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a pipe or device, not a file"):
        regular_files.read(tmp_path / "pipe")


def test_a_device_a_folder_and_a_file_too_large_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OSError, match="not a file"):
        regular_files.read(Path("/dev/zero"))
    with pytest.raises(IsADirectoryError):
        regular_files.read(tmp_path)
    (tmp_path / "large").write_bytes(b"12345")
    monkeypatch.setattr(regular_files, "MOST_BYTES", 4)
    with pytest.raises(OSError, match="its 5 bytes are too many"):
        regular_files.read(tmp_path / "large")
