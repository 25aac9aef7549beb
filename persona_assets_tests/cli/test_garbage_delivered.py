"""Garbage in, one message out: mappings and files that are not what they should be.

Whatever lies where a command expects a file, it ends with exit code 1 or 2 and one message, and
the home is byte for byte as before.
"""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LEVELS = 100_000
DEEP = "[" * LEVELS + "]" * LEVELS
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
ROWS = "who,what,kind,when,price\n" + "".join(
    f"u{number % 7},p{number % 5},purchase,2025-01-{number % 20 + 1:02d}T10:00:00Z,5\n"
    for number in range(60)
)


class Delivery:
    """A shop's folder and mapping, in order until a test spoils them."""

    def __init__(self, folder: Path) -> None:
        self.outside = folder
        self.path = folder / "delivery"
        self.path.mkdir()
        self.file = self.path / "events.csv"
        self.file.write_text(ROWS)
        self.mapping = folder / "mapping.toml"
        self.mapping.write_text(MAPPING)

    def arguments(self, command: str) -> tuple[str, ...]:
        mapped = ("--mapping", str(self.mapping))
        return {
            "run": ("run", "--source", "files", "--path", str(self.path), *mapped),
            "check": ("check", "--path", str(self.path), *mapped),
            "benchmark": ("benchmark", str(self.file), *mapped, "--models", "popularity"),
            "segment": ("segment", str(self.file), *mapped),
        }[command]


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    return Delivery(tmp_path)


def socket_at(path: Path) -> None:
    # A socket's name may have no more than about 100 characters, which pytest's folders exceed.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def instead(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def linked_outside(delivery: Delivery) -> None:
    delivery.file.rename(delivery.outside / "secret.csv")
    delivery.file.symlink_to(delivery.outside / "secret.csv")


def names(pattern: str) -> Callable[[Delivery], object]:
    """The mapping names another file, which is there."""

    def spoil(delivery: Delivery) -> None:
        shutil.copy(delivery.file, delivery.outside / "secret.csv")
        there = pattern.replace("OUTSIDE", str(delivery.outside))
        delivery.mapping.write_text(MAPPING.replace("events.csv", there))

    return spoil


ALL = ("run", "check", "benchmark", "segment")
OF_A_FOLDER = ("run", "check")
SPOILT: dict[str, tuple[tuple[str, ...], Callable[[Delivery], object]]] = {
    "mapping is a folder": (ALL, lambda it: instead(it.mapping, Path.mkdir)),
    "mapping is a pipe": (ALL, lambda it: instead(it.mapping, os.mkfifo)),
    "mapping is a socket": (ALL, lambda it: instead(it.mapping, socket_at)),
    "mapping is a device": (
        ALL, lambda it: instead(it.mapping, lambda path: path.symlink_to("/dev/zero")),
    ),
    "mapping has NUL bytes": (ALL, lambda it: it.mapping.write_bytes(MAPPING.encode() + b"\0\0")),
    "mapping in UTF-16": (ALL, lambda it: it.mapping.write_text(MAPPING, encoding="utf-16")),
    "mapping nested deeply": (ALL, lambda it: it.mapping.write_text("a = " + DEEP)),
    "mapping names ..": (OF_A_FOLDER, names("../secret.csv")),
    "mapping names a way through ..": (OF_A_FOLDER, names("x/../../secret.csv")),
    "mapping names an absolute path": (OF_A_FOLDER, names("OUTSIDE/secret.csv")),
    "file is a link to outside": (("run", "check", "segment"), linked_outside),
    "file is a pipe": (ALL, lambda it: instead(it.file, os.mkfifo)),
    "file is a socket": (ALL, lambda it: instead(it.file, socket_at)),
    "file is a folder": (ALL, lambda it: instead(it.file, Path.mkdir)),
    "file is a link to itself": (ALL, lambda it: instead(it.file, lambda p: p.symlink_to(p))),
    "file of NUL bytes": (ALL, lambda it: it.file.write_bytes(ROWS.encode() + b"\0" * 500)),
    "file of random bytes": (ALL, lambda it: it.file.write_bytes(bytes(range(255, 0, -1)) * 9)),
    "file is half a gzip": (ALL, lambda it: it.file.write_bytes(b"\x1f\x8b\x08" + bytes(30))),
    "file is half a Parquet": (ALL, lambda it: it.file.write_bytes(b"PAR1" + bytes(99) + b"PAR1")),
    "file is half a workbook": (ALL, lambda it: it.file.write_bytes(b"PK\x03\x04" + bytes(99))),
    "lists nested deeply": (ALL, lambda it: it.file.write_text(f'{{"who": {DEEP}}}\n')),
    "objects nested deeply": (
        ALL, lambda it: it.file.write_text('{"who": ' * LEVELS + "1" + "}" * LEVELS),
    ),
    "array nested deeply": (ALL, lambda it: it.file.write_text(f'[{{"who": {DEEP}}}]')),
}  # fmt: skip


