"""Features out of the lake, as they were known at a time."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from persona_assets.errors import DataError, UserError
from persona_assets.feature_store.historical_features import get_historical_features
from persona_assets.tables.feature_store import ITEM_FEATURES, USER_FEATURES
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets_tests.feature_store.conftest import DAYS, at, daily, interaction, write

VIEWS_7D = "user_features:views_7d"
LAST = "latest_interaction:product_id"


def asked(*times: datetime | None, user: str | None = "u1") -> pl.DataFrame:
    return pl.DataFrame(
        {"user_id": [user] * len(times), "timestamp": list(times)},
        schema={"user_id": pl.String, "timestamp": pl.Datetime("us", "UTC")},
    )


def values(store, entities, feature, **options) -> list[object]:
    found = get_historical_features(store, entities, [feature], **options).collect()
    assert found.drop(found.columns[-1]).equals(entities)
    return found[feature.replace(":", "__")].to_list()


def test_a_snapshot_counts_from_the_end_of_its_day_until_the_end_of_the_next(store):
    tick = timedelta(microseconds=1)
    entities = asked(at(4), at(4) - tick, at(5) - tick, at(5), at(3), at(13), at(14) - tick, at(14))
    assert values(store, entities, VIEWS_7D) == [3, None, 3, 4, None, 12, 12, None]


def test_who_is_missing_in_a_snapshot_is_not_described_by_an_older_one(store):
    entities = asked(at(5, 12), at(6, 12), at(7, 12), user="u2")
    assert values(store, entities, VIEWS_7D) == [4, None, 6]


def test_a_weekly_row_counts_from_its_monday_for_a_week(store):
    entities = asked(at(2, 23), at(3), at(9, 23.9), at(10), at(17))
    segment = "customer_segments:segment"
    assert values(store, entities, segment) == [None, 1, 1, 2, None]


def test_what_arrived_late_is_not_known_before_and_never_replaces_what_happened_later(store):
    # p2 at noon of the 4th arrived on the 6th, when p1 of the 5th was known already.
    times = asked(at(4, 9), at(4, 10), at(4, 13), at(5, 7), at(5, 9), at(6, 9), at(9))
    assert values(store, times, LAST) == [None, "p1", "p1", "p1", "p1", "p1", "p1"]
    write(
        store,
        USER_ITEM_INTERACTIONS,
        [interaction(1, "u1", "p1", at(4, 10), at(4, 10)),
         interaction(2, "u1", "p2", at(4, 12), at(6, 9))],
    )  # fmt: skip
    write(store, USER_ITEM_INTERACTIONS, [interaction(4, "u2", "p2", at(5, 8), at(7, 8))])
    assert values(store, times, LAST) == ["p1" if at(4, 10) <= t < at(6, 9) else
        None if t < at(4, 10) else "p2" for t in times["timestamp"]]  # fmt: skip


def test_as_of_hides_what_became_known_later(store):
    entities = asked(at(6, 12), at(4, 12))
    assert values(store, entities, VIEWS_7D) == [5, 3]
    assert values(store, entities, VIEWS_7D, as_of=at(6)) == [5, 3]
    assert values(store, entities, VIEWS_7D, as_of=at(5, 23)) == [None, 3]
    late = asked(at(7))
    assert values(store, late, LAST, as_of=at(5, 7)) == ["p1"]
    write(store, USER_ITEM_INTERACTIONS, [interaction(3, "u1", "p3", at(5, 8), at(8, 8))])
    assert values(store, asked(at(9)), LAST) == ["p3"]
    assert values(store, asked(at(9)), LAST, as_of=at(7, 23)) == ["p2"]
    assert values(store, asked(at(9)), LAST, as_of=at(5, 23)) == ["p1"]


def test_a_named_version_is_read_whatever_was_written_since(store):
    version = store.version(USER_FEATURES)
    write(store, USER_FEATURES, daily("user_id", ("u1",), DAYS, plus=50))
    entities = asked(at(6, 12))
    assert values(store, entities, VIEWS_7D) == [55]
    assert values(store, entities, VIEWS_7D, versions={USER_FEATURES.path: version}) == [5]


def test_order_duplicates_nulls_and_other_columns_of_entities_are_kept(store):
    entities = pl.DataFrame(
        {
            "label": [1, 0, 1, 1, 0, 2],
            "user_id": ["u2", "u1", "u1", "u1", None, "nobody"],
            "product_id": ["p1", "p2", "p2", None, "p1", "p1"],
            "timestamp": [at(9, 5), at(5, 1), at(5, 1), at(5, 1), at(6), None],
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )
    features = ["item_features:views_7d", LAST, VIEWS_7D]
    found = get_historical_features(store, entities.lazy(), features).collect()
    outputs = [name.replace(":", "__") for name in features]
    assert found.columns == [*entities.columns, *outputs]
    assert found.select(entities.columns).equals(entities)
    assert found["item_features__views_7d"].to_list() == [108, 104, 104, None, 105, None]
    assert found["latest_interaction__product_id"].to_list() == ["p2", "p1", "p1", "p1", None, None]
    assert found["user_features__views_7d"].to_list() == [8, 4, 4, 4, None, None]


def test_times_of_any_zone_and_unit_are_the_same_times(store):
    utc = asked(at(4, 1), at(4), at(5, 0.5))
    for unit in ("ms", "us", "ns"):
        other = utc.with_columns(
            pl.col("timestamp").dt.cast_time_unit(unit).dt.convert_time_zone("America/Los_Angeles")
        )
        assert values(store, other, VIEWS_7D) == [3, 3, 4]


def test_no_entities_have_the_columns_of_all_others(store):
    for entities in (asked(), asked(None, None)):
        found = get_historical_features(store, entities, [VIEWS_7D, LAST]).collect()
        assert found.height == entities.height
        assert found["user_features__views_7d"].is_null().all()
        assert found.schema["user_features__views_7d"] == pl.Int64


@pytest.mark.parametrize(
    ("entities", "features", "message"),
    [
        (asked(at(4)), ["item_features"], "no column 'product_id'; they have user_id, timestamp"),
        (asked(at(4)).drop("timestamp"), [VIEWS_7D], "no column 'timestamp'"),
        (asked(at(4)).with_columns(pl.col("timestamp").dt.replace_time_zone(None)), [VIEWS_7D],
         "make it a time with a time zone"),
        (asked(at(4)).with_columns(pl.col("timestamp").dt.date()), [VIEWS_7D], "of type Date"),
        (asked(at(4)).with_columns(user_features__views_7d=1), [VIEWS_7D],
         r"column\(s\) user_features__views_7d"),
        (asked(at(4)).with_columns(_at=1), [VIEWS_7D], r"column\(s\) _at"),
    ],
)  # fmt: skip
def test_entities_that_cannot_be_joined_are_refused_by_name(store, entities, features, message):
    with pytest.raises(UserError, match=message):
        get_historical_features(store, entities, features)


def test_a_time_without_zone_a_missing_table_and_a_lost_file_are_named(store):
    with pytest.raises(UserError, match="has no time zone"):
        get_historical_features(store, asked(at(4)), [VIEWS_7D], datetime(2025, 3, 4))
    with pytest.raises(DataError, match="features/user_embeddings: no such table"):
        get_historical_features(store, asked(at(4)), ["user_embeddings"])
    [lost] = Path(store.uri(ITEM_FEATURES)).glob("as_of=2025-03-04/*.parquet")
    lost.unlink()
    entities = asked(at(5, 1)).with_columns(product_id=pl.lit("p1"))
    with pytest.raises(DataError, match=rf"{lost.name} is gone"):
        get_historical_features(store, entities, ["item_features"])


def test_only_the_files_of_days_that_may_count_are_looked_at(store):
    for file in Path(store.uri(USER_FEATURES)).glob("as_of=2025-03-1*/*.parquet"):
        file.unlink()
    assert values(store, asked(at(5, 1), at(6, 1)), VIEWS_7D) == [4, 5]
    assert date(2025, 3, 10) in DAYS
    assert at(1).tzinfo is UTC
