"""Deliveries of strangers' shops, each once misread: what is right for them.

Each folder beside this file is a tiny shop: `map.toml` and `in/`, or `log.csv` for `persona
benchmark`. They are examples of kinds; the properties are in `test_written_anyhow.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from persona_assets.cli.main import persona
from persona_assets.errors import UserError
from persona_assets.evaluation.benchmark.interactions_file import read_interactions
from persona_assets.evaluation.benchmark.run import target_of
from persona_assets.sources.files import FilesSource
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS
from persona_assets_tests.sources.mapping_files import read_mapping

HERE = Path(__file__).parent
TODAY = date(2026, 1, 1)


@dataclass(frozen=True)
class Right:
    """What `persona check` must say of a case.

    Attributes:
        events: event type → accepted rows.
        rejected: rule → rejected rows.
        users: different people of accepted rows.
        products: different products of accepted rows.
        days: first and last day of the calendar.
        said: parts of notes.
        mapping: a preset in place of the case's own mapping.
    """

    events: Mapping[str, int]
    rejected: Mapping[str, int] = field(default_factory=dict)
    users: int = 1
    products: int = 1
    days: tuple[str, str] = ("2024-01-01", "2024-01-01")
    said: Sequence[str] = ()
    mapping: str | None = None


BOUGHT_ONCE = Right({"purchase": 1})
BOTH = Right({"purchase": 1, "view": 1}, users=2, products=2)
A_SHOP = {"view": 461, "purchase": 133, "add_to_cart": 126}
TO_24TH = ("2024-01-01", "2024-01-24")
RIGHT: Mapping[str, Right] = {
    "cat_price_history": Right({"purchase": 1}, said=["its most frequent value"]),
    "currency": Right({"purchase": 2}, users=2),
    "date_only": Right({"purchase": 1}, days=("2024-03-01", "2024-03-01")),
    "decimal_comma": Right({"purchase": 3}, users=3, said=["decimal comma, since '5,99'"]),
    "empty_file": Right({"purchase": 1}, said=["was not read, having no content"]),
    "epoch0": Right(
        {"purchase": 1},
        {"implausible_timestamp": 1},
        days=("2024-01-02", "2024-01-02"),
        said=["events.csv row 1 ('1970-01-01T00:00:00')"],
    ),
    "float_ids_two_files": Right(
        {"purchase": 2}, {"missing_user": 1}, days=("2024-01-01", "2024-02-01")
    ),
    "fmt_f": Right({"purchase": 1}, days=("2024-01-05", "2024-01-05")),
    "frac_qty": Right({"purchase": 2}),
    "gz": BOUGHT_ONCE,
    "gz_as_csv": BOUGHT_ONCE,
    "mac_dotfile": Right({"purchase": 1}, said=["._events.csv"]),
    "null_words": Right(
        {"purchase": 1},
        {"missing_user": 4, "exact_duplicate": 1},
        days=("2024-01-01", "2024-01-02"),
    ),
    "pq_hive": BOTH,
    "pq_spark_dir": Right({"purchase": 1, "view": 1}, users=2, products=2, said=["_SUCCESS"]),
    "pq_uuid_unmapped": BOTH,
    "readme_events_only": Right(
        {"view": 989, "purchase": 309, "add_to_cart": 302},
        users=60,
        products=40,
        days=("2024-01-01", "2024-02-09"),
    ),
    "readme_mapping_exact": Right(
        {"purchase": 2, "add_to_cart": 1, "view": 1},
        users=2,
        products=2,
        days=("2024-01-01", "2024-01-02"),
    ),
    "rees46": Right({"view": 2}, days=("2020-09-24", "2020-09-24")),
    "rfm_null_orders": Right({"purchase": 6}, days=("2024-01-05", "2024-06-05")),
    "run_mixedcase": Right(
        {},
        {"unknown_event_type": 720},
        users=0,
        products=0,
        days=TO_24TH,
        said=["'VIEW' 461, 'PURCHASE' 133, 'ADD_TO_CART' 126", '"VIEW" = "view"'],
    ),
    "run_one_user": Right(A_SHOP, products=30, days=TO_24TH),
    "run_purchases_noprice": Right(A_SHOP, users=40, products=30, days=TO_24TH),
    "run_ten_days": Right(
        {"view": 181, "purchase": 60, "add_to_cart": 59},
        users=20,
        products=10,
        days=("2024-01-01", "2024-01-10"),
    ),
    "run_three_days": Right(
        {"view": 48, "purchase": 24, "add_to_cart": 18},
        users=20,
        products=10,
        days=("2024-01-01", "2024-01-03"),
    ),
    "semicolon": Right({"purchase": 1}, said=["separated by semicolon"]),
    "shopify_blank_continuation": Right({"purchase": 1}, {"missing_user": 1}),
    "shopify_offset": Right({"view": 2}, days=("2024-03-01", "2024-07-01")),
    "stray_quote": Right({"purchase": 4}, users=4, products=4),
    "thousands": Right({"purchase": 3}, users=2, said=["decimal point, since '1,299.00'"]),
    "tsv": Right({"purchase": 1}, said=["separated by tab"]),
    "us_dates": Right(
        {"purchase": 31},
        users=31,
        days=("2024-01-01", "2024-01-31"),
        said=["month first", "'01/13/2024 10:00' is no date with the day first"],
    ),
    "whitespace": Right({"purchase": 1}, {"exact_duplicate": 1}),
}
"""Cases that are read."""
REFUSED: Mapping[str, str] = {
    "dup_columns": r"two columns 'user_id', the 1st and the 8th",
    "fmt_utc_Z_literal": r"zone 'EST', which means different zones in different places",
    "jl_ga4": r"'items', which holds objects or lists; .*product_id = \"items\[\]\.item_id\"",
}
"""Cases that cannot be read with their mapping, and what the one message says."""


def check(*words: str | Path) -> tuple[int, str, UserError | None]:
    done = CliRunner().invoke(persona, ["check", "--all", "--json", *map(str, words)])
    return done.exit_code, done.stdout, done.exception if done.exit_code else None  # type: ignore[return-value]


@pytest.mark.parametrize("case", RIGHT)
def test_a_stranger_s_files_are_read(case: str) -> None:
    right = RIGHT[case]
    mapping = right.mapping or HERE / case / "map.toml"
    code, out, error = check("--path", HERE / case / "in", "--mapping", mapping)
    assert code == 0, error
    said = json.loads(out)
    assert said["events"] == right.events
    assert said["rejected"] == right.rejected
    assert said["rows"] == said["accepted"] + sum(said["rejected"].values())
    assert (said["users"], said["products"]) == (right.users, right.products)
    assert tuple(said["range"]) == right.days
    notes = "\n".join(said["notes"])
    for part in right.said:
        assert part in notes


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_message(case: str) -> None:
    with pytest.raises(UserError, match=REFUSED[case]):
        words = ["--path", str(HERE / case / "in"), "--mapping", str(HERE / case / "map.toml")]
        CliRunner().invoke(persona, ["check", *words], catch_exceptions=False)


def test_no_folder_is_left_out() -> None:
    shops = {path.parent.name for path in HERE.glob("*/map.toml")}
    logs = {path.parent.name for path in HERE.glob("*/log.csv")}
    assert shops == {*RIGHT, *REFUSED}
    assert logs == {"b_dateonly", "b_mixed_s_ms", "b_ns", "b_segment_events", "b_yyyymmdd"}


def events_of(case: str) -> pl.DataFrame:
    source = FilesSource(HERE / case / "in", read_mapping(HERE / case / "map.toml"), today=TODAY)
    return source.delivered_events


def test_numbers_are_those_that_were_written() -> None:
    assert events_of("decimal_comma")["unit_price"].to_list() == [5.99, 12.0, 1.299]
    thousands = events_of("thousands")
    assert thousands["unit_price"].to_list() == [1299.0, 12.5, 12.5]
    assert thousands["quantity"].to_list() == [1.0, 1.0, 1200.0]
    assert events_of("currency")["unit_price"].to_list() == [12.5, 12.5]
    assert events_of("frac_qty")["quantity"].to_list() == [1.5, 2.0]


def test_times_are_those_that_were_written() -> None:
    assert events_of("fmt_f")["instant"].to_list() == [
        datetime(2024, 1, 5, 14, 5, 0, 123_000, tzinfo=UTC)  # 09:05 in New York
    ]
    offsets = events_of("shopify_offset")["instant"].dt.time().to_list()
    assert [str(time) for time in offsets] == ["16:57:06", "15:57:06"]


def test_null_words_are_no_orders_and_no_prices() -> None:
    assert events_of("rfm_null_orders")["order_id"].null_count() == 6
    assert events_of("null_words")["unit_price"].to_list() == [5.0, 5.0, None, None, None, 5.0]


def test_a_preset_reads_what_a_plain_mapping_cannot() -> None:
    code, out, error = check(
        "--path", HERE / "jl_ga4" / "in", "--mapping", "ga4", "--consent", "all"
    )
    assert code == 0, error
    assert json.loads(out)["events"] == {"purchase": 1}


def read_log(case: str) -> pl.DataFrame:
    return read_interactions(HERE / case / "log.csv", weights=DEFAULT_WEIGHTS, today=TODAY).rows


def test_days_as_digits_are_the_same_log() -> None:
    assert read_log("b_yyyymmdd").equals(read_log("b_dateonly"))


def test_nanoseconds_are_recognised() -> None:
    assert read_log("b_ns")["event_ts"].dt.year().unique().to_list() == [2024]


def test_mixed_units_are_an_error_with_a_row_of_each() -> None:
    with pytest.raises(UserError, match=r"seconds since 1970.*milliseconds since 1970"):
        read_log("b_mixed_s_ms")


def test_segment_s_events_have_their_weights_and_the_funnel_its_target() -> None:
    rows = read_log("b_segment_events")
    assert set(rows["event_type"]) <= {"view", "add_to_cart", "purchase"}
    assert target_of(rows, None) == "purchase"


def written(folder: Path, files: Mapping[str, str], toml: str) -> tuple[Path, Path]:
    """A delivery of its own, and its mapping."""
    (folder / "in").mkdir()
    for name, content in files.items():
        (folder / "in" / name).write_text(content, encoding="utf-8")
    mapping = folder / "shop.toml"
    mapping.write_text(toml, encoding="utf-8")
    return folder / "in", mapping


PLAIN = """[events]
file = "events*"
user_id = "u"
product_id = "p"
event_type = "t"
timestamp = "at"
unit_price = "price"
[events.constants]
consent = true
"""
HEADER = "u,p,t,at,price\n"


def said_of(folder: Path, rows: Sequence[str], toml: str = PLAIN) -> dict[str, object]:
    path, mapping = written(folder, {"events.csv": HEADER + "\n".join(rows) + "\n"}, toml)
    code, out, error = check("--path", path, "--mapping", mapping)
    assert code == 0, error
    return json.loads(out)  # type: ignore[no-any-return]


def test_every_product_of_an_order_is_an_event(tmp_path: Path) -> None:
    order = {
        "type": "track", "event": "Order Completed", "messageId": "m1", "userId": "ann",
        "timestamp": "2024-05-13T10:00:00Z",
        "properties": {"order_id": "o1", "products": [
            {"product_id": "a", "price": 1, "quantity": 1},
            {"product_id": "b", "price": 2, "quantity": 1},
            {"product_id": "b", "price": 2, "quantity": 1},
        ]},
    }  # fmt: skip
    path, _ = written(tmp_path, {"dump.jsonl": f"{json.dumps(order)}\n" * 2}, "")
    code, out, error = check("--path", path, "--mapping", "segment", "--consent", "all")
    assert code == 0, error
    said = json.loads(out)
    assert said["events"] == {"purchase": 3}
    assert said["products"] == 2
    assert said["rejected"] == {"exact_duplicate": 3}  # the order is delivered twice


@pytest.mark.parametrize("prices", [("25.000", "15.000"), ("1,234", "12,500"), ("1.234", "9.990")])
def test_thousands_that_nothing_decides_are_not_read(tmp_path: Path, prices: Sequence[str]) -> None:
    rows = [f'u{n},p1,purchase,2024-05-13T10:00:00Z,"{price}"' for n, price in enumerate(prices)]
    said = said_of(tmp_path, rows)
    assert said["rejected"] == {"unreadable_price": 2}
    assert any(repr(prices[0]) in note and "decimal comma" in note for note in said["notes"])  # type: ignore[attr-defined]


def test_a_clock_some_days_ahead_does_not_turn_a_day_first_column(tmp_path: Path) -> None:
    rows = [f"u{n},p1,view,{13 + n % 15:02}/11/2025 10:00,1" for n in range(300)]
    said = said_of(tmp_path, [*rows, "u0,p1,view,05/12/2099 10:00,1"])
    assert said["range"] == ["2025-11-13", "2025-11-27"]
    assert said["rejected"] == {"implausible_timestamp": 1}


def test_prices_without_cents_and_one_foreign_currency(tmp_path: Path) -> None:
    rows = [f'u{n},p1,purchase,2024-05-13T10:00:00Z,"€ {n + 1},-"' for n in range(300)]
    said = said_of(tmp_path, [*rows, "u0,p2,purchase,2024-05-13T10:00:00Z,$ 3"])
    assert said["events"] == {"purchase": 300}
    assert said["rejected"] == {"unreadable_price": 1}


def test_rows_outside_of_stated_days_do_not_speak_against_a_mapping(tmp_path: Path) -> None:
    rows = [f"u{n},p1,view,2024-05-{13 + n % 10}T10:00:00Z,1" for n in range(100)]
    path, mapping = written(tmp_path, {"events.csv": HEADER + "\n".join(rows)}, PLAIN)
    code, out, error = check("--path", path, "--mapping", mapping, "--start", "2024-05-21")
    assert code == 0, error
    said = json.loads(out)
    assert said["rejected"] == {"outside_partition": 80}
    assert not any("does not fit" in note for note in said["notes"])


def test_no_person_is_in_what_is_said_of_columns_mapped_by_mistake(tmp_path: Path) -> None:
    rows = [f"u{n},p1,ann{n}@example.org,2024-05-13T10:00:00Z,bob{n}@x.de" for n in range(9)]
    assert "@" not in json.dumps(said_of(tmp_path, rows))
