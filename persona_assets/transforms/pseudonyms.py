"""Keyed hashes in place of the shop's identifiers of people and of their orders.

Belongs here: the hash and its application to a frame. Does not belong here: where the key comes
from (`settings/`) or which tables hold identifiers (`tables/`).
"""

import hashlib
import re

import narwhals as nw
import polars as pl

from persona_assets.transforms.engine import to_engine

DIGEST_BYTES = 16
"""128 bits: with a billion users the chance of one collision is about 1 in 10²⁰."""


MARK = "hash:"
"""Before a keyed hash that stands in a raw table in place of an identifier: events that the service
took are hashed at its door, and the shop's identifier is nowhere."""

_HASHED = re.compile(rf"{MARK}([0-9a-f]{{{2 * DIGEST_BYTES}}})")


def pseudonym(identifier: str, key: bytes) -> str:
    """The keyed hash of an identifier as 32 hexadecimal digits.

    BLAKE2b in keyed mode (RFC 7693, section 2.9): a message authentication code, so that without
    the key nobody can find identifiers by trying them out.

    Args:
        identifier: the shop's own, of a user or of an order; or `MARK` and its keyed hash, which is
            the answer then.
        key: secret of 1 to 64 bytes.
    """
    if (hashed := _HASHED.fullmatch(identifier)) is not None:
        return hashed[1]
    return hashlib.blake2b(identifier.encode(), key=key, digest_size=DIGEST_BYTES).hexdigest()


def pseudonymise(frame: nw.LazyFrame, columns: str | tuple[str, ...], key: bytes) -> nw.LazyFrame:
    """Replaces the identifiers in `columns` by their keyed hashes; nulls stay null.

    Neither engine offers a keyed hash, so this one step is not lazy: the distinct identifiers are
    collected, hashed on the driver (about 1 µs each) and joined back. It costs one extra pass over
    `columns`, thus apply it close to the scan, before expensive steps.

    Args:
        frame: any lazy frame with string columns `columns`.
        columns: one column of identifiers, or several; equal identifiers have equal hashes.
        key: secret of 1 to 64 bytes.

    Returns:
        The frame with the same columns, `columns` last.
    """
    names = (columns,) if isinstance(columns, str) else columns
    own, hashed = "_identifier", "_pseudonym"
    # Grouped: Spark's `unique` would sort all rows.
    present = nw.concat(
        [frame.select(nw.col(name).alias(own)).filter(~nw.col(own).is_null()) for name in names]
    )
    distinct = present.group_by(own).agg(nw.len())
    identifiers = distinct.collect("polars").get_column(own).to_native().sort()
    table = pl.DataFrame(
        {own: identifiers, hashed: [pseudonym(name, key) for name in identifiers]},
        schema={own: pl.String, hashed: pl.String},
    )
    for name in names:
        here = to_engine(frame, table.rename({own: name}))
        frame = frame.join(here, on=name, how="left").drop(name).rename({hashed: name})
    return frame
