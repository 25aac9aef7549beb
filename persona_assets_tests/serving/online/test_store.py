"""What both places for snapshots promise: the newest row by event time, one snapshot at a time."""

import itertools
import threading
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError
from persona_assets.serving.online.opening import open_store
from persona_assets.serving.online.packing import Layout
from persona_assets.serving.online.store import OnlineStore
from persona_assets.serving.online.views import OnlineView

VIEW = OnlineView(
    "user_features", 1, "user_id", (("views", "int64"), ("price", "float64")), ttl_s=86_400
)
DAY_US = 86_400_000_000


def frame(rows: list[tuple[object, ...]], view: OnlineView = VIEW) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=Layout(view).schema, orient="row")


def test_what_was_published_is_found_with_its_age(place, publish):
    store = OnlineStore(open_store(*place).backend, clock=lambda: 3 * 86_400.0)
    name = publish(
        [("ann", DAY_US, DAY_US + 5, 2**53 + 1, None), ("bob", 2 * DAY_US + 1, 0, 1, 0.1)]
    )
    ann, bob = store.read_many("user_features", ["ann", "bob"])
    assert ann.values == {"views": 2**53 + 1, "price": None}
    assert (ann.as_of_us, ann.arrived_us, ann.version, ann.snapshot) == (
        DAY_US,
        DAY_US + 5,
        1,
        name,
    )
    assert (ann.age_s, ann.stale) == (2 * 86_400, True)
    assert ann.as_of.isoformat() == "1970-01-02T00:00:00+00:00"
    assert not bob.stale
    assert store.read("user_features", "eve") is None
    with pytest.raises(DataError, match=r"no view 'item_features'; it has user_features"):
        store.read("item_features", "cup")


def test_all_rows_of_a_view_come_back_whatever_the_identifiers_are(store, publish):
    names = ["", "b", "a\0b", "ü '; --", "x" * 256, "x" * 257, "y" * 5000, "*", "user_features"]
    rows = [(name, n, n, n, n / 3) for n, name in enumerate(names)]
    publish(rows)
    assert_frame_equal(store.frame("user_features"), frame(rows).sort("user_id"))
    for name, *_, price in rows:
        assert store.read("user_features", name).values["price"] == price
    assert store.manifest().rows == len(names)


def test_views_whose_names_begin_alike_do_not_mix(store):
    other = replace(VIEW, name="user")
    with store.stage() as stage:
        stage.put(VIEW, frame([("a", 1, 1, 1, 1.0)]))
        stage.put(other, frame([("_features", 2, 2, 2, 2.0)]))
        for view in (VIEW, other):
            stage.describe(view)
    store.backend.approve(stage.name)
    store.backend.publish()
    assert store.frame("user")["user_id"].to_list() == ["_features"]
    assert store.frame("user_features")["user_id"].to_list() == ["a"]


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(-2, 2),
        st.integers(-2, 2),
        st.integers(0, 2),
        st.sampled_from([None, 0.0, 1.0]),
    ),
    max_size=8,
)


@given(batches=st.lists(ROWS, max_size=4), data=st.data())
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_any_order_of_batches_gives_the_same_store(store, batches, data):
    def stored(ordered: list[list[tuple[object, ...]]]) -> list[tuple[bytes, bytes]]:
        with store.stage() as stage:
            for batch in ordered:
                stage.put(VIEW, frame(batch))
            stage.describe(VIEW)
        assert store.backend.manifest(staged=True).rows == len({r[0] for b in batches for r in b})
        return list(store.backend.scan(b"user_features\0", staged=True))

    flat = [[row] for batch in batches for row in batch]
    expected = stored(batches)
    assert stored(data.draw(st.permutations(batches))) == expected
    assert stored(data.draw(st.permutations(flat))) == expected
    newest = {}
    for row in sorted((row for batch in batches for row in batch), key=lambda row: row[1:3]):
        newest[row[0]] = row[1:3]
    found = store.frame("user_features", staged=True)
    assert (
        dict(zip(found["user_id"], found.select("event_us", "arrival_us").rows(), strict=True))
        == newest
    )


