"""The lake knows what its partitions were made from, whoever wrote, moved or removed them."""

import shutil
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.lake import DeltaStore, provenance
from persona_assets.lake.provenance import (
    Contents,
    PartitionRecord,
    Provenance,
    of_write,
    partition_files,
)
from persona_assets.tables import Table

MONDAY, TUESDAY = date(2025, 3, 3), date(2025, 3, 4)
Rows = Callable[[Mapping[date, list[int]]], pl.DataFrame]


def record(rows: int = 1, digest: int = 1, **others: Any) -> PartitionRecord:
    given = {"files": "f", "code_version": "c", "settings": "", "inputs": {"raw/events": "1:2-3"}}
    return PartitionRecord(rows, f"{digest:016x}", **(given | others))


def write(store: DeltaStore, known: Provenance, table: Table, frame: pl.DataFrame, *days: date):
    """Write days and remember it, as a step of the graph does."""
    written = store.overwrite(table, frame, partitions=days)
    records = of_write(
        [written],
        partition_files(store, table, at=written.version),
        code_version="c",
        settings="",
        inputs={},
        run_id="r",
    )
    known.write(table.path, records)
    return records


@settings(max_examples=60)
@given(
    st.dictionaries(st.integers(0, 20), st.tuples(st.integers(0, 9), st.integers(0, 2**64 - 1))),
    st.integers(-2, 22),
    st.integers(-2, 22),
)
def test_digest_of_a_window_is_that_of_its_partitions_alone(partitions, first, end):
    def key(number: int) -> str:
        return (MONDAY + timedelta(days=number)).isoformat()

    all_of_them = {key(n): record(rows, total) for n, (rows, total) in partitions.items()}
    inside = {key(n): all_of_them[key(n)] for n in partitions if first <= n < end}
    assert Contents(all_of_them).digest(key(first), key(end)) == Contents(inside).digest()


def test_a_day_without_rows_is_not_the_same_as_no_day():
    nothing = record(rows=0, digest=0)
    assert Contents({}).digest() != Contents({"2025-03-03": nothing}).digest()


def test_records_come_back_in_another_process_with_their_checks(tmp_path: Path):
    known = Provenance(DeltaStore(str(tmp_path)))
    known.write("mart/sessions", {"2025-03-03": record(), "2025-03-04": record(rows=2)})
    known.check("mart/sessions", "contract", {"2025-03-03": True, "2025-03-04": False})
    elsewhere = Provenance(DeltaStore(str(tmp_path)))
    assert elsewhere.records() == known.records()
    found = elsewhere.records()["mart/sessions"]
    assert found["2025-03-03"] == record(checks={"contract": True})
    assert found["2025-03-04"] == record(rows=2, checks={"contract": False})


def test_writing_a_partition_again_forgets_what_its_checks_found(tmp_path: Path):
    known = Provenance(DeltaStore(str(tmp_path)))
    known.write("mart/sessions", {"2025-03-03": record()})
    known.check("mart/sessions", "contract", {"2025-03-03": False})
    Provenance(DeltaStore(str(tmp_path))).write("mart/sessions", {"2025-03-03": record(rows=5)})
    assert known.records()["mart/sessions"]["2025-03-03"] == record(rows=5)


def test_many_writes_leave_few_files_and_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(provenance, "_FILES", 4)
    known = Provenance(DeltaStore(str(tmp_path)))
    for number in range(12):
        known.write("mart/sessions", {f"2025-03-{number % 5 + 1:02}": record(rows=number)})
        known.check("mart/sessions", "contract", {f"2025-03-{number % 5 + 1:02}": True})
        known.records()
    rows = {key: each.rows for key, each in known.records()["mart/sessions"].items()}
    assert rows == {f"2025-03-0{n + 1}": max(k for k in range(12) if k % 5 == n) for n in range(5)}
    fresh = Provenance(DeltaStore(str(tmp_path)))
    assert fresh.records() == known.records()
    found = fresh.records()["mart/sessions"].values()
    assert all(each.checks == {"contract": True} for each in found)


def test_the_same_rows_in_other_files_keep_their_record(tmp_path: Path, facts: Table, rows: Rows):
    store = DeltaStore(str(tmp_path))
    known = Provenance(store)
    frame = rows({MONDAY: [1, 2], TUESDAY: [3]})
    write(store, known, facts, frame, MONDAY, TUESDAY)
    known.check(facts.path, "contract", {"2025-03-03": True, "2025-03-04": True})
    store.overwrite(facts, frame.filter(pl.col("event_date") == MONDAY), partitions=[MONDAY])
    verified = known.verified([facts])[facts.path]
    assert set(verified) == {"2025-03-03", "2025-03-04"}
    assert all(each.checks == {"contract": True} for each in known.records()[facts.path].values())
    # And now it is known without reading the rows again.
    assert verified["2025-03-03"].files == partition_files(store, facts)["2025-03-03"]


def test_rows_that_somebody_else_wrote_have_no_record(tmp_path: Path, facts: Table, rows: Rows):
    store = DeltaStore(str(tmp_path))
    known = Provenance(store)
    write(store, known, facts, rows({MONDAY: [1, 2], TUESDAY: [3]}), MONDAY, TUESDAY)
    store.overwrite(facts, rows({MONDAY: [1, 7]}), partitions=[MONDAY])
    assert set(known.verified([facts])[facts.path]) == {"2025-03-04"}


def test_rows_that_are_gone_have_no_record(tmp_path: Path, facts: Table, rows: Rows):
    store = DeltaStore(str(tmp_path))
    known = Provenance(store)
    write(store, known, facts, rows({MONDAY: [1, 2], TUESDAY: []}), MONDAY, TUESDAY)
    store.overwrite(facts, rows({MONDAY: []}), partitions=[MONDAY])
    # A day that never had rows is as it was.
    assert set(known.verified([facts])[facts.path]) == {"2025-03-04"}
    shutil.rmtree(tmp_path / facts.path)
    assert set(known.verified([facts])[facts.path]) == {"2025-03-04"}
