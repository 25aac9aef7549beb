"""The instance of a home: made once, and never against somebody's own choice."""

import os
from pathlib import Path

import dagster as dg
import pytest

from persona_assets.errors import UserError
from persona_assets.orchestration.resources.event_log import PooledSqliteEventLogStorage
from persona_assets.orchestration.resources.instance import EVENT_BATCH_SIZE, prepare


@pytest.fixture(autouse=True)
def no_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_home_gets_an_instance_with_the_pooled_event_log(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    assert os.environ["DAGSTER_HOME"] == str(folder) == str(tmp_path / "dagster")
    assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == str(EVENT_BATCH_SIZE)
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, PooledSqliteEventLogStorage)
        assert not instance.telemetry_enabled
        assert Path(instance.root_directory) == folder


def test_configuration_that_was_edited_is_kept(tmp_path: Path) -> None:
    configuration = prepare(tmp_path) / "dagster.yaml"
    configuration.write_text("telemetry: {enabled: false}\n")
    os.environ.pop("DAGSTER_HOME")
    prepare(tmp_path)
    assert configuration.read_text() == "telemetry: {enabled: false}\n"


def test_instance_that_is_chosen_already_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "theirs"))
    assert prepare(tmp_path / "home") == tmp_path / "theirs"
    assert not (tmp_path / "home").exists()


def test_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*/file\b.*; point PERSONA_HOME at"):
        prepare(tmp_path / "file")
