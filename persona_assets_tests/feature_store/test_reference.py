"""What people read of the feature views is what the views are."""

import json
import re
import sys
from pathlib import Path

import pytest

from persona_assets.cli.main import main
from persona_assets.feature_store import definitions
from persona_assets.feature_store.reference import as_json, markdown
from persona_assets.feature_store.registry import VIEWS, view

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


@pytest.fixture
def features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """features(*arguments) → what `persona features` prints."""
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["persona", "features", *arguments])
        main()
        return capsys.readouterr().out

    return run


def test_the_page_of_features_is_what_the_views_say():
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run `make reference` and commit it"


def test_the_page_and_the_command_name_every_view_and_feature(features):
    page, listed = markdown(), features()
    for each in VIEWS:
        section = page.split(f"\n## {each.name}\n")[1].split("\n## ")[0]
        lines = listed.split(f"{each.name} (version {each.version}): ")[1].split("(version")[0]
        for feature in each.features:
            assert f"| `{feature.name}` | {feature.type} |" in section
            assert re.search(rf"^    {feature.name} +{feature.type} ", lines, re.MULTILINE)


def test_json_has_every_view_with_its_definition(features):
    text = features("--json")
    assert text.strip() == as_json()
    listed = {each.pop("name"): each for each in json.loads(text)["views"]}
    assert listed.keys() == {each.name for each in VIEWS}
    users = listed["user_features"]
    assert users.pop("version") == view("user_features").version
    assert users == definitions.checked_in()["user_features"]["1"]


def test_a_home_made_by_another_definition_is_refused_with_the_difference(
    features, tmp_path, capsys
):
    definitions.remember_in_home(tmp_path)
    path = tmp_path / "feature_store" / definitions.FILE_NAME
    path.write_text(
        path.read_text().replace('"time_to_live_hours": 24.0', '"time_to_live_hours": 9')
    )
    with pytest.raises(SystemExit) as stopped:
        features()
    assert stopped.value.code == 2
    assert "user_features is not the version 1 by which" in (told := capsys.readouterr().err)
    assert "time_to_live_hours: 9 → 24.0" in told
