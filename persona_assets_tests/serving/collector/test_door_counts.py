"""Numbers of events over restarts, whatever becomes of their file."""

import json
import logging

import pytest

from persona_assets.serving.collector.door_counts import DoorCounts, door_counts


def test_numbers_go_on_after_a_restart(tmp_path):
    first = DoorCounts(tmp_path)
    first.add("accepted", 3)
    first.keep()
    second = DoorCounts(tmp_path)
    second.add("accepted", 2)
    second.keep()
    assert door_counts(tmp_path) == {"accepted": 5}


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", json.dumps({"accepted": "many"}), "\0"])
def test_a_file_that_cannot_be_read_counts_from_nothing(tmp_path, text):
    (tmp_path / "counts.json").write_text(text)
    assert door_counts(tmp_path) == {}


def test_a_count_that_cannot_be_kept_refuses_no_event(tmp_path, caplog):
    counts = DoorCounts(tmp_path / "gone")
    counts.add("accepted", 1)
    with caplog.at_level(logging.WARNING):
        counts.keep()
    assert "cannot write" in caplog.text
    (tmp_path / "gone").mkdir()
    counts.keep()
    assert door_counts(tmp_path / "gone") == {"accepted": 1}
