"""A feature view means the same as long as its version is the same."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from persona_assets.errors import DataError, UserError
from persona_assets.feature_store import definitions
from persona_assets.feature_store.registry import VIEWS, chosen, view
from persona_assets.orchestration.table_asset import OWNERS
from persona_assets.tables import TABLES

USERS = view("user_features")
DOUBLED = replace(USERS, time_to_live=2 * USERS.time_to_live)


def test_every_view_is_what_the_package_recorded_of_its_version():
    recorded = definitions.checked_in()
    assert definitions.extended(recorded) == recorded


def test_views_say_what_the_contracts_of_their_tables_say():
    for each in VIEWS:
        assert TABLES[each.table.path] is each.table
        assert each.owner == OWNERS[each.table.group]
        assert {each.key, *each.tie} <= set(each.table.polars_schema)
        for feature in each.features:
            column = each.table.column(feature.name)
            assert (feature.type, feature.meaning) == (column.type, column.meaning)
    assert len({each.name for each in VIEWS}) == len(VIEWS)
    assert {feature.name: feature.window_days for feature in USERS.features} == {
        **{f.name: 30 for f in USERS.features},
        **{f.name: 7 for f in USERS.features if f.name.endswith("_7d")},
        **{f.name: 1 for f in USERS.features if f.name.endswith("_1d")},
    }


def test_another_definition_of_the_same_version_is_refused_with_the_difference():
    recorded = definitions.checked_in()
    with pytest.raises(UserError, match=r"time_to_live_hours: 24\.0 → 48\.0"):
        definitions.extended(recorded, [DOUBLED])
    fewer = replace(USERS, features=USERS.features[1:])
    with pytest.raises(UserError, match=r"features\.events_1d\.unit: events → nothing"):
        definitions.extended(recorded, [fewer])


def test_a_new_version_is_recorded_beside_the_old_one_and_no_number_is_left_out():
    recorded = definitions.checked_in()
    second = replace(DOUBLED, version=2)
    both = definitions.extended(recorded, [second])["user_features"]
    assert both["1"] == recorded["user_features"]["1"]
    assert both["2"]["time_to_live_hours"] == 48
    with pytest.raises(UserError, match="has version 3, but 2 is the next one"):
        definitions.extended(recorded, [replace(second, version=3)])


def test_a_home_refuses_a_definition_that_its_rows_were_not_made_by(tmp_path: Path):
    assert definitions.verify_home(tmp_path) == []
    definitions.remember_in_home(tmp_path)
    assert definitions.verify_home(tmp_path) == []
    with pytest.raises(UserError, match=r"time_to_live_hours: 24\.0 → 48\.0"):
        definitions.verify_home(tmp_path, [DOUBLED])
    second = replace(DOUBLED, version=2)
    assert definitions.verify_home(tmp_path, [second]) == ["user_features"]
    definitions.remember_in_home(tmp_path, [second])
    with pytest.raises(UserError, match="rows of version 2 of the feature view user_features"):
        definitions.verify_home(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"user_features": 3}', '{"user_features": {}}', '{"a": {"one": {}}}']
)
def test_a_garbled_record_of_a_home_is_named(tmp_path: Path, text: str):
    path = tmp_path / "feature_store" / definitions.FILE_NAME
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"definitions\.json is not the record"):
        definitions.verify_home(tmp_path)


def test_features_are_chosen_by_view_or_one_by_one():
    [(users, names), (items, all_names)] = chosen(
        ["user_features:views_7d", "item_features", "user_features:events_1d",
         "user_features:views_7d"]
    )  # fmt: skip
    assert (users.name, names) == ("user_features", ("views_7d", "events_1d"))
    assert all_names == tuple(feature.name for feature in items.features)
    assert timedelta(days=1) == items.time_to_live
    for asked, message in (
        ([], "no features are asked for"),
        (["nothing"], "there is no feature view 'nothing'; there are user_features"),
        (["user_features:nothing"], "user_features has no feature 'nothing'"),
        (["user_features:"], "user_features has no feature ''"),
    ):
        with pytest.raises(UserError, match=message):
            chosen(asked)
