from datetime import UTC, datetime

import polars as pl
import pytest

from persona_assets.benchmark.interactions_file import read_interactions, read_pairs
from persona_assets.errors import UserError

WEIGHTS = {"view": 1.0, "add_to_cart": 3.0, "purchase": 5.0, "return": 0.0}
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def write(folder, text, name="log.csv"):
    path = folder / name
    path.write_text(text)
    return path


def read(path, **options):
    return read_interactions(path, weights=WEIGHTS, **options)


@pytest.mark.parametrize(
    "written",
    ["2024-05-01T12:00:00Z", "2024-05-01 12:00", "1714564800", "1714564800000", "1714564800000000",
     "1714564800.0"],
)  # fmt: skip
def test_times_are_read_in_every_common_form(written, tmp_path):
    rows = read(write(tmp_path, f"user,item,timestamp\na,x,{written}\n"))
    assert rows["event_ts"].to_list() == [NOON]
    assert rows["arrived_at"].to_list() == [NOON]


def test_days_and_small_counts_are_times_too(tmp_path):
    days = read(write(tmp_path, "user,item,timestamp\na,x,2024-05-01\n"))
    steps = read(write(tmp_path, "user,item,timestamp\na,x,0\na,y,1\n"))
    assert days["event_ts"][0].date() == NOON.date()
    assert (steps["event_ts"][1] - steps["event_ts"][0]).total_seconds() == 1


def test_parquet_with_numbers_and_csv_with_texts_are_the_same(tmp_path):
    pl.DataFrame(
        {"user": [1, 2], "item": [7, 8], "timestamp": [1714564800, 1714564801]}
    ).write_parquet(tmp_path / "log.parquet")
    text = write(tmp_path, "user,item,timestamp\n1,7,1714564800\n2,8,1714564801\n")
    assert read(tmp_path / "log.parquet").equals(read(text))


def test_events_weigh_what_the_shop_says_and_public_names_are_understood(tmp_path):
    rows = read(write(tmp_path, "user,item,timestamp,event\na,x,0,view\na,x,1,addtocart\n"
                                "a,x,2,transaction\na,x,3,wishlist\n"))  # fmt: skip
    assert rows["weight"].to_list() == [1.0, 3.0, 5.0, 1.0]
    assert rows["event_type"].to_list() == ["view", "addtocart", "transaction", "wishlist"]


def test_a_weight_column_comes_before_the_event(tmp_path):
    rows = read(write(tmp_path, "user,item,timestamp,event,weight\na,x,0,purchase,2.5\n"))
    assert rows["weight"].to_list() == [2.5]


@pytest.mark.parametrize("weight", ["NaN", "inf", "-1", "", "much"])
def test_a_weight_that_is_no_weight_is_refused_with_its_row(weight, tmp_path):
    path = write(tmp_path, f"user,item,timestamp,weight\na,x,0,1\na,y,1,{weight}\n")
    with pytest.raises(UserError, match=r"log.csv row 2: weight is .*finite number of at least 0"):
        read(path)


def test_rows_that_are_equal_in_everything_count_once(tmp_path):
    assert read(write(tmp_path, "user,item,timestamp\na,x,0\na,x,0\na,x,1\n")).height == 2


def test_a_missing_column_is_named_with_the_mend(tmp_path):
    path = write(tmp_path, "visitor,item,timestamp\na,x,0\n")
    with pytest.raises(UserError, match=r"no column 'user'.*visitor, item, timestamp.*--mapping"):
        read(path)


def test_a_missing_value_is_named_with_its_row(tmp_path):
    path = write(tmp_path, "user,item,timestamp\na,x,0\n,y,1\n")
    with pytest.raises(UserError, match=r"row 2: user_id is missing \(1 such rows\)"):
        read(path)


def test_a_time_that_is_none_is_named_with_its_row(tmp_path):
    path = write(tmp_path, "user,item,timestamp\na,x,2024-05-01\na,y,soon\n")
    with pytest.raises(UserError, match=r"row 2: timestamp is 'soon'.*\[events.time\]"):
        read(path)


def test_a_mapping_names_translates_and_leaves_out_what_has_no_consent(tmp_path):
    mapping = write(
        tmp_path,
        """[events]
file = "anything"
user_id = "visitor"
product_id = "sku"
event_type = "action"
timestamp = "ts"
consent = "agreed"
[events.values.event_type]
buy = "purchase"
[events.time]
unit = "s"
""",
        "shop.toml",
    )
    path = write(tmp_path, "visitor,sku,action,ts,agreed\na,x,buy,1714564800,yes\nb,x,buy,2,no\n")
    rows = read(path, mapping=mapping)
    assert rows.select("user_id", "product_id", "event_type", "weight").rows() == [
        ("a", "x", "purchase", 5.0)
    ]
    assert rows["event_ts"].to_list() == [NOON]


def test_local_times_of_a_mapping_are_put_into_utc(tmp_path):
    mapping = write(
        tmp_path,
        '[events]\nfile="f"\nuser_id="user"\nproduct_id="item"\ntimestamp="timestamp"\n'
        'event_type="event"\n[events.constants]\nconsent=true\n'
        '[events.time]\nzone="Europe/Berlin"\nformat="%d.%m.%Y %H:%M"\n',
        "shop.toml",
    )
    path = write(tmp_path, "user,item,timestamp,event\na,x,01.05.2024 14:00,view\n")
    assert read(path, mapping=mapping)["event_ts"].to_list() == [NOON]


def test_held_out_pairs_need_no_time(tmp_path):
    pairs = read_pairs(write(tmp_path, "user,item\na,x\na,x\nb,y\n"))
    assert pairs.rows() == [("a", "x"), ("b", "y")]


def test_sessions_come_along(tmp_path):
    rows = read(write(tmp_path, "user,item,timestamp,session\na,x,0,s1\n"))
    assert rows["session_id"].to_list() == ["s1"]


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="no rows to learn from"):
        read(write(tmp_path, "user,item,timestamp\n"))
