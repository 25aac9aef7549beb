"""Every logged list is in the lake once, whoever brings it in; a torn record takes no other."""

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from persona_assets.errors import DataError
from persona_assets.lake import DeltaStore
from persona_assets.serving.event_log.segments import segments
from persona_assets.serving.event_log.writer import EventLog
from persona_assets.serving.served.ingest import ingest, rows_of
from persona_assets.serving.served.record import ServedList, decoded, encoded
from persona_assets.tables.collected import SERVED_LISTS

NOON = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp() * 1e6)


def served(number: int, products: int = 3) -> ServedList:
    return ServedList(
        recommendation_id=f"r-{number}",
        served_at=NOON + number,
        route="recommendations",
        model="als",
        version="v",
        path="personal",
        latency_us=700,
        products=[f"p-{each}" for each in range(products)],
        scores=[1.0 / (each + 1) for each in range(products)],
        user_id=f"{number:032x}",
        context="home",
    )


def logged(folder: Path, *lists: ServedList, segment_bytes: int = 2_000) -> Path:
    log = EventLog(folder, segment_bytes=segment_bytes)
    for each in lists:
        log.append([encoded(each)]).result()
    log.close()
    return folder


def found(store: DeltaStore) -> list[tuple[str, int]]:
    rows = store.read(SERVED_LISTS).sort("served_at", "position")
    return list(rows.select("recommendation_id", "position").iter_rows())


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    return DeltaStore(str(tmp_path / "lake"))


def test_a_list_is_a_row_per_product_in_its_order(tmp_path: Path, store: DeltaStore) -> None:
    ingest(logged(tmp_path / "log", served(1, products=2), served(2, products=0)), store)
    rows = store.read(SERVED_LISTS).sort("position")
    assert rows.select("event_date", "position", "product_id", "score", "propensity").rows() == [
        (date(2026, 1, 1), 1, "p-0", 1.0, 1.0),
        (date(2026, 1, 1), 2, "p-1", 0.5, 1.0),
    ]
    assert set(rows["user_id"]) == {f"{1:032x}"}


def test_a_list_that_is_logged_again_is_there_once(tmp_path: Path, store: DeltaStore) -> None:
    folder = logged(tmp_path / "log", served(1), served(2))
    assert ingest(folder, store).rows == 6
    logged(folder, served(2), served(3))
    again = ingest(folder, store)
    assert (again.rows, again.known) == (3, 3)
    assert found(store) == [(f"r-{n}", place) for n in (1, 2, 3) for place in (1, 2, 3)]


def test_a_torn_last_record_takes_no_other_with_it(tmp_path: Path, store: DeltaStore) -> None:
    folder = logged(tmp_path / "log", *(served(n) for n in range(3)), segment_bytes=1 << 20)
    (only,) = segments(folder)
    torn = only.path.with_suffix(".open")
    only.path.rename(torn)
    torn.write_bytes(torn.read_bytes()[:-10])  # as a killed service leaves it
    logged(folder, served(7))
    ingest(folder, store)
    assert {name for name, _ in found(store)} == {"r-0", "r-1", "r-7"}


def test_a_record_that_is_no_list_is_named_and_not_shown(tmp_path: Path, store: DeltaStore) -> None:
    log = EventLog(tmp_path / "log")
    log.append([b'{"recommendation_id": "of somebody"}']).result()
    log.close()
    with pytest.raises(DataError, match="not a list") as raised:
        ingest(tmp_path / "log", store)
    assert "somebody" not in str(raised.value)


def test_a_record_is_read_as_it_was_written() -> None:
    assert decoded(encoded(served(4))) == served(4)
    assert rows_of([]).is_empty()


RACER = """
import sys, time
from pathlib import Path
from persona_assets.lake import DeltaStore
from persona_assets.serving.served.ingest import ingest

folder, root, here, begin = sys.argv[1:]
Path(here).touch()
while not Path(begin).exists():
    time.sleep(0.001)
ingest(Path(folder), DeltaStore(root), records=5)
"""


def test_two_racing_ingesters_bring_each_list_in_once(tmp_path: Path, store: DeltaStore) -> None:
    folder = logged(tmp_path / "log", *(served(number) for number in range(40)))
    here, begin = [tmp_path / "first", tmp_path / "second"], tmp_path / "begin"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(folder), store.root, str(each), str(begin)],
            env=environment,
        )
        for each in here
    ]
    while not all(each.exists() for each in here) and not any(each.poll() for each in racers):
        time.sleep(0.01)
    begin.touch()
    assert [each.wait() for each in racers] == [0, 0]
    assert found(store) == [(f"r-{n}", place) for n in range(40) for place in (1, 2, 3)]
