from datetime import date

import polars as pl
from polars.testing import assert_frame_equal

from persona_assets.serving.online_store import OnlineStore
from persona_assets.serving.profiles import PROFILE_SCHEMA, user_profiles
from persona_assets.tables.feature_store import USER_FEATURES
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS

EVENING = date(2025, 3, 1)


def features(*users):
    rows = [{"as_of": EVENING, "user_id": user, "events_30d": 4} for user in users]
    return pl.DataFrame(rows, schema=USER_FEATURES.polars_schema)


def segments(**found):
    rows = [
        {"cutoff": date(2025, 2, 24), "user_id": user, "segment": number, "name": name}
        for user, (number, name) in found.items()
    ]
    return pl.DataFrame(rows, schema=CUSTOMER_SEGMENTS.polars_schema)


def test_users_carry_their_segment_and_strangers_to_it_null():
    found = user_profiles(features("ann", "bob"), segments(ann=(1, "Champions")))
    assert found.schema == PROFILE_SCHEMA
    assert found.select("user_id", "segment", "segment_name", "events_30d").rows() == [
        ("ann", 1, "Champions", 4),
        ("bob", None, None, 4),
    ]


def test_customers_who_were_not_seen_lately_keep_their_segment():
    found = user_profiles(features("ann"), segments(lost=(6, "Lost")))
    assert found.select("as_of", "user_id", "segment", "events_30d").rows() == [
        (EVENING, "ann", None, 4),
        (EVENING, "lost", 6, None),
    ]


def test_profiles_come_back_from_the_store_as_they_were(tmp_path):
    store = OnlineStore(tmp_path / "features.sqlite")
    found = user_profiles(features("ann", "bob"), segments(ann=(1, "Champions"), lost=(6, "Lost")))
    store.replace({"user": ("user_id", found)})
    assert_frame_equal(store.snapshot("user", "user_id", PROFILE_SCHEMA), found)
    profile = store.get("user", "lost")
    assert (profile["segment"], profile["segment_name"]) == (6, "Lost")
    assert store.get("user", "bob")["segment_name"] is None


def test_without_segments_the_features_are_all_there_is():
    found = user_profiles(features("bob", "ann"), CUSTOMER_SEGMENTS.empty())
    assert found["user_id"].to_list() == ["ann", "bob"]
    assert found["segment"].null_count() == 2
