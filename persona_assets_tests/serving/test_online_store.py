import threading
from datetime import date
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.serving.online_store import OnlineStore, newest

SCHEMA = pl.Schema(
    {
        "as_of": pl.Date(),
        "user_id": pl.String(),
        "views_30d": pl.Int64(),
        "revenue_30d": pl.Float64(),
        "conversion_30d": pl.Float64(),
    }
)


def features(rows: dict[str, float | None], views: int = 2**53 + 1) -> pl.DataFrame:
    return pl.DataFrame(
        [(date(2025, 3, 1), user, views, 0.1, value) for user, value in rows.items()],
        schema=SCHEMA,
        orient="row",
    )


@pytest.fixture
def store(tmp_path: Path) -> OnlineStore:
    return OnlineStore(tmp_path / "online" / "features.sqlite")


def test_what_was_put_is_found_by_entity_and_identifier(store):
    users, items = features({"u1": 0.5, "u2": None}), features({"u1": 0.25})
    items = items.rename({"user_id": "product_id"})
    assert store.replace({"user": ("user_id", users), "product": ("product_id", items)}) == 3
    assert store.get("user", "u2") == {
        "as_of": "2025-03-01",
        "views_30d": 2**53 + 1,
        "revenue_30d": 0.1,
        "conversion_30d": None,
    }
    assert store.get("product", "u1")["conversion_30d"] == 0.25
    assert store.get("user", "u3") is None
    assert store.get("shop", "u1") is None


def test_a_snapshot_is_the_frame_that_was_written(store):
    frame = features({"b": 0.1 + 0.2, "a": None, "ü '; --": 5e-324})
    store.replace({"user": ("user_id", frame), "product": ("user_id", frame.head(1))})
    assert_frame_equal(store.snapshot("user", "user_id", SCHEMA), frame.sort("user_id"))
    assert store.snapshot("session", "user_id", SCHEMA).schema == SCHEMA
    assert store.snapshot("session", "user_id", SCHEMA).is_empty()


def test_replacing_forgets_what_was_there_before(store):
    store.replace({"user": ("user_id", features({"old": 1.0}))})
    store.replace({"user": ("user_id", features({"new": 1.0}))})
    assert store.get("user", "old") is None
    assert store.replace({"user": ("user_id", features({}))}) == 0
    assert store.snapshot("user", "user_id", SCHEMA).is_empty()


@pytest.mark.parametrize("name", ["u1", None])
def test_a_bad_identifier_is_refused_and_the_old_content_stays(store, name):
    store.replace({"user": ("user_id", features({"u1": 1.0}))})
    bad = pl.concat(
        [features({"u1": 2.0}), features({"u2": 2.0}).with_columns(user_id=pl.lit(name))]
    )
    with pytest.raises(DataError, match=r"missing or occurs twice.*materialize feature_store"):
        store.replace({"user": ("user_id", bad)})
    assert store.get("user", "u1")["conversion_30d"] == 1.0
    # What the failed attempt left beside it is in nobody's way.
    store.replace({"user": ("user_id", features({"u1": 3.0}))})
    assert store.get("user", "u1")["conversion_30d"] == 3.0


def test_a_replacement_that_dies_midway_leaves_the_old_content(store):
    store.replace({"user": ("user_id", features({"u1": 1.0}))})

    class Dying(dict):
        def items(self):
            yield "user", ("user_id", features({"u1": 2.0}))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.replace(Dying())
    assert store.get("user", "u1")["conversion_30d"] == 1.0


def test_readers_see_the_old_or_the_new_content_during_a_replacement(store):
    names = [f"u{number}" for number in range(50)]
    store.replace({"user": ("user_id", features(dict.fromkeys(names, 0.0)))})
    stop = threading.Event()
    seen: list[set[float]] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(set(store.snapshot("user", "user_id", SCHEMA)["conversion_30d"]))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 40):
            values = dict.fromkeys(names, float(number))
            assert store.replace({"user": ("user_id", features(values))}) == 50
    finally:
        stop.set()
        reader.join()
    assert seen
    assert all(len(values) == 1 for values in seen)
    assert store.get("user", "u7")["conversion_30d"] == 39.0


def test_a_store_that_is_not_there_is_named_with_its_asset(store):
    for attempt in (
        lambda: store.get("user", "u1"),
        lambda: store.snapshot("user", "user_id", SCHEMA),
    ):
        with pytest.raises(DataError, match=r"no online store at .*features.sqlite; materialize"):
            attempt()
    assert not store.path.exists()


@pytest.mark.parametrize("content", [b"not a database at all, but long enough" * 99, b""])
def test_a_damaged_store_is_named_with_its_remedy(store, content):
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    with pytest.raises(DataError, match=r"features.sqlite cannot be read: .*online_features again"):
        store.get("user", "u1")
    store.replace({"user": ("user_id", features({"u1": 1.0}))})
    assert store.get("user", "u1") is not None


def test_a_place_that_cannot_be_written_is_the_infrastructures_fault(store):
    store.path.parent.write_text("in the way")
    with pytest.raises(InfrastructureError, match=r"cannot write the online store .*sqlite"):
        store.replace({"user": ("user_id", features({"u1": 1.0}))})


@pytest.mark.parametrize("folder", ["a b", "100%", "what?mode=rw", "#1", "ü"])
def test_any_folder_name_works(tmp_path, folder):
    store = OnlineStore(tmp_path / folder / "features.sqlite")
    store.replace({"user": ("user_id", features({"u1": 1.0}))})
    assert store.get("user", "u1") is not None


@given(st.lists(st.tuples(st.dates() | st.none(), st.integers(0, 3)), max_size=8))
def test_the_newest_rows_are_those_of_the_largest_value(rows):
    frame = pl.DataFrame(rows, schema={"as_of": pl.Date, "number": pl.Int64}, orient="row")
    found = newest(nw.from_native(frame.lazy()), "as_of").collect("polars").to_native()
    last = max((day for day, _ in rows if day), default=None)
    assert found.columns == frame.columns
    assert sorted(found.rows()) == sorted(row for row in rows if row[0] == last and last)
