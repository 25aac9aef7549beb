"""A snapshot is published only if it is equal to its tables; else the one before stays."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from persona_assets.orchestration.resources.build import resources_of
from persona_assets.serving.online import materialization
from persona_assets.serving.online.live_tail import LiveCounts, LiveEvent, LiveTail
from persona_assets.serving.online.store import OnlineStore, Stage
from persona_assets.serving.online.views import SERVED, OnlineView
from persona_assets.serving.profiles import profile
from persona_assets.tables import feature_store, segmentation

STAGED, PUBLISHED = "feature_store/online_snapshot", "feature_store/online_features"
SNAPSHOTS = ["feature_store/user_features", "feature_store/item_features"]
DAYS = ("2025-01-01", "2025-01-02", "2025-01-03")
NEWEST = date(2025, 1, 3)
SEGMENTS, ITEMS = segmentation.CUSTOMER_SEGMENTS, feature_store.ITEM_FEATURES
CUTOFF = date(2025, 1, 13)


@pytest.fixture
def graph(open_graph: Callable[..., Any], copy_tables: Callable[..., None], three_days: Any) -> Any:
    graph = open_graph()
    copy_tables(three_days.store, graph, *SNAPSHOTS, days=DAYS)
    bought = graph.store.read(feature_store.USER_FEATURES)["user_id"].unique().sort()[::2]
    named = pl.DataFrame(
        [
            {"cutoff": CUTOFF, "user_id": user, "segment": 1, "name": "Champions"}
            | {"components": [0.5, -0.0], "distance": 0.5, "margin": 0.5, "outlier": False}
            | {"anomaly": float("nan")}
            for user in (*bought, "long-gone")
        ],
        schema=SEGMENTS.polars_schema,
    )
    graph.store.overwrite(SEGMENTS, named, partitions=[CUTOFF])
    publish(graph)
    return graph


def publish(graph: Any, *, must_succeed: bool = True) -> Any:
    return graph.run("reports", assets=[STAGED, PUBLISHED], must_succeed=must_succeed)


def online(graph: Any) -> OnlineStore:
    store: OnlineStore = resources_of(graph.defs)["online_store"]
    return store


def changed(graph: Any, table: Any, day: date, **columns: pl.Expr) -> None:
    rows = graph.store.read(table, [day]).with_columns(**columns)
    graph.store.overwrite(table, rows, partitions=[day])


def test_what_is_published_is_the_newest_partition_of_each_table(graph: Any) -> None:
    store = online(graph)
    assert store.backend.manifest(staged=True) is None
    for view in SERVED:
        found = store.frame(view.name)
        if not graph.store.exists(view.table):  # no cut-off with embeddings yet
            assert found.is_empty()
            continue
        day = {SEGMENTS: CUTOFF}.get(view.table, NEWEST)
        offline = graph.store.read(view.table, [day]).sort(view.key)
        assert found.height == offline.height > 0
        assert all(
            materialization.same_bits(found[name], offline[name])
            for name, _ in OnlineView.of(view).features
        )
    assert graph.check(STAGED)["parity", ""].passed


def test_segments_and_features_of_a_person_are_of_one_snapshot(graph: Any) -> None:
    tail = LiveTail.of(graph.settings.home)
    found = profile(online(graph), tail, "user", "long-gone")
    assert found.features["user_features"] is None
    segment = found.features["customer_segments"]
    assert (segment.values["segment"], segment.values["name"]) == (1, "Champions")
    assert segment.stale
    assert found.today == LiveCounts()


def test_todays_events_are_counted_beside_the_features_until_a_snapshot_knows_them(
    graph: Any,
) -> None:
    tail = LiveTail.of(graph.settings.home)
    midnight = 1_735_948_800_000_000  # the end of the newest day, 2025-01-04 00:00 UTC
    for number, (kind, at) in enumerate([("view", -1), ("view", 0), ("purchase", 5)]):
        at += midnight
        tail.append([LiveEvent(f"e{number}", "ann", "cup", kind, at - 10**9, at)])
    for entity, name in (("user", "ann"), ("product", "cup")):
        found = profile(online(graph), tail, entity, name)
        assert found.since_us == midnight
        assert found.today == LiveCounts(events=2, views=1, purchases=1)


def test_a_planted_mismatch_leaves_the_old_snapshot_in_place(
    graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = online(graph).manifest()
    changed(graph, ITEMS, NEWEST, events_7d=pl.col("events_7d") + 1)
    put = Stage.put

    def with_one_wrong(stage: Stage, view: OnlineView, rows: pl.DataFrame) -> None:
        if view.name == "item_features":
            last = pl.int_range(pl.len()) == pl.len() - 1
            rows = rows.with_columns(
                revenue_7d=pl.col("revenue_7d") + last.cast(pl.Float64) / 2**40
            )
        put(stage, view, rows)

    monkeypatch.setattr(Stage, "put", with_one_wrong)
    result = publish(graph, must_succeed=False)
    assert not result.success
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.blocking
    assert "differs from the tables in item_features (revenue_7d)" in evaluation.description
    assert {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()
            if event.asset_key} == {STAGED}  # fmt: skip
    assert online(graph).manifest() == before
    monkeypatch.undo()
    assert publish(graph).success
    assert online(graph).manifest().name > before.name


@pytest.mark.parametrize("change", ["missing", "more"])
def test_a_row_too_few_or_too_many_is_a_mismatch(
    graph: Any, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Stage.put

    def with_others(stage: Stage, view: OnlineView, rows: pl.DataFrame) -> None:
        more = rows.tail(1).with_columns(pl.lit("nobody").alias(view.key))
        put(stage, view, rows.head(-1) if change == "missing" else pl.concat([rows, more]))

    monkeypatch.setattr(Stage, "put", with_others)
    for compared in (materialization.COMPARED, 0):
        monkeypatch.setattr(materialization, "COMPARED", compared)
        assert not publish(graph, must_succeed=False).success


def test_one_wrong_row_of_a_large_table_is_found_where_the_sample_holds_it(
    graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(materialization, "COMPARED", 0)
    monkeypatch.setattr(materialization, "SAMPLE", 1)
    store, lake = online(graph), graph.store
    assert materialization.differences(store, lake, seed=1, staged=False) == []
    rows = lake.read(ITEMS, [NEWEST]).sort("product_id")
    sampled = rows.sample(1, seed=1)["product_id"][0]
    monkeypatch.setattr(
        materialization, "_rows", with_a_wrong_row(materialization._rows, "product_id", sampled)
    )
    assert materialization.differences(store, lake, seed=1, staged=False) == [
        "item_features (events_7d)"
    ]


def with_a_wrong_row(rows: Callable[..., pl.DataFrame], key: str, name: str) -> Any:
    def wrong(*arguments: Any) -> pl.DataFrame:
        found = rows(*arguments)
        if key not in found.columns or "events_7d" not in found.columns:
            return found
        return found.with_columns(events_7d=pl.col("events_7d") + (pl.col(key) == name))

    return wrong


def test_a_late_row_within_a_day_that_was_materialized_is_not_missed(graph: Any) -> None:
    """The failure that windows of event time have: what arrives late is never looked at again."""
    name = graph.store.read(ITEMS, [NEWEST])["product_id"][0]
    before = online(graph).read("item_features", name)
    late = pl.when(pl.col("product_id") == name).then(pl.col("views_1d") + 1)
    changed(graph, ITEMS, NEWEST, views_1d=late.otherwise(pl.col("views_1d")))
    publish(graph)
    after = online(graph).read("item_features", name)
    assert after.values["views_1d"] == before.values["views_1d"] + 1
    assert after.as_of_us == before.as_of_us
    assert after.arrived_us > before.arrived_us


def test_a_day_before_the_newest_never_replaces_it(graph: Any) -> None:
    before = online(graph).frame("item_features").drop("arrival_us")
    changed(graph, ITEMS, date(2025, 1, 2), views_1d=pl.col("views_1d") + 100)
    publish(graph)
    assert online(graph).frame("item_features").drop("arrival_us").equals(before)


def test_an_identifier_that_occurs_twice_is_named_and_nothing_is_staged(graph: Any) -> None:
    rows = graph.store.read(ITEMS, [NEWEST])
    graph.store.overwrite(ITEMS, pl.concat([rows, rows.head(1)]), partitions=[NEWEST])
    result = publish(graph, must_succeed=False)
    assert "occurs twice" in str(result.all_node_events)
    assert online(graph).backend.manifest(staged=True) is None
