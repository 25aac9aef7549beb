"""Collected events move to another key with the people that raw tables know, or nothing moves."""

from pathlib import Path

import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.lake import DeltaStore, key_record, rekey
from persona_assets.lake.append_once import mark_of
from persona_assets.lake.key_record import KeyRecord, fingerprint
from persona_assets.serving.collector.acceptance import Door, encoded
from persona_assets.serving.collector.contract import Delivered, Reading
from persona_assets.serving.collector.ingest import application, ingest
from persona_assets.serving.event_log.writer import EventLog
from persona_assets.tables.collected import COLLECTED_EVENTS
from persona_assets.tables.raw import USERS
from persona_assets.transforms.pseudonyms import pseudonym

OLD, NEW = b"0123456789abcdef", b"fedcba9876543210"
NOW = 1_767_268_800_000_000


def collected(folder: Path, store: DeltaStore, *people: str) -> None:
    log = EventLog(folder)
    events = [
        Delivered(
            event_id=f"e-{number}",
            event_type="view",
            user_id=person,
            session_id="visit",
            product_id="p",
            consent=True,
        )
        for number, person in enumerate(people)
    ]
    kept = Door(OLD).accepted(Reading(events=events), NOW)
    log.append([encoded(each) for each in kept]).result()
    log.close()
    ingest(folder, store)


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    found = DeltaStore(str(tmp_path / "lake"))
    users = pl.DataFrame({"user_id": ["anna", "berta"]}).with_columns(
        country=pl.lit(None, pl.String), signup_date=pl.lit(None, pl.Date)
    )
    found.overwrite(USERS, users)
    key_record.save(found, KeyRecord(fingerprint(OLD)))
    return found


def people(store: DeltaStore) -> list[str]:
    return store.read(COLLECTED_EVENTS).sort("event_id")["user_id"].to_list()


def test_people_of_the_raw_tables_are_hashed_again(tmp_path: Path, store: DeltaStore) -> None:
    folder = tmp_path / "event_log"
    collected(folder, store, "anna", "berta")
    mark = mark_of(store, COLLECTED_EVENTS, application(folder))
    rekey.rehash(store, OLD, NEW, listener=lambda _: None)
    assert people(store) == [pseudonym(name, NEW) for name in ("anna", "berta")]
    # How far the log was brought in is known still: nothing comes a second time.
    assert mark_of(store, COLLECTED_EVENTS, application(folder)) == mark
    assert ingest(folder, store).rows == 0


def test_people_whom_the_service_alone_knows_stop_it(tmp_path: Path, store: DeltaStore) -> None:
    collected(tmp_path / "event_log", store, "anna", "nobody else")
    before = people(store)
    with pytest.raises(DataError, match="1 people in user_id are in no raw table"):
        rekey.rehash(store, OLD, NEW, listener=lambda _: None)
    assert people(store) == before
    assert key_record.load(store) == KeyRecord(fingerprint(OLD))


def test_a_lost_key_takes_no_collected_event_with_it(tmp_path: Path, store: DeltaStore) -> None:
    collected(tmp_path / "event_log", store, "anna")
    rekey.empty(store, NEW, listener=lambda _: None)
    assert people(store) == [pseudonym("anna", OLD)]


def test_lists_of_people_whom_nobody_else_knows_are_lists_of_nobody(
    tmp_path: Path, store: DeltaStore
) -> None:
    from persona_assets.serving.served.ingest import rows_of
    from persona_assets.serving.served.record import ServedList
    from persona_assets.tables.collected import SERVED_LISTS

    lists = [
        ServedList(
            recommendation_id="0" * 31 + str(number), served_at=NOW, route="recommendations",
            model="als", version="v", path="personal", latency_us=1, products=["p"], scores=[1.0],
            user_id=None if person is None else pseudonym(person, OLD),
        )
        for number, person in enumerate(["anna", "who looked only", None])
    ]  # fmt: skip
    rows = rows_of(lists)
    store.overwrite(SERVED_LISTS, rows, partitions=rows["event_date"].unique().to_list())
    rekey.rehash(store, OLD, NEW, listener=lambda _: None)
    found = store.read(SERVED_LISTS).sort("recommendation_id")
    assert found["user_id"].to_list() == [pseudonym("anna", NEW), None, None]
    assert found.drop("user_id").equals(rows.sort("recommendation_id").drop("user_id"))
