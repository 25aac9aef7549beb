"""Moving a lake from one hash key to another: every keyed hash replaced, table by table.

Belongs here: which columns hold keyed hashes, replacing them, and surviving a kill in between. Does
not belong here: where keys come from (`hash_key.py`, `settings/`), the fingerprint by which a
lake knows its key (`key_record.py`).

While it is under way the record names both keys and nobody else may use either. Each table becomes
another in one commit that names this move, so that a move that was killed goes on where it stopped.
"""

from collections.abc import Callable
from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.errors import DataError, UserError
from persona_assets.lake import key_record
from persona_assets.lake.commit import PREFIX, Commit
from persona_assets.lake.key_record import PSEUDONYMOUS, KeyRecord, fingerprint
from persona_assets.lake.store import DeltaStore
from persona_assets.tables import Table, collected, raw
from persona_assets.transforms.pseudonyms import DIGEST_BYTES, MARK, pseudonym

Listener = Callable[[str], None]

_DIGITS = 2 * DIGEST_BYTES
# A hash, or one that something follows, as in `<user_id>-<day>-<number>` of a session.
_HASHED = rf"^[0-9a-f]{{{_DIGITS}}}(-|$)"
# Columns that hold nothing else; in others a shop's own 32 digits are left as they are.
_ALWAYS_HASHED = ("user_id", "session_id")
# Lists are made for whoever asks, whether or not any raw table knows who that is.
_SERVED = (collected.SERVED_LISTS, collected.IMPRESSIONS)


def rehash(store: DeltaStore, old: bytes, new: bytes, *, listener: Listener) -> None:
    """Replace all keyed hashes made with `old` by those made with `new`.

    The identifiers themselves come from the raw tables.

    Args:
        store: the lake, read and written in this process.
        old: the key that the lake was made with.
        new: the key to move to.
        listener: called with the path of each table when it is done.

    Raises:
        UserError: `old` is not the lake's key, or another move was begun.
        DataError: a table holds people that no raw table knows; nothing was written.
    """
    found = _movable(store, fingerprint(old), fingerprint(new))
    if found is None:
        return
    names = _translations(store, old, new)
    tables = [table for table in PSEUDONYMOUS if store.exists(table)]
    if found.successor is None:
        for table in tables:
            if table not in _SERVED:
                _refuse_unknown_people(store, table, names)
    move = _begin(store, found, fingerprint(new))
    for table in tables:
        if not _done(store, table, move):
            _rewrite(store, table, names, move)
            listener(table.path)
    key_record.save(store, KeyRecord(fingerprint(new)))


def empty(store: DeltaStore, new: bytes, *, listener: Listener) -> None:
    """Empty every table beyond `raw` and give the lake the key `new`: the old one is lost.

    What is emptied is to be computed again from the raw tables. Events that the service collected
    and lists that it served keep the hashes of the old key: whose they are nobody can say any more.

    Raises:
        UserError: a move to another key was begun.
    """
    found = key_record.load(store)
    if found is None or _movable(store, found.fingerprint, fingerprint(new)) is None:
        return
    _begin(store, found, fingerprint(new))
    for table in PSEUDONYMOUS:
        if table in collected.TABLES:  # nothing has these events but this table
            continue
        if store.exists(table) and any(store.partition_rows(table).values()):
            _overwrite(store, table, table.empty(), Commit(asset=table.path))
            listener(table.path)
    key_record.save(store, KeyRecord(fingerprint(new)))


def _movable(store: DeltaStore, old: str, new: str) -> KeyRecord | None:
    """The record if the lake can be moved from `old` to `new`; None where it is on `new`."""
    found = key_record.load(store)
    if found is None:
        raise UserError(
            f"no hash key was used in the lake {store.root} yet; there is nothing to change, just "
            "run `persona run` with the new key"
        )
    if found == KeyRecord(new):
        return None
    if found.fingerprint != old:
        raise UserError(
            f"the old key has fingerprint {old}, but the lake {store.root} was made with "
            f"{found.fingerprint}; name that key, or use --from-raw if it is lost"
        )
    if found.successor not in (None, new):
        raise UserError(
            f"the lake {store.root} is being moved to the key of fingerprint {found.successor}, "
            f"not to {new}; complete that first: run `persona rekey` with that key"
        )
    return found


