from datetime import date

import pytest

from persona_assets.errors import DataError
from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import content_hash
from persona_assets.report.collect import Conservation, collect
from persona_assets.settings import Settings
from persona_assets.tables import TABLES


@pytest.fixture
def home(tmp_path):
    settings = Settings(home=tmp_path)
    return settings, DeltaStore(settings.lake_root)


def test_every_delivered_row_is_kept_rejected_or_waiting(full):
    assert full.conservation == Conservation(30, 17, 3, 10, {"no_consent": 2, "zero_price": 1})
    assert full.conservation.missing_rows == 0


def test_a_lost_row_of_a_cleaned_day_is_missing_and_not_waiting(home, put):
    settings, store = home
    day = date(2025, 1, 1)
    put(store, "raw/events", [{"event_date": day, "source_row": row} for row in range(5)])
    put(store, "mart/user_item_interactions", [{"event_date": day, "source_row": 0}])
    rows = collect(store, settings, None).conservation
    assert (rows.pending_rows, rows.missing_rows) == (0, 4)


def test_a_fully_rejected_day_is_not_waiting(home, put):
    settings, store = home
    rows = [{"event_date": date(2025, 1, 1), "source_row": row} for row in range(2)]
    put(store, "raw/events", rows)
    put(store, "mart/quarantine", rows)
    found = collect(store, settings, None).conservation
    assert (found.pending_rows, found.missing_rows) == (0, 0)


def test_reasons_come_in_order_of_frequency_then_name(home, put):
    settings, store = home
    rules = ["zero_price", "no_consent", "zero_price", "missing_user", "no_consent"]
    put(
        store,
        "mart/quarantine",
        [
            {"event_date": date(2025, 1, 1), "source_row": row, "rule": rule}
            for row, rule in enumerate(rules)
        ],
    )
    reasons = collect(store, settings, None).conservation.by_reason
    assert list(reasons.items()) == [("no_consent", 2), ("zero_price", 2), ("missing_user", 1)]


def test_a_table_is_described_as_it_lies_in_the_lake(full, store):
    state = full.tables["mart/user_item_interactions"]
    assert (state.rows, state.partitions) == (17, 2)
    assert state.version == store.version(TABLES["mart/user_item_interactions"])
    assert (state.first, state.last) == ("2025-01-01", "2025-01-02")
    for path, found in full.tables.items():
        assert found.content_hash == content_hash(store.read(TABLES[path])), path


def test_an_overwritten_day_moves_version_and_hash_of_its_table_alone(home, put):
    settings, store = home
    rows = [{"event_date": date(2025, 1, day), "source_row": 0} for day in (1, 2)]
    put(store, "raw/events", rows)
    put(store, "raw/orders", rows)
    before = collect(store, settings, None).tables
    put(store, "raw/events", [{**rows[1], "quantity": 9}])
    after = collect(store, settings, None).tables
    assert after["raw/orders"] == before["raw/orders"]
    assert after["raw/events"].version > before["raw/events"].version
    assert after["raw/events"].content_hash != before["raw/events"].content_hash
    assert after["raw/events"].rows == before["raw/events"].rows


def test_an_emptied_day_is_no_partition(home, put):
    settings, store = home
    days = [date(2025, 1, 1), date(2025, 1, 2)]
    put(store, "raw/events", [{"event_date": day, "source_row": 0} for day in days])
    events = TABLES["raw/events"]
    store.overwrite(events, events.empty(), partitions=days[1:])
    state = collect(store, settings, None).tables["raw/events"]
    assert (state.partitions, state.last) == (1, "2025-01-01")


def test_without_hashes_nothing_else_is_missing(full, store, settings):
    quick = collect(store, settings, full.run, content_hashes=False)
    assert {state.content_hash for state in quick.tables.values()} == {None}
    assert quick.conservation == full.conservation
    for path, state in quick.tables.items():
        expected = full.tables[path]
        assert (state.rows, state.version, state.partitions, state.first, state.last) == (
            *(expected.rows, expected.version, expected.partitions),
            *(expected.first, expected.last),
        )


def test_lists_are_analysed_at_the_cut_off_of_the_comparison(home, put, full):
    assert full.analysis["cutoff"].unique().to_list() == [date(2025, 1, 20)]
    settings, store = home
    rows = [{"cutoff": date(2025, 1, day), "model": "als"} for day in (6, 13, 20)]
    put(store, "evaluation/recommendation_analysis", rows)
    put(store, "evaluation/model_comparison", rows[1:2])
    analysis = collect(store, settings, None).analysis
    assert analysis["cutoff"].to_list() == [date(2025, 1, 13)]


def test_lists_are_analysed_at_the_newest_cut_off_where_none_is_compared(home, put):
    settings, store = home
    rows = [{"cutoff": date(2025, 1, day), "model": "als"} for day in (13, 6)]
    put(store, "evaluation/recommendation_analysis", rows)
    analysis = collect(store, settings, None).analysis
    assert analysis["cutoff"].to_list() == [date(2025, 1, 13)]


def test_arms_count_users_control_first(full):
    assert full.arms.rows() == [
        ("control", "popularity", 4),
        ("challenger_1", "als", 3),
        ("challenger_2", "bpr", 3),
    ]
    assert full.ab_test["arm"].unique(maintain_order=True).to_list() == [
        "challenger_1",
        "challenger_2",
    ]


def test_segments_are_those_of_the_newest_cut_off_that_has_profiles(home, put, full):
    assert full.customers.cutoff == date(2025, 1, 20)
    settings, store = home
    weeks = [date(2025, 1, day) for day in (6, 13, 20)]
    names = ("Gone", "Lapsing", "Lapsing")
    rows = [
        {"cutoff": week, "segment": place, "name": name, "user_id": "u", "k": place}
        for place, (week, name) in enumerate(zip(weeks, names, strict=True), start=1)
    ]
    for table in ("segment_profiles", "clustering_comparison", "customer_segments"):
        shown = rows[:2] if table == "segment_profiles" else rows
        schema = TABLES[f"segmentation/{table}"].polars_schema
        kept = [{name: row[name] for name in row if name in schema} for row in shown]
        put(store, f"segmentation/{table}", kept)
    found = collect(store, settings, None).customers
    assert found.cutoff == weeks[1]
    assert found.tried["k"].to_list() == [2]
    assert found.members["segment"].to_list() == [2]
    assert found.names == {1: "Gone", 2: "Lapsing"}
    assert found.churn is None


def test_an_empty_home_has_a_report(bare):
    assert bare.tables == {}
    assert bare.conservation == Conservation(0, 0, 0, 0, {})
    assert bare.comparison.is_empty()
    assert bare.comparison.columns == TABLES["evaluation/model_comparison"].polars_schema.names()


def test_a_table_that_cannot_be_read_is_named(home, put):
    settings, store = home
    put(store, "raw/events", [{"event_date": date(2025, 1, 1), "source_row": 0}])
    log = settings.home / "lake" / "raw" / "events" / "_delta_log"
    for file in log.iterdir():
        file.write_text("{broken")
    with pytest.raises(DataError, match="raw/events"):
        collect(store, settings, None)
