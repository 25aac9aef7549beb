"""A shop's mart is the same in whatever format its events are written."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import narwhals as nw
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.lake.content_hash import content_hash
from persona_assets.sources.files import FilesSource
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean, rejected
from persona_assets_tests.sources.mapping_files import read_mapping

TODAY = date(2025, 1, 1)
MAPPING = """
[events]
file = "events*"
user_id = "who"
product_id = "what"
event_type = "did"
timestamp = "at"
quantity = "n"
unit_price = "price"
order_id = "order"
[events.constants]
consent = true
"""


@dataclass(frozen=True)
class Event:
    """One event as it happened."""

    who: int | None
    what: str
    did: str
    at: datetime
    n: Decimal | None
    price: Decimal | None
    order: str | None


# A day over 12 and a price of four digits with cents: without such rows some formats are ambiguous,
# which is an error by intention.
ANCHOR = Event(
    7, "a1", "purchase", datetime(2024, 5, 25, 10, 30, 1, tzinfo=UTC), Decimal(2),
    Decimal("1234.56"), "o-1",
)  # fmt: skip
moments = st.datetimes(datetime(2024, 3, 1), datetime(2024, 6, 30)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
events = st.builds(
    Event,
    who=st.one_of(st.none(), st.integers(1, 99)),
    what=st.sampled_from(["a1", "b-2", "Ünit 3", "007"]),
    did=st.sampled_from(["view", "add_to_cart", "purchase"]),
    at=moments,
    n=st.one_of(st.none(), st.integers(1, 9).map(Decimal), st.just(Decimal("0.5"))),
    price=st.one_of(st.none(), st.integers(0, 999_999).map(lambda cents: Decimal(cents) / 100)),
    order=st.one_of(st.none(), st.sampled_from(["o-1", "o-2"])),
)
shops = st.lists(events, max_size=12).map(lambda drawn: [ANCHOR, *drawn])

BERLIN_SUMMER = timezone(timedelta(hours=2))
TIMES: dict[str, Callable[[datetime], str]] = {
    "ISO with Z": lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "ISO": lambda at: at.strftime("%Y-%m-%d %H:%M:%S"),
    "ISO with UTC": lambda at: at.strftime("%Y-%m-%d %H:%M:%S UTC"),
    "ISO with an offset": lambda at: at.astimezone(BERLIN_SUMMER).strftime("%Y-%m-%d %H:%M:%S %z"),
    "ISO with +00": lambda at: at.strftime("%Y-%m-%d %H:%M:%S.000+00"),
    "day first": lambda at: at.strftime("%d/%m/%Y %H:%M:%S"),
    "month first": lambda at: at.strftime("%m/%d/%Y %I:%M:%S %p"),
    "dots": lambda at: at.strftime("%d.%m.%Y %H:%M:%S"),
    "month by name": lambda at: at.strftime("%b %d, %Y %H:%M:%S"),
    "s": lambda at: f"{at.timestamp():.0f}",
    "ms": lambda at: f"{at.timestamp():.0f}000",
    "us": lambda at: f"{at.timestamp():.0f}000000",
    "ns": lambda at: f"{at.timestamp():.0f}000000000",
    "digits": lambda at: at.strftime("%Y%m%d%H%M%S"),
}
NUMBERS: dict[str, Callable[[Decimal], str]] = {
    "plain": str,
    "two decimals": lambda value: f"{value:.2f}",
    "thousands": lambda value: f"{value:,.2f}",
    "decimal comma": lambda value: f"{value:,.2f}".translate(str.maketrans(",.", ".,")),
    "spaces": lambda value: f"{value:,.2f}".replace(",", "\xa0").replace(".", ","),
}
CURRENCIES = ("{}", "€{}", "{} EUR", "$ {}")
NULLS = ("", "NULL", "nan", r"\N", "None", "N/A", " ")
IDENTIFIERS: dict[str, Callable[[int], str]] = {
    "integer": str, "float": lambda who: f"{who}.0", "blanks": lambda who: f" {who}\t",
}  # fmt: skip
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


@dataclass(frozen=True)
class Style:
    """How a delivery is written as text."""

    time: str
    number: str
    currency: str
    null: str
    identifier: str

    def row(self, event: Event) -> dict[str, str]:
        """The fields of one event."""

        def text(value: str | None) -> str:
            return self.null if value is None else value

        return {
            "who": text(None if event.who is None else IDENTIFIERS[self.identifier](event.who)),
            "what": event.what,
            "did": event.did,
            "at": TIMES[self.time](event.at),
            "n": text(None if event.n is None else NUMBERS[self.number](event.n)),
            "price": text(
                None
                if event.price is None
                else self.currency.format(NUMBERS[self.number](event.price))
            ),
            "order": text(event.order),
        }


styles = st.builds(
    Style,
    time=st.sampled_from(sorted(TIMES)),
    number=st.sampled_from(sorted(NUMBERS)),
    currency=st.sampled_from(CURRENCIES),
    null=st.sampled_from(NULLS),
    identifier=st.sampled_from(sorted(IDENTIFIERS)),
)
PLAIN = Style("ISO with Z", "plain", "{}", "", "integer")


def as_csv(rows: Sequence[dict[str, str]], separator: str, encoding: str) -> bytes:
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode(encoding)


def as_json_lines(rows: Sequence[dict[str, str]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def mart_of(folder: Path) -> tuple[str, pl.DataFrame]:
    """The mart's content hash, and which rows were rejected by which rule."""
    source = FilesSource(folder, read_mapping(folder / "shop.toml"), today=TODAY)
    days = [source.start + timedelta(days=n) for n in range((source.end - source.start).days)]
    cleaned = clean(
        nw.from_native(source.events(days).lazy()),
        nw.from_native(source.products().lazy()),
        key=b"key",
        weights=DEFAULT_WEIGHTS,
    )
    mart = accepted(cleaned).collect("polars").to_native()
    refused = rejected(cleaned).collect("polars").to_native()
    place = ["event_date", "source_row", "rule", "column"]
    return content_hash(mart), refused.select(place).sort(place)


