"""A lake that was moved to another key holds everybody under the new hash and nobody under the old.

And a move that is killed at any table goes on where it stopped.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets.errors import DataError, UserError
from persona_assets.lake import DeltaStore, key_record, rekey
from persona_assets.lake.key_record import KeyRecord, fingerprint
from persona_assets.tables import TABLES, mart, raw

OLD, NEW, THIRD = b"0123456789abcdef", b"fedcba9876543210", b"another key of 24 bytes."
DAYS = ("2025-01-01", "2025-01-03")
DAILY = [
    "raw/users", "raw/user_history", "raw/products", "raw/product_history", "raw/events",
    "raw/orders", "mart/user_item_interactions",
    "mart/quarantine", "mart/sessions", "features/temporal_features",
]  # fmt: skip


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def under(open_shared_graph: Callable[..., Any]) -> Callable[[str, bytes], Any]:
    """under(name, key) → the graph with daily tables of three days, made with that key."""

    def run(name: str, key: bytes) -> Any:
        graph = open_shared_graph(name, hash_key=key)
        graph.run("daily_tables", *DAYS, assets=DAILY)
        return graph

    return run


@pytest.fixture(scope="module")
def with_new(under: Callable[[str, bytes], Any]) -> Any:
    return under("new", NEW)


def texts(store: DeltaStore, groups: tuple[str, ...] = ("mart", "features")) -> set[str]:
    return {
        value[:32]
        for table in TABLES.values()
        if table.group in groups and store.exists(table)
        for name, type_ in table.polars_schema.items()
        if type_ == pl.String
        for value in store.read(table)[name].drop_nulls()
    }


def test_move_gives_the_tables_that_the_new_key_would_have_given(
    under: Callable[[str, bytes], Any], with_new: Any
) -> None:
    graph = under("moved", OLD)
    assert graph.hashes("mart") != with_new.hashes("mart")
    before = texts(graph.store)
    told: list[str] = []
    rekey.rehash(graph.store, OLD, NEW, listener=told.append)
    assert graph.hashes("mart", "features") == with_new.hashes("mart", "features")
    assert set(told) == {path for path in DAILY if not path.startswith("raw/")}
    assert key_record.load(graph.store) == KeyRecord(fingerprint(NEW))
    people = {rekey.pseudonym(name, OLD) for name in graph.store.read(raw.USERS)["user_id"]}
    assert before & people
    assert not texts(graph.store) & people
    # Again: nothing is left to do.
    rekey.rehash(graph.store, OLD, NEW, listener=told.append)
    assert len(told) == len(set(told))


@pytest.mark.parametrize("tables", [0, 2])
def test_move_that_is_killed_goes_on_where_it_stopped(
    tables: int, under: Callable[[str, bytes], Any], with_new: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = under(f"killed{tables}", OLD)
    told: list[str] = []
    written = DeltaStore.overwrite

    def killed(store: DeltaStore, table: Any, *arguments: Any, **options: Any) -> Any:
        if len(told) == tables:
            raise KeyboardInterrupt
        return written(store, table, *arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(DeltaStore, "overwrite", killed)
        rekey.rehash(graph.store, OLD, NEW, listener=told.append)
    for key in (OLD, NEW):
        with pytest.raises(DataError, match="between two hash keys"):
            key_record.require(graph.store, key, "the file")
    with pytest.raises(UserError, match="is being moved to the key of fingerprint"):
        rekey.rehash(graph.store, OLD, THIRD, listener=silent)
    rekey.rehash(graph.store, OLD, NEW, listener=told.append)
    assert len(told) == len(set(told)), "a table was hashed twice"
    assert graph.hashes("mart", "features") == with_new.hashes("mart", "features")


def test_wrong_old_key_is_refused(with_new: Any) -> None:
    before = with_new.hashes("mart")
    with pytest.raises(UserError, match=r"old key has fingerprint .* --from-raw"):
        rekey.rehash(with_new.store, OLD, THIRD, listener=silent)
    assert with_new.hashes("mart") == before


def test_people_that_raw_does_not_know_stop_it_before_anything_is_written(
    under: Callable[[str, bytes], Any],
) -> None:
    graph = under("strangers", OLD)
    days = [date(2025, 1, day) for day in (1, 2, 3)]
    for table in (raw.USERS, raw.USER_HISTORY, raw.EVENTS, raw.ORDERS):
        graph.store.overwrite(table, table.empty(), partitions=days if table.partition else None)
    before = graph.hashes("mart")
    with pytest.raises(DataError, match=r"people in .* are in no raw table"):
        rekey.rehash(graph.store, OLD, NEW, listener=silent)
    assert graph.hashes("mart") == before
    key_record.require(graph.store, OLD, "the file")


def test_lost_key_empties_what_was_computed_and_keeps_raw(
    under: Callable[[str, bytes], Any], with_new: Any
) -> None:
    graph = under("lost", OLD)
    raw_before = graph.hashes("raw")
    rekey.empty(graph.store, NEW, listener=silent)
    assert graph.hashes("raw") == raw_before
    assert graph.store.read(mart.USER_ITEM_INTERACTIONS).is_empty()
    assert key_record.load(graph.store) == KeyRecord(fingerprint(NEW))


def test_command_wants_one_old_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from persona_assets.cli.rekey import rekey as command

    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))
    (tmp_path / "key").write_bytes(OLD)
    for arguments in ([], ["--from-raw", "--old-key-file", str(tmp_path / "key")]):
        result = CliRunner().invoke(command, arguments)
        assert isinstance(result.exception, UserError)
        assert "one of them" in str(result.exception)
