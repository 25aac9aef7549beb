"""A log for the benchmark is read as `persona run` reads files."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.evaluation.benchmark.interactions_file import read_interactions, read_pairs

WEIGHTS = {"view": 1.0, "add_to_cart": 3.0, "purchase": 5.0, "return": 0.0}
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def write(folder, text, name="log.csv"):
    path = folder / name
    path.write_text(text)
    return path


def interactions(path, **options):
    return read_interactions(path, weights=WEIGHTS, today=date(2024, 6, 1), **options)


def read(path, **options):
    return interactions(path, **options).rows


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
    found = interactions(write(tmp_path, "user,item,timestamp,event\na,x,0,view\na,x,1,addtocart\n"
                                "a,x,2,Order Completed\na,x,3,remove_from_cart\n"))  # fmt: skip
    assert found.rows["weight"].to_list() == [1.0, 3.0, 5.0]
    assert found.rows["event_type"].to_list() == ["view", "add_to_cart", "purchase"]
    assert any("Order Completed (1 rows) as purchase" in note for note in found.notes)


def test_a_name_that_nobody_knows_is_an_error_that_shows_what_to_write(tmp_path):
    path = write(tmp_path, "user,item,timestamp,event\na,x,0,VIEW\na,x,1,wink\na,x,2,wink\n")
    with pytest.raises(
        UserError,
        match=r"nobody knows the events 'wink' 2 .*log\.csv row 2"
        r".*\[events\.values\.event_type\].*\"VIEW\" = \"view\"",
    ):
        read(path)


def test_null_words_blanks_and_float_identifiers_are_read_as_persona_run_reads_them(tmp_path):
    rows = read(
        write(tmp_path, "user,item,timestamp\n17850.0, x,2024-05-01\n17851 ,x,2024-05-02\n"),
    )
    assert rows.select("user_id", "product_id").rows() == [("17850", "x"), ("17851", "x")]
    rows = read(write(tmp_path, "user,item,timestamp\na,x,2024-05-01\nNULL,y,2024-05-02\n"))
    assert rows["product_id"].to_list() == ["x"]


def test_times_of_two_units_are_an_error_with_a_row_of_each(tmp_path):
    text = "user,item,timestamp\na,x,1714564800\nb,x,1714564800000\n"
    with pytest.raises(UserError, match=r"two ways: .*row 1 .*seconds.*row 2 .*milliseconds"):
        read(write(tmp_path, text))


def test_digits_that_may_be_days_are_days(tmp_path):
    days = read(write(tmp_path, "user,item,timestamp\na,x,2024-05-01\na,y,2024-05-02\n"))
    digits = read(write(tmp_path, "user,item,timestamp\na,x,20240501\na,y,20240502\n"))
    assert digits.equals(days)


def test_a_mapping_may_be_columns_alone(tmp_path):
    toml = '[events]\nuser_id = "u"\nproduct_id = "i"\ntimestamp = "t"\n'
    path = write(tmp_path, "u,i,t\na,x,2024-05-01\n")
    rows = read(path, mapping=write(tmp_path, toml, "shop.toml"))
    assert rows.select("user_id", "product_id", "event_type").rows() == [("a", "x", "view")]


def test_a_file_is_read_in_the_encoding_and_with_the_separator_that_its_mapping_says(tmp_path):
    toml = (
        '[events]\nuser_id = "Käufer"\nproduct_id = "Größe"\ntimestamp = "t"\n'
        '[events.format]\nencoding = "utf-16-le"\nseparator = "~"\n'
    )
    path = tmp_path / "log.csv"
    path.write_bytes("Käufer~Größe~t~weight\nÄnne~x~2024-05-01~2\n".encode("utf-16-le"))
    rows = read(path, mapping=write(tmp_path, toml, "shop.toml"))
    assert rows.select("user_id", "product_id", "weight").rows() == [("Änne", "x", 2.0)]


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


def test_a_missing_column_is_named_with_the_remedy(tmp_path):
    path = write(tmp_path, "visitor,item,timestamp\na,x,0\n")
    with pytest.raises(UserError, match=r"no column 'user' or 'user_id'.*'visitor'.*--mapping"):
        read(path)


def test_rows_without_user_or_product_are_left_out_and_counted_by_the_rule_of_a_run(tmp_path):
    path = write(tmp_path, "user,item,timestamp\na,x,0\n,y,1\nb,,2\n,,3\n,z,4\n")
    found = interactions(path)
    assert found.rows.select("user_id", "product_id").rows() == [("a", "x")]
    said = " ".join(found.notes)
    assert "3 of 5 rows without user_id are left out, which a run rejects as missing_user" in said
    assert "1 of 5 rows without product_id are left out" in said
    pairs = read_pairs(path)
    assert (pairs.rows.rows(), pairs.notes[-2:]) == ([("a", "x")], found.notes[-2:])
    nobody = write(tmp_path, "user,item,timestamp\n,x,0\nb,,1\n")
    with pytest.raises(UserError, match=r"no row has both a user_id and a product_id .*row 1"):
        read(nobody)


@pytest.mark.parametrize("unused", ["page", "remove_from_cart"])
def test_events_that_count_nowhere_need_no_product(unused, tmp_path):
    toml = (
        '[events]\nuser_id = "user"\nproduct_id = "item"\ntimestamp = "timestamp"\n'
        'event_type = "event"\n[events.values.event_type]\npage = "unused"\n'
    )
    mapping = write(tmp_path, toml, "shop.toml")
    path = write(tmp_path, f"user,item,timestamp,event\na,,0,{unused}\na,x,1,view\n")
    found = interactions(path, mapping=mapping)
    assert found.rows["product_id"].to_list() == ["x"]
    assert not any("left out" in note for note in found.notes)
    alone = write(tmp_path, f"user,item,timestamp,event\na,,0,{unused}\n")
    with pytest.raises(UserError, match="every row is of an event that counts nowhere"):
        read(alone, mapping=mapping)


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


def test_a_column_of_consent_decides_without_a_mapping_too(tmp_path):
    path = write(tmp_path, "user,item,timestamp,consent\na,x,0,yes\nb,x,1,no\nc,x,2,\n")
    found = interactions(path)
    assert found.rows["user_id"].to_list() == ["a"]
    assert any("2 of 3 rows without consent are left out" in note for note in found.notes)
    assert read_pairs(path).rows.rows() == [("a", "x")]
    for reading in (read, read_pairs):
        with pytest.raises(UserError, match=r"log\.csv already says who consented.* --consent"):
            reading(path, consent="all")
        with pytest.raises(UserError, match="--consent is 'some'; it can only say 'all'"):
            reading(path, consent="some")


def test_a_mapping_that_states_that_nobody_consented_is_believed(tmp_path):
    toml = (
        '[events]\nuser_id = "user"\nproduct_id = "item"\ntimestamp = "timestamp"\n'
        "[events.constants]\nconsent = false\n"
    )
    path = write(tmp_path, "user,item,timestamp\na,x,0\n")
    with pytest.raises(UserError, match="no row has consent"):
        read(path, mapping=write(tmp_path, toml, "shop.toml"))


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
    assert pairs.rows.rows() == [("a", "x"), ("b", "y")]


def test_sessions_come_along(tmp_path):
    rows = read(write(tmp_path, "user,item,timestamp,session\na,x,0,s1\n"))
    assert rows["session_id"].to_list() == ["s1"]


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="a header and no rows"):
        read(write(tmp_path, "user,item,timestamp\n"))


def test_rows_of_one_time_are_said_to_have_no_order(tmp_path):
    path = write(tmp_path, "user,item,timestamp\na,x,2024-05-01\na,y,2024-05-01\n")
    assert any("all rows have one time" in note for note in interactions(path).notes)
    path = write(tmp_path, "user,item,timestamp\na,x,1\na,y,2\n")
    assert interactions(path).notes == ()


def test_one_mapping_serves_the_log_and_the_pairs_that_lack_its_events_and_times(tmp_path):
    mapping = write(
        tmp_path,
        '[events]\nfile = "log*.csv"\nuser_id = "who"\nproduct_id = "item"\n'
        'event_type = "event"\ntimestamp = "ts"\n[events.constants]\nconsent = true\n'
        '[events.values.event_type]\nbuy = "purchase"\n',
        "shop.toml",
    )
    log = write(tmp_path, "who,item,event,ts\na,x,buy,2024-05-01\n")
    pairs = write(tmp_path, "who,item\na,y\n", "bought.csv")
    assert read(log, mapping=mapping)["event_type"].to_list() == ["purchase"]
    assert read_pairs(pairs, mapping=mapping).rows.rows() == [("a", "y")]
    lacking = write(tmp_path, "item,event\ny,buy\n", "lacking.csv")
    with pytest.raises(UserError, match="no column 'who'"):
        read_pairs(lacking, mapping=mapping)