def plain_mart(folder: Path, shop: Sequence[Event]) -> tuple[str, pl.DataFrame]:
    folder.mkdir()
    (folder / "shop.toml").write_text(MAPPING)
    (folder / "events.csv").write_bytes(as_csv([PLAIN.row(event) for event in shop], ",", "utf-8"))
    return mart_of(folder)


def assert_the_same_mart(folder: Path, shop: Sequence[Event], files: dict[str, bytes]) -> None:
    expected, rejections = plain_mart(folder / "plain", shop)
    other = folder / "other"
    other.mkdir()
    (other / "shop.toml").write_text(MAPPING)
    for name, data in files.items():
        (other / name).write_bytes(data)
    found, refused = mart_of(other)
    assert refused.equals(rejections)
    assert found == expected


@settings(max_examples=50)
@given(
    shop=shops,
    style=styles,
    separator=st.sampled_from([",", ";", "\t", "|", "json"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    packed=st.sampled_from(sorted(PACKED)),
    parts=st.integers(1, 2),
)
def test_text_in_any_format_is_the_same_mart(
    tmp_path_factory: pytest.TempPathFactory,
    shop: Sequence[Event],
    style: Style,
    separator: str,
    encoding: str,
    packed: str,
    parts: int,
) -> None:
    rows = [style.row(event) for event in shop]
    # Each part has the header, and the second may be the header alone no less than the first.
    cut = max(1, len(rows) // parts)
    pieces = [piece for piece in (rows[:cut], rows[cut:]) if piece]
    files = {}
    for number, piece in enumerate(pieces):
        data = as_json_lines(piece) if separator == "json" else as_csv(piece, separator, encoding)
        ending = "jsonl" if separator == "json" else "csv"
        files[f"events_{number}.{ending}{packed}"] = PACKED[packed](data)
    assert_the_same_mart(tmp_path_factory.mktemp("shop"), shop, files)


TIME_TYPES: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "microseconds in UTC": lambda at: at,
    "naive milliseconds": lambda at: at.dt.replace_time_zone(None).cast(pl.Datetime("ms")),
    "nanoseconds": lambda at: at.dt.replace_time_zone(None).cast(pl.Datetime("ns")),
    "another zone": lambda at: at.dt.convert_time_zone("America/New_York"),
    "seconds": lambda at: at.dt.epoch("s"),
    "milliseconds": lambda at: at.dt.epoch("ms"),
    "float seconds": lambda at: at.dt.epoch("s").cast(pl.Float64),
    "text": lambda at: at.dt.strftime("%Y-%m-%d %H:%M:%S"),
}
PRICE_TYPES = (pl.Float64(), pl.Decimal(14, 2), pl.Decimal(20, 6), pl.String())
WHO_TYPES = (pl.Int64(), pl.Int32(), pl.UInt8(), pl.Float64(), pl.Decimal(12, 2), pl.String())
QUANTITY_TYPES = (pl.Float64(), pl.Float32(), pl.Decimal(8, 1), pl.String())


@settings(max_examples=30)
@given(
    shop=shops,
    time=st.sampled_from(sorted(TIME_TYPES)),
    price=st.sampled_from(PRICE_TYPES),
    who=st.sampled_from(WHO_TYPES),
    quantity=st.sampled_from(QUANTITY_TYPES),
    text=st.sampled_from([pl.String(), pl.Categorical()]),
)
def test_parquet_of_any_types_is_the_same_mart(
    tmp_path_factory: pytest.TempPathFactory,
    shop: Sequence[Event],
    time: str,
    price: pl.DataType,
    who: pl.DataType,
    quantity: pl.DataType,
    text: pl.DataType,
) -> None:
    frame = pl.DataFrame(
        {
            "who": pl.Series([event.who for event in shop], dtype=pl.Int64),
            "what": pl.Series([event.what for event in shop], dtype=pl.String),
            "did": pl.Series([event.did for event in shop], dtype=pl.String),
            "at": pl.Series([event.at for event in shop], dtype=pl.Datetime("us", "UTC")),
            "n": pl.Series([event.n for event in shop], dtype=pl.Decimal(8, 1)),
            "price": pl.Series([event.price for event in shop], dtype=pl.Decimal(14, 2)),
            "order": pl.Series([event.order for event in shop], dtype=pl.String),
            "nobody maps this": [b"\x00"] * len(shop),
        }
    ).with_columns(
        TIME_TYPES[time](pl.col("at")).alias("at"),
        pl.col("price").cast(price),
        pl.col("who").cast(who),
        pl.col("n").cast(quantity),
        pl.col("what", "did", "order").cast(text),
    )
    written = io.BytesIO()
    frame.write_parquet(written)
    files = {"events.parquet": written.getvalue()}
    assert_the_same_mart(tmp_path_factory.mktemp("shop"), shop, files)
