"""A training set stays the same, whatever happens after it: more days, late rows, maintenance."""

import json
import shutil
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.cli.main import main
from persona_assets.errors import DataError, UserError
from persona_assets.feature_store import definitions, manifests, registry, training_sets
from persona_assets.feature_store.historical_features import get_historical_features
from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import content_hash
from persona_assets.lake.maintenance import maintain
from persona_assets.tables import TABLES
from persona_assets.tables.feature_store import (
    ITEM_FEATURE_NAMES,
    ITEM_FEATURES,
    TRAINING_SET,
    USER_FEATURE_NAMES,
    USER_FEATURES,
)
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.transforms.training import training_set
from persona_assets_tests.feature_store.conftest import DAYS, at, daily, interaction, write

FEATURES = ["user_features:views_7d", "user_features:conversion_30d", "item_features",
            "latest_interaction:product_id"]  # fmt: skip
MORE_DAYS = [DAYS[-1] + timedelta(days=each) for each in range(1, 31)]
CUTOFF = date(2025, 3, 10)


@pytest.fixture
def entities() -> pl.DataFrame:
    times = [at(7), at(7, 1), at(7), at(9, 12), at(5, 0.1)]
    return pl.DataFrame(
        {
            "user_id": ["u1", "u2", "u1", "nobody", "u2"],
            "product_id": ["p1", "p2", "p1", "p1", None],
            "timestamp": times,
            "bought": [True, False, True, True, None],
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )


@pytest.fixture
def made(store: DeltaStore, tmp_path: Path, entities: pl.DataFrame) -> training_sets.TrainingSet:
    return training_sets.create(
        tmp_path, store, "churn", entities, FEATURES, at(8), noted={"seed": 3}
    )


def remembered_week(store: DeltaStore, home: Path) -> Path:
    """The week of `CUTOFF` written as the asset writes it."""
    tables = (USER_ITEM_INTERACTIONS, USER_FEATURES, ITEM_FEATURES)
    versions = {table.path: store.version(table) for table in tables}
    rows = training_set(*map(store.scan, tables), cutoff=CUTOFF, seed=5)
    store.overwrite(TRAINING_SET, rows, partitions=[CUTOFF])
    path = training_sets.remember_week(home, store, CUTOFF, seed=5, versions=versions)
    assert path is not None
    return path


def a_month_goes_by(store: DeltaStore, home: Path) -> None:
    """Every day a new snapshot, late rows in each that there is, and maintenance now and then."""
    for number, day in enumerate(MORE_DAYS):
        write(store, USER_FEATURES, daily("user_id", ("u1", "u2"), [day]))
        write(store, ITEM_FEATURES, daily("product_id", ("p1", "p2"), [day]))
        happened = at(5, number / 60)
        rows = [interaction(5, "u1", "p2", happened, happened),
                interaction(6, "u2", "p1", happened, at(20))]  # fmt: skip
        write(store, USER_ITEM_INTERACTIONS, rows)
        if number % 10 == 5:
            for table, key, name in ((USER_FEATURES, "user_id", "u1"),
                                     (ITEM_FEATURES, "product_id", "p1")):  # fmt: skip
                write(store, table, daily(key, (name,), DAYS, plus=number))
            maintain(store, timedelta(0), keep=manifests.versions_named(home))


def test_it_is_the_same_after_a_month_of_days_late_rows_and_maintenance(
    store, tmp_path, entities, made
):
    week = remembered_week(store, tmp_path)
    expected = store.read(TRAINING_SET, [CUTOFF]).sort(TRAINING_SET.key)
    assert expected.height
    a_month_goes_by(store, tmp_path)
    # It is not because nothing changed that it is the same.
    now = get_historical_features(store, entities, FEATURES, at(8)).collect()
    assert content_hash(now) != made.manifest.content_hash
    again = training_sets.rebuild(store, made.path)
    assert again.manifest == made.manifest
    assert_frame_equal(again.rows, made.rows, check_exact=True)
    assert_frame_equal(training_sets.rebuild(store, week).rows, expected, check_exact=True)


def test_versions_go_when_no_manifest_names_them_any_more(store, tmp_path, made):
    path = made.path.rename(tmp_path / "elsewhere.json")
    manifests.entities_file(made.path).rename(manifests.entities_file(path))
    training_sets.rebuild(store, path)
    a_month_goes_by(store, tmp_path)
    with pytest.raises(DataError, match=r"(user_features|item_features|interactions): .*version"):
        training_sets.rebuild(store, path)


def test_a_home_can_be_moved(store, tmp_path, made):
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("lake", "feature_store"):
        shutil.move(tmp_path / name, moved / name)
    there = DeltaStore(str(moved / "lake"))
    again = training_sets.rebuild(there, manifests.path_of(moved, "churn"))
    assert_frame_equal(again.rows, made.rows, check_exact=True)
    assert str(tmp_path) not in again.path.read_text()


def test_features_of_the_week_are_those_of_the_point_in_time_join(store, tmp_path):
    """Two implementations: by the eve of each label on any engine, and by time."""
    remembered_week(store, tmp_path)
    rows = store.read(TRAINING_SET, [CUTOFF])
    morning = pl.col("label_date").cast(pl.Datetime("us", "UTC"))
    labels = rows.select("user_id", "product_id", timestamp=morning)
    found = get_historical_features(store, labels, ["user_features", "item_features"]).collect()
    for prefix, view, names in (("user", "user_features", USER_FEATURE_NAMES),
                                ("item", "item_features", ITEM_FEATURE_NAMES)):  # fmt: skip
        for name in names:
            joined = found[f"{view}__{name}"].alias(f"{prefix}_{name}")
            assert joined.equals(rows[joined.name]), name
    assert rows["user_views_7d"].null_count() < rows.height


def test_a_set_is_made_by_the_definition_of_its_own_time(store, made, monkeypatch):
    following = [
        replace(view, version=view.version + 1, time_to_live=view.time_to_live * 3)
        for view in registry.VIEWS
    ]
    recorded = definitions.extended(definitions.checked_in(), following)
    monkeypatch.setattr(definitions, "checked_in", lambda: recorded)
    monkeypatch.setattr(registry, "VIEWS", tuple(following))
    assert registry.view("user_features").version == 2
    assert_frame_equal(training_sets.rebuild(store, made.path).rows, made.rows, check_exact=True)
    for view in following:
        assert definitions.of_version(view.name, view.version) == view


def test_every_view_is_what_its_record_says():
    for view in registry.VIEWS:
        assert definitions.of_version(view.name, view.version) == view
    with pytest.raises(DataError, match="version 9 of the feature view user_features is not in"):
        definitions.of_version("user_features", 9)


def test_a_name_is_not_given_to_two_sets(store, tmp_path, entities, made):
    same = training_sets.create(tmp_path, store, "churn", entities, FEATURES, at(8))
    assert same.manifest.content_hash == made.manifest.content_hash
    with pytest.raises(UserError, match=r"churn\.json is the manifest of another training set"):
        training_sets.create(tmp_path, store, "churn", entities.head(2), FEATURES, at(8))
    assert training_sets.rebuild(store, made.path).rows.equals(made.rows)
    for name in ("", "../x", "a/b", ".hidden", "x" * 101):
        with pytest.raises(UserError, match="is no name of a training set"):
            training_sets.create(tmp_path, store, name, entities, FEATURES)


def test_entities_are_for_their_owner_only(made):
    file = manifests.entities_file(made.path)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_week_without_rows_has_no_manifest(store, tmp_path):
    path = remembered_week(store, tmp_path)
    empty = nw.from_native(TRAINING_SET.empty().lazy())
    store.overwrite(TRAINING_SET, empty, partitions=[CUTOFF])
    assert training_sets.remember_week(tmp_path, store, CUTOFF, seed=5, versions={}) is None
    assert not path.exists()


def test_a_lost_or_damaged_file_is_named(store, tmp_path, made):
    [file] = Path(store.uri(USER_FEATURES)).glob("as_of=2025-03-06/*.parquet")
    whole = file.read_bytes()
    file.unlink()
    with pytest.raises(DataError, match=rf"feature_store/user_features.*{file.name} is gone"):
        training_sets.rebuild(store, made.path)
    file.write_bytes(whole[:-20])
    with pytest.raises(DataError, match=rf"feature_store/user_features.*{file.name} has"):
        training_sets.rebuild(store, made.path)
    file.write_bytes(whole)
    entities = manifests.entities_file(made.path)
    good = entities.read_bytes()
    entities.write_bytes(good[:100])
    with pytest.raises(DataError, match=r"churn\.entities\.parquet .*lost or damaged"):
        training_sets.rebuild(store, made.path)
    pl.read_parquet(good).head(1).write_parquet(entities)
    with pytest.raises(DataError, match=r"churn\.entities\.parquet have content hash"):
        training_sets.rebuild(store, made.path)
    entities.unlink()
    with pytest.raises(DataError, match=r"churn\.entities\.parquet .*lost or damaged"):
        training_sets.rebuild(store, made.path)
    shutil.rmtree(store.uri(ITEM_FEATURES))
    entities.write_bytes(good)
    with pytest.raises(DataError, match="feature_store/item_features: no such table"):
        training_sets.rebuild(store, made.path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"content_hash": "5-0"}, "came out, and not the 5 of 5-0"),
        ({"format": 2}, "manifest of format 2"),
        ({"tables": {"features/nothing": 1}}, "names the table features/nothing"),
        ({"tables": {"feature_store/user_features": "1"}}, "is not a manifest"),
        ({"parameters": {}}, "is not a manifest"),
        ({"parameters": []}, "is not a manifest"),
        ({"views": {}}, "is not a manifest"),
        ({"views": {"user_features": 4, "item_features": 1, "latest_interaction": 1}},
         "version 4 of the feature view user_features is not in"),
        ({"unknown": 1}, "is not a manifest"),
    ],
)  # fmt: skip
def test_a_manifest_that_says_something_else_is_named(store, made, change, message):
    stored = json.loads(made.path.read_text())
    made.path.write_text(json.dumps(stored | change))
    with pytest.raises(DataError, match=message):
        training_sets.rebuild(store, made.path)


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", '{"format": 1}'])
def test_a_garbled_manifest_is_named_and_nothing_is_deleted_meanwhile(tmp_path, store, text):
    path = manifests.path_of(tmp_path, "garbled")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    for act in (lambda: training_sets.rebuild(store, path),
                lambda: manifests.versions_named(tmp_path)):  # fmt: skip
        with pytest.raises(DataError, match=r"garbled\.json is not a manifest"):
            act()