@pytest.mark.parametrize(
    ("spoilt", "command"),
    [(spoilt, command) for spoilt, (commands, _) in SPOILT.items() for command in commands],
)
def test_garbage_is_one_message_and_changes_nothing(
    spoilt: str, command: str, delivery: Delivery, whole: Any, refusal: Callable[..., str],
    tmp_path: Path,
) -> None:  # fmt: skip
    SPOILT[spoilt][1](delivery)
    # A home as it is for `segment`, which needs a model; none at all for the others.
    home = whole.settings.home if command == "segment" else tmp_path / "none"
    message = refusal(home, *delivery.arguments(command))
    assert delivery.path.name in message or "mapping" in message
    assert home.exists() is (command == "segment")


def test_a_cell_nested_deeply_is_read_as_empty(
    delivery: Delivery, refusal: Callable[..., str], tmp_path: Path
) -> None:
    delivery.mapping.write_text(MAPPING.replace('"what"', '"what[].id"'))
    delivery.file.write_text(f'who,what,kind,when,price\nu1,"{DEEP}",view,2025-01-01T10:00:00Z,5\n')
    message = refusal(tmp_path / "none", *delivery.arguments("run"))
    assert "1 of 1 rows (100.0 %) would be rejected: missing_product 1" in message


@pytest.mark.parametrize(
    "make",
    [Path.mkdir, os.mkfifo, lambda path: path.write_bytes(b"\xff\xfe"),
     lambda path: path.write_text(DEEP), lambda path: path.write_text('{"models": {"als": 1}}')],
    ids=["folder", "pipe", "bytes", "deep", "another result"],
)  # fmt: skip
def test_parameters_that_are_no_result_are_named(
    make: Callable[[Path], object], delivery: Delivery, refusal: Callable[..., str], tmp_path: Path
) -> None:
    given = tmp_path / "parameters.json"
    make(given)
    message = refusal(
        tmp_path / "none", *delivery.arguments("benchmark"), "--parameters", str(given)
    )
    assert f"--parameters {given} is not a result of `persona benchmark --json`" in message


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.write_bytes(b"short")])
def test_a_key_file_that_is_none_is_named(
    make: Callable[[Path], object], whole: Any, refusal: Callable[..., str], tmp_path: Path
) -> None:
    given = tmp_path / "old_key"
    make(given)
    assert str(given) in refusal(whole.settings.home, "rekey", "--old-key-file", str(given))


def test_a_mapping_whose_name_is_no_text_is_named(
    delivery: Delivery, refusal: Callable[..., str], tmp_path: Path
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path / "mapping") + b"\xff.toml"))
    shutil.copy(delivery.mapping, odd)
    delivery.mapping = odd
    message = refusal(tmp_path / "none", *delivery.arguments("run"))
    assert "is not UTF-8" in message
