"""A lake belongs to one hash key: with another one everybody would silently be somebody else."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from persona_assets.errors import DataError, UserError
from persona_assets.lake import DeltaStore, key_record
from persona_assets.lake.key_record import KeyRecord
from persona_assets.settings import Settings
from persona_assets.tables import mart

KEY, OTHER = b"0123456789abcdef", b"fedcba9876543210"


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    return DeltaStore(str(tmp_path / "home" / "lake"))


def fill(store: DeltaStore) -> None:
    day = date(2025, 1, 1)
    moment = datetime(2025, 1, 1, 10, tzinfo=UTC)
    row = {
        name: {pl.String: "x", pl.Date: day, pl.Int64: 1, pl.Float64: 1.0, pl.Boolean: True}.get(
            type(dtype), moment
        )
        for name, dtype in mart.USER_ITEM_INTERACTIONS.polars_schema.items()
    }
    frame = pl.DataFrame([row], schema=mart.USER_ITEM_INTERACTIONS.polars_schema)
    store.overwrite(mart.USER_ITEM_INTERACTIONS, frame, partitions=[day])


def test_first_key_is_recorded_and_the_same_one_passes(store: DeltaStore) -> None:
    assert key_record.load(store) is None
    key_record.require(store, KEY, "the file")
    assert key_record.load(store) == KeyRecord(key_record.fingerprint(KEY))
    fill(store)
    key_record.require(store, KEY, "the file")


def test_another_key_over_data_is_refused_with_both_fingerprints_and_the_ways_out(
    store: DeltaStore,
) -> None:
    key_record.require(store, KEY, "the file")
    fill(store)
    with pytest.raises(UserError) as refused:
        key_record.require(store, OTHER, "PERSONA_HASH_KEY")
    message = str(refused.value)
    for named in (
        key_record.fingerprint(KEY), key_record.fingerprint(OTHER), "PERSONA_HASH_KEY has",
        "restore the file", "persona rekey",
    ):  # fmt: skip
        assert named in message
    assert KEY.decode() not in message
    assert OTHER.decode() not in message
    assert key_record.load(store) == KeyRecord(key_record.fingerprint(KEY))


def test_lake_without_identifiers_takes_another_key(store: DeltaStore) -> None:
    key_record.require(store, KEY, "the file")
    key_record.require(store, OTHER, "the file")
    assert key_record.load(store) == KeyRecord(key_record.fingerprint(OTHER))


def test_lost_key_file_is_not_replaced_over_data(store: DeltaStore, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    key = settings.secret_key(identifiers_are_public=False)
    fill(store)
    file = tmp_path / "home" / "hash_key"
    file.unlink()
    with pytest.raises(UserError, match=r"there is no file .*hash_key; restore the file"):
        settings.secret_key(identifiers_are_public=False)
    assert not file.exists()
    file.write_bytes(key)
    assert settings.secret_key(identifiers_are_public=False) == key
    with pytest.raises(UserError, match="PERSONA_HASH_KEY has fingerprint"):
        replace(settings, hash_key=OTHER).secret_key(identifiers_are_public=False)


def test_lake_between_two_keys_is_refused_with_either(store: DeltaStore) -> None:
    ours, theirs = key_record.fingerprint(KEY), key_record.fingerprint(OTHER)
    key_record.save(store, KeyRecord(ours, successor=theirs))
    for key in (KEY, OTHER):
        with pytest.raises(DataError, match=r"between two hash keys.*persona rekey"):
            key_record.require(store, key, "the file")


def test_damaged_record_is_named(store: DeltaStore) -> None:
    key_record.require(store, KEY, "the file")
    for commit in (Path(store.root) / key_record.NAME / "_delta_log").glob("*.json"):
        commit.write_text("{ no commit")
    with pytest.raises(DataError, match=r"cannot be read.*restore the folder"):
        key_record.require(store, KEY, "the file")


def test_step_under_another_key_refuses(open_graph) -> None:
    """Whoever starts the run: the web server, the daemon or `dagster asset materialize`."""
    graph = open_graph(hash_key=KEY)
    raw = ["raw/users", "raw/user_history", "raw/products", "raw/product_history", "raw/events"]
    graph.run("daily_tables", "2025-01-01", assets=raw)
    assets = ["mart/user_item_interactions", "mart/quarantine"]
    graph.run("daily_tables", "2025-01-01", assets=assets)
    before = graph.hashes("mart")
    other = open_graph(hash_key=OTHER)
    result = other.run("daily_tables", "2025-01-01", assets=assets, must_succeed=False)
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert "persona rekey" in failure.step_failure_data.user_failure_data.description
    assert other.hashes("mart") == before