def test_the_command_makes_it_again_and_writes_it(store, tmp_path, made, monkeypatch, capsys):
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))

    def rebuild(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["persona", "rebuild", *arguments])
        main()
        return " ".join(capsys.readouterr().err.split())

    out = tmp_path / "rows.parquet"
    for named in ("churn", str(made.path)):
        assert f"content hash {made.manifest.content_hash} as the" in rebuild(
            named, "--out", str(out)
        )
        assert_frame_equal(pl.read_parquet(out), made.rows, check_exact=True)
        out.unlink()
    stored = json.loads(made.path.read_text())
    made.path.write_text(json.dumps(stored | {"content_hash": "5-0"}))
    for named, code in (("churn", 1), ("nothing", 2), (str(tmp_path / "nothing.json"), 2)):
        with pytest.raises(SystemExit) as stopped:
            rebuild(named, "--out", str(out))
        assert stopped.value.code == code
        assert f"{named.removesuffix('.json')}.json" in capsys.readouterr().err
    assert not out.exists()


def test_tables_of_manifests_are_named_as_in_the_lake(made):
    assert made.manifest.tables.keys() <= TABLES.keys()
    assert made.manifest.views == {
        "user_features": 1, "item_features": 1, "latest_interaction": 1
    }  # fmt: skip
    assert made.manifest.parameters["noted"] == {"seed": 3}
