"""Packed rows: the features of one entity as bytes, and back to the last bit.

Belongs here: the layout that follows from a view's types, packing frames and reading rows. Does not
belong here: where rows are kept (`lmdb_store.py`, `redis_store.py`).

A row is, big-endian: checksum (CRC-32 of the rest), fingerprint of the layout, version of the view,
event and arrival time (µs since 1970 UTC), a bit for each null, the values (8 bytes for numbers,
timestamps and places of texts and vectors, 4 for dates, 1 for truth values), and then the texts
(UTF-8) and vectors (float32, little-endian) themselves. A place is start · 2³² + length. What
follows the last of them is the entity's identifier, where the row's key is a digest of it.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from persona_assets.errors import DataError
from persona_assets.serving.online.views import OnlineView
from persona_assets.tables.contract import POLARS_TYPES, Type

AGAIN = "materialize feature_store/online_snapshot and online_features again"
TIMES = slice(16, 32)
"""Where event and arrival time lie in a row; the bytes sort as the times do."""

_FORMAT = 1  # of the bytes; rows of another one are not read
_BIAS = 1 << 63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# Python's dates and times end with these.
_DAYS = (date.min.toordinal() - _EPOCH_DAY, date.max.toordinal() - _EPOCH_DAY)
_MICROSECONDS = (_DAYS[0] * 86_400_000_000, (_DAYS[1] + 1) * 86_400_000_000 - 1)
_CODES: dict[Type, tuple[str, str]] = {
    "int64": ("q", ">i8"),
    "float64": ("d", ">f8"),
    "bool": ("?", "?"),
    "date": ("i", ">i4"),
    "timestamp": ("q", ">i8"),
    "string": ("Q", ">u8"),
    "vector": ("Q", ">u8"),
}
"""Of each type, as `struct` and as NumPy write it."""
_PLAIN = ("int64", "float64", "bool")
_VARIABLE = ("string", "vector")
_FLOAT = np.dtype("<f4")


class Row(NamedTuple):
    """One entity's features; event and arrival time are µs since 1970 UTC.

    Dates are `date`, timestamps `datetime` in UTC, vectors float32 arrays.
    """

    values: dict[str, object]
    event_us: int
    arrival_us: int


class Layout:
    """How the rows of a view are packed."""

    def __init__(self, view: OnlineView) -> None:
        self.view = view
        self.names = tuple(name for name, _ in view.features)
        self._types = tuple(type_ for _, type_ in view.features)
        definition = f"{_FORMAT} {view.definition}".encode()
        self._fingerprint = hashlib.blake2b(definition, digest_size=8).digest()
        self._null_bytes = -(-len(self.names) // 8)
        self._no_nulls = bytes(self._null_bytes)
        codes = "".join(_CODES[type_][0] for type_ in self._types)
        self._struct = struct.Struct(f">I8sIQQ{self._null_bytes}s{codes}")
        self._converted = [each for each in view.features if each[1] not in _PLAIN]

    @cached_property
    def schema(self) -> pl.Schema:
        """Columns of a frame of rows: key, event and arrival time, features."""
        times = {"event_us": pl.Int64(), "arrival_us": pl.Int64()}
        features = {name: POLARS_TYPES[type_] for name, type_ in self.view.features}
        return pl.Schema({self.view.key: pl.String(), **times, **features})

    @cached_property
    def _dtype(self) -> np.dtype[np.void]:
        head = [
            ("checksum", ">u4"),
            ("fingerprint", "u1", (8,)),
            ("version", ">u4"),
            ("event_us", ">u8"),
            ("arrival_us", ">u8"),
            ("nulls", "u1", (self._null_bytes,)),
        ]
        values = [(str(n), _CODES[type_][1]) for n, type_ in enumerate(self._types)]
        return np.dtype([*head, *values])

    def pack(self, frame: pl.DataFrame, trailers: Sequence[bytes] | None = None) -> list[bytes]:
        """The rows of `frame` as bytes.

        Args:
            frame: columns of `schema`.
            trailers: bytes that follow each row.

        Raises:
            DataError: a column is missing or of another type, or a value could not be read back.
        """
        found = {name: frame.schema.get(name) for name in self.schema}
        if wrong := sorted(name for name, type_ in self.schema.items() if found[name] != type_):
            raise DataError(
                f"online view {self.view.name}: {wrong[0]} is {found[wrong[0]]} and not "
                f"{self.schema[wrong[0]]}; correct the table or give the view another version"
            )
        fixed = np.zeros(frame.height, self._dtype)
        fixed["fingerprint"] = np.frombuffer(self._fingerprint, np.uint8)
        fixed["version"] = self.view.version
        for name in ("event_us", "arrival_us"):
            fixed[name] = frame[name].to_numpy().astype(np.int64).view(np.uint64) ^ np.uint64(_BIAS)
        ends = np.full(frame.height, self._struct.size, np.uint64)
        variable: list[list[bytes]] = []
        for position, (name, type_) in enumerate(self.view.features):
            column = frame[name]
            fixed["nulls"][:, position // 8] |= column.is_null().to_numpy().astype(np.uint8) << (
                position % 8
            )
            if type_ in _VARIABLE:
                variable.append(self._encoded(column, type_))
                lengths = np.array([len(each) for each in variable[-1]], np.uint64)
                fixed[str(position)] = (ends << np.uint64(32)) + lengths
                ends += lengths
            else:
                fixed[str(position)] = self._numbers(column, type_)
        buffer, size = fixed.tobytes(), self._struct.size
        parts = [[buffer[n * size + 4 : (n + 1) * size] for n in range(frame.height)], *variable]
        if trailers is not None:
            parts.append(list(trailers))
        bodies = map(b"".join, zip(*parts, strict=True))
        return [zlib.crc32(body).to_bytes(4, "big") + body for body in bodies]

    def unpack(self, record: bytes) -> Row:
        """The row that was packed.

        Raises:
            DataError: the bytes are damaged, or of another layout.
        """
        self._refuse_damage(record)
        fields = self._struct.unpack_from(record)
        values: dict[str, object] = dict(zip(self.names, fields[6:], strict=True))
        for name, type_ in self._converted:
            values[name] = _value(record, type_, values[name])  # type: ignore[arg-type]
        nulls = fields[5]
        if nulls != self._no_nulls:
            for position, name in enumerate(self.names):
                if nulls[position // 8] >> position % 8 & 1:
                    values[name] = None
        return Row(values, fields[3] - _BIAS, fields[4] - _BIAS)

    def frame(self, identifiers: Sequence[str], records: Sequence[bytes]) -> pl.DataFrame:
        """Many rows, in their order, as a frame of `schema`.

        Raises:
            DataError: a row is damaged, or of another layout.
        """
        for record in records:
            self._refuse_damage(record)
        size = self._struct.size
        fixed = np.frombuffer(b"".join(record[:size] for record in records), self._dtype)
        columns = [pl.Series(self.view.key, identifiers, pl.String)]
        for name in ("event_us", "arrival_us"):
            native = fixed[name].astype(np.uint64) ^ np.uint64(_BIAS)
            columns.append(pl.Series(name, native.view(np.int64)))
        for position, (name, type_) in enumerate(self.view.features):
            missing = fixed["nulls"][:, position // 8] >> (position % 8) & 1 == 1
            stored = fixed[str(position)]
            if type_ in _VARIABLE:
                values = [
                    None if gone else _value(record, type_, int(place))
                    for record, place, gone in zip(records, stored, missing, strict=True)
                ]
                if type_ == "vector":
                    values = [None if v is None else pl.Series(np.asarray(v)) for v in values]
                column = pl.Series(name, values, POLARS_TYPES[type_])
            else:
                native = stored.astype(stored.dtype.newbyteorder("="))
                column = pl.Series(name, native).cast(POLARS_TYPES[type_])
                column = column.set(pl.Series(missing), None) if missing.any() else column
            columns.append(column)
        return pl.DataFrame(columns)

    def trailer(self, record: bytes) -> bytes:
        """What follows the row."""
        places = self._struct.unpack_from(record)[6:]
        end = self._struct.size
        for place, type_ in zip(places, self._types, strict=True):
            if type_ in _VARIABLE:
                end = (place >> 32) + (place & 0xFFFFFFFF)
        return record[end:]

    def _refuse_damage(self, record: bytes) -> None:
        if (
            record[4:12] == self._fingerprint
            and len(record) >= self._struct.size
            and zlib.crc32(record[4:]) == int.from_bytes(record[:4], "big")
        ):
            return
        what = "damaged" if record[4:12] == self._fingerprint else "of another definition"
        raise DataError(f"a row of the online view {self.view.name} is {what}; {AGAIN}")

    def _encoded(self, column: pl.Series, type_: Type) -> list[bytes]:
        if type_ == "string":
            return [b"" if text is None else text.encode() for text in column]
        if column.explode(empty_as_null=False).null_count() > column.null_count():
            raise DataError(
                f"online view {self.view.name}: a vector of {column.name} holds a null; correct "
                "the table"
            )
        return [b"" if v is None else v.to_numpy().astype(_FLOAT).tobytes() for v in column]

    def _numbers(self, column: pl.Series, type_: Type) -> np.ndarray:
        physical = column.to_physical()
        limits = {"date": _DAYS, "timestamp": _MICROSECONDS}.get(type_)
        if limits and not physical.is_between(*limits).all():
            raise DataError(
                f"online view {self.view.name}: a {type_} of {column.name} lies outside of the "
                "years 1 to 9999; correct the table"
            )
        return physical.fill_null(False if type_ == "bool" else 0).to_numpy()


def event_us_of(record: bytes) -> int:
    """Event time of a packed row [µs since 1970 UTC]."""
    return int.from_bytes(record[TIMES.start : TIMES.start + 8], "big") - _BIAS


def _value(record: bytes, type_: Type, stored: int) -> object:
    if type_ == "date":
        return date.fromordinal(_EPOCH_DAY + stored)
    if type_ == "timestamp":
        return _EPOCH + timedelta(microseconds=stored)
    start = stored >> 32
    content = record[start : start + (stored & 0xFFFFFFFF)]
    return content.decode() if type_ == "string" else np.frombuffer(content, _FLOAT)