def _begin(store: DeltaStore, found: KeyRecord, new: str) -> str:
    """Note in the record that the move is under way, unless it is noted; the move's name."""
    if found.successor is None:
        key_record.save(store, KeyRecord(found.fingerprint, successor=new))
    # No commit of an earlier move between the same keys has the version of this record.
    return f"rekey-{key_record.version(store)}"


def _translations(store: DeltaStore, old: bytes, new: bytes) -> pl.DataFrame:
    """`old` and `new` hash of every identifier of a user or an order in the raw tables."""
    known: set[str] = set()
    for table in raw.TABLES:
        if not store.exists(table):
            continue
        for name in {"user_id", "order_id"} & set(table.polars_schema):
            column = nw.col(name)
            distinct = store.scan(table).select(column).group_by(name).agg(nw.len())
            given = store.collect(distinct)[name].drop_nulls()
            # What was hashed at the service's door is not an identifier to be hashed again.
            known |= set(given.filter(~given.str.starts_with(MARK)))
    known |= {name.strip() for name in known}
    return pl.DataFrame(
        [(pseudonym(name, old), pseudonym(name, new)) for name in sorted(known)],
        schema={"old": pl.String, "new": pl.String},
        orient="row",
    )


def _done(store: DeltaStore, table: Table, move: str) -> bool:
    return any(commit.get(f"{PREFIX}run_id") == move for commit in store.history(table))


def _refuse_unknown_people(store: DeltaStore, table: Table, names: pl.DataFrame) -> None:
    """DataError where a hash of a person is of nobody in the raw tables."""
    for name in set(_ALWAYS_HASHED) & set(table.polars_schema):
        found = store.collect(store.scan(table).select(name).group_by(name).agg(nw.len()))
        hashes = found[name].drop_nulls()
        hashes = hashes.filter(hashes.str.contains(_HASHED)).str.slice(0, _DIGITS).unique()
        if unknown := len(hashes) - int(hashes.is_in(names["old"].implode()).sum()):
            raise DataError(
                f"{table.path}: {unknown} people in {name} are in no raw table, so that they "
                "cannot be hashed again; restore the raw tables, or use --from-raw to compute "
                "everything from what they hold"
            )


def _rewrite(store: DeltaStore, table: Table, names: pl.DataFrame, move: str) -> None:
    lazy = store.scan(table).to_native()
    for name, type_ in table.polars_schema.items():
        if type_ == pl.String:
            # In a list, somebody whom nobody else knows becomes nobody.
            forget = table in _SERVED and name in _ALWAYS_HASHED
            lazy = _replaced(lazy, name, names.lazy(), forget=forget)
    _overwrite(store, table, nw.from_native(lazy), Commit(run_id=move, asset=table.path))


def _replaced(
    frame: pl.LazyFrame, name: str, names: pl.LazyFrame, *, forget: bool = False
) -> pl.LazyFrame:
    """`frame` with the hash at the beginning of each value of `name` replaced.

    `forget`: one that is not in `names` becomes null; else it stays.
    """
    value = pl.col(name)
    hashed = pl.when(value.str.contains(_HASHED)).then(value.str.slice(0, _DIGITS))
    return (
        frame.with_columns(hashed.alias("__old"))
        .join(names, left_on="__old", right_on="old", how="left")
        .with_columns(
            pl.coalesce(
                pl.col("new") + value.str.slice(_DIGITS),
                pl.when(pl.col("__old").is_null() | pl.lit(not forget)).then(value),
            ).alias(name)
        )
        .drop("__old", "new")
    )


def _overwrite(
    store: DeltaStore, table: Table, frame: nw.LazyFrame | pl.DataFrame, commit: Commit
) -> None:
    """Replace all rows of the table in one commit."""
    if table.partition is None:
        store.overwrite(table, frame, commit=commit)
        return
    days = [date.fromisoformat(key) for key in sorted(store.partition_rows(table))]
    if days:
        store.overwrite(table, frame, partitions=days, commit=commit)