def test_an_older_event_never_replaces_a_newer_one(store):
    rows = [("a", 5, 1, 50, 0.0), ("a", 4, 9, 40, 0.0), ("a", 5, 2, 51, 0.0), ("a", 5, 0, 49, 0.0)]
    for order in itertools.permutations(rows):
        with store.stage() as stage:
            for row in order:
                stage.put(VIEW, frame([row]))
            stage.describe(VIEW)
        assert store.frame("user_features", staged=True)["views"].to_list() == [51]


def test_nothing_is_read_before_it_was_approved_and_published(store, publish):
    with pytest.raises(DataError, match=r"no snapshot is published in the online store .*again"):
        store.read("user_features", "a")
    with pytest.raises(DataError, match="no snapshot is staged"):
        store.backend.publish()
    publish([("a", 1, 1, 1, 1.0)])
    with store.stage() as stage:
        stage.put(VIEW, frame([("a", 2, 2, 2, 2.0)]))
        stage.describe(VIEW)
    assert store.read("user_features", "a").values["views"] == 1
    with pytest.raises(DataError, match="was not compared with its tables"):
        store.backend.publish()
    assert store.frame_of("user_features", ["a", "b"], staged=True)["views"].to_list() == [2]
    with store.stage() as another:
        another.describe(VIEW)
    with pytest.raises(DataError, match="is not staged any more"):
        store.backend.approve(stage.name)
    assert store.read("user_features", "a").values["views"] == 1


def test_a_snapshot_that_is_not_finished_leaves_nothing(store, publish, place):
    publish([("a", 1, 1, 1, 1.0)])
    with pytest.raises(KeyboardInterrupt), store.stage() as stage:
        stage.put(VIEW, frame([("a", 2, 2, 2, 2.0)]))
        raise KeyboardInterrupt
    assert store.backend.manifest(staged=True) is None
    assert store.read("user_features", "a").values["views"] == 1
    if place[1] is None:
        assert len(list((Path(store.backend.where) / "snapshots").iterdir())) == 1
    else:
        assert len(store.backend._client.keys("persona:online:*user_features*")) == 1


def test_a_missing_identifier_and_a_view_of_another_definition_are_named(store, publish):
    with pytest.raises(DataError, match="user_id is missing in a row"), store.stage() as stage:
        stage.put(VIEW, frame([(None, 1, 1, 1, 1.0)]))
    publish([("a", 1, 1, 1, 1.0)])
    changed = replace(VIEW, version=2, features=(("views", "float64"),))
    publish([("a", 1, 1, 0.5)], changed)
    assert store.read("user_features", "a").values == {"views": 0.5}
    assert store.read("user_features", "a").version == 2


def test_readers_see_one_snapshot_at_a_time_while_others_are_published(store, publish, place):
    names = [f"u{n}" for n in range(40)]
    publish([(name, 0, 0, 0, 0.0) for name in names])
    reader = open_store(*place)
    stop, seen = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            rows = reader.read_many("user_features", names)
            seen.append({(row.values["views"], row.snapshot) for row in rows})

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for number in range(1, 20):
            publish([(name, number, number, number, 0.0) for name in names])
    finally:
        stop.set()
        thread.join()
    assert seen
    assert all(len(each) == 1 for each in seen)
    assert reader.read("user_features", "u7").values["views"] == 19


def test_a_cleared_store_has_nothing_and_can_be_filled_again(store, publish):
    publish([("a", 1, 1, 1, 1.0)])
    store.backend.verify()
    store.backend.clear()
    assert store.manifest() is None
    publish([("b", 1, 1, 1, 1.0)])
    assert store.read("user_features", "a") is None
    assert store.read("user_features", "b") is not None
