"""Keyed hashes in place of the shop's user identifiers.

Belongs here: the hash and its application to a frame. Does not belong here: where the key comes
from (`settings.py`) or which tables hold identifiers (`tables/`).
"""

import hashlib

import narwhals as nw
import polars as pl

from persona_assets.transforms.engine import beside

DIGEST_BYTES = 16
"""128 bits: with a billion users the chance of one collision is about 1 in 10²⁰."""


def pseudonym(user_id: str, key: bytes) -> str:
    """The keyed hash of a user identifier as 32 hexadecimal digits.

    BLAKE2b in keyed mode (RFC 7693, section 2.9): a message authentication code, so that without
    the key nobody can find identifiers by trying them out.

    Args:
        user_id: the shop's own identifier.
        key: secret of 1 to 64 bytes.
    """
    return hashlib.blake2b(user_id.encode(), key=key, digest_size=DIGEST_BYTES).hexdigest()


def pseudonymise(frame: nw.LazyFrame, column: str, key: bytes) -> nw.LazyFrame:
    """Replaces the identifiers in `column` by their keyed hashes; nulls stay null.

    Neither engine offers a keyed hash, so this one step is not lazy: the distinct identifiers are
    collected, hashed on the driver (about 1 µs each) and joined back. It costs one extra pass over
    `column`, thus apply it close to the scan, before expensive steps.

    Args:
        frame: any lazy frame with a string column `column`.
        column: column of identifiers.
        key: secret of 1 to 64 bytes.

    Returns:
        The frame with the same columns, `column` last.
    """
    # Grouped: Spark's `unique` would sort all rows.
    present = frame.select(column).filter(~nw.col(column).is_null())
    distinct = present.group_by(column).agg(nw.len())
    identifiers = distinct.collect("polars").get_column(column).to_native().sort()
    hashed = "_pseudonym"
    table = pl.DataFrame(
        {column: identifiers, hashed: [pseudonym(name, key) for name in identifiers]},
        schema={column: pl.String, hashed: pl.String},
    )
    return (
        frame.join(beside(frame, table), on=column, how="left")
        .drop(column)
        .rename({hashed: column})
    )
