"""A folder of files becomes raw frames: nothing lost, nothing assumed, every mistake named."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import UserError
from persona_assets.sources.files import FilesSource
from persona_assets.tables import raw
from persona_assets_tests.sources.mapping_files import read_mapping

TODAY = date(2024, 6, 1)
SHOP = """
[events]
file = "events*"
user_id = "visitor"
product_id = "sku"
event_type = "action"
timestamp = "time"
[events.values.event_type]
cart = "add_to_cart"
buy = "purchase"
[events.constants]
consent = true
"""
DAY_ONE = """time,visitor,sku,action
2024-05-13T10:00:00Z,ann,007,view
2024-05-13T10:00:00Z,bob,007,view
2024-05-13T10:00:00Z,ann,007,view
rubbish,ann,007,cart
"""
DAY_TWO = """action,time,sku,visitor,page
buy,2024-05-15T23:59:59Z,008,ann,/pay
buy,2099-01-01T00:00:00Z,008,ann,/pay
view,2024-05-14T00:00:00+02:00,,,/
"""


def shop(folder, toml=SHOP, **files):
    """A folder with the given files; `events_1_csv` is written as `events_1.csv`."""
    for name, content in (files or {"events_1_csv": DAY_ONE, "events_2_csv": DAY_TWO}).items():
        (folder / ".".join(name.rsplit("_", 1))).write_text(content)
    (folder / "shop.toml").write_text(toml)
    return folder


def source_of(folder, start=None, end=None, today=TODAY):
    return FilesSource(folder, read_mapping(folder / "shop.toml"), start, end, today=today)


def all_days(source):
    return [source.start + timedelta(days=n) for n in range((source.end - source.start).days)]


def events_of(source):
    return source.events(all_days(source))


def test_hand_made_files_become_these_events(tmp_path):
    source = source_of(shop(tmp_path))
    assert (source.start, source.end) == (date(2024, 5, 13), date(2024, 5, 16))
    events = events_of(source)
    assert events.schema == raw.EVENTS.polars_schema
    first, last = date(2024, 5, 13), date(2024, 5, 15)
    at_ten, late = "2024-05-13T10:00:00Z", "2024-05-15T23:59:59Z"
    shown = ["event_date", "source_row", "user_id", "product_id", "event_type", "timestamp"]
    assert events.select(shown).rows() == [
        (first, 0, "ann", "007", "view", at_ten),
        (first, 1, "bob", "007", "view", at_ten),
        (first, 2, "ann", "007", "view", at_ten),
        (first, 3, "ann", "007", "add_to_cart", "rubbish"),  # unreadable: under the first day
        (first, 4, None, None, "view", "2024-05-14T00:00:00+02:00"),  # in UTC still the 13th
        (last, 0, "ann", "008", "purchase", late),
        (last, 1, "ann", "008", "purchase", "2099-01-01T00:00:00Z"),  # future: under the last day
    ]
    assert events["arrived_at"].to_list() == [
        *[datetime(2024, 5, 13, 10, tzinfo=UTC)] * 3,
        datetime(2024, 5, 13, tzinfo=UTC),
        datetime(2024, 5, 13, 22, tzinfo=UTC),
        datetime(2024, 5, 15, 23, 59, 59, tzinfo=UTC),
        datetime(2024, 5, 15, tzinfo=UTC),
    ]
    assert events["consent"].all()
    assert events["quantity"].to_list() == [1] * 7


def test_only_equal_rows_get_equal_ids(tmp_path):
    events = events_of(source_of(shop(tmp_path)))
    ids = events["event_id"].to_list()
    assert ids[0] == ids[2]
    assert len(set(ids)) == 6
    assert len(events.drop("source_row").unique()) == 6


def test_row_delivered_again_later_is_the_same_event(tmp_path):
    rows = "time,visitor,sku,action,log\n"
    for log in ("2024-05-13T10:00:01Z", "2024-05-14T03:00:00Z"):
        rows += f"2024-05-13T10:00:00Z,ann,007,view,{log}\n"
    toml = SHOP.replace('timestamp = "time"', 'timestamp = "time"\narrived_at = "log"')
    events = events_of(source_of(shop(tmp_path, toml, events_1_csv=rows)))
    assert events["event_id"].n_unique() == 1
    assert events["arrived_at"].to_list() == [
        datetime(2024, 5, 13, 10, 0, 1, tzinfo=UTC),
        datetime(2024, 5, 14, 3, tzinfo=UTC),
    ]
    assert events["event_date"].n_unique() == 1


def test_users_and_products_are_derived_from_events(tmp_path):
    source = source_of(shop(tmp_path))
    assert source.users().rows() == [("ann", None, None), ("bob", None, None)]
    assert source.products().select("product_id", "kind").rows() == [
        ("007", "product"),
        ("008", "product"),
    ]
    assert source.users().schema == raw.USERS.polars_schema
    assert source.products().schema == raw.PRODUCTS.polars_schema


def test_unmapped_orders_and_searches_are_empty(tmp_path):
    source = source_of(shop(tmp_path))
    assert_frame_equal(source.orders(all_days(source)), raw.ORDERS.empty())
    assert_frame_equal(source.search_logs(all_days(source)), raw.SEARCH_LOGS.empty())


FULL = (
    SHOP.replace(
        "[events.values.event_type]",
        'event_id = "id"\nquantity = "n"\nunit_price = "price"\norder_id = "order"\n'
        'related_event_id = "of"\nconsent = "agreed"\n[events.values.event_type]',
    ).replace("[events.constants]\nconsent = true\n", "")
    + """
[events.values.consent]
granted = true
[events.time]
unit = "s"
[products]
file = "items.csv"
product_id = "sku"
name = "title"
price = "price"
launch_date = "since"
kind = "type"
[products.values.kind]
goods = "product"
fee = "service"
[users]
file = "people.csv"
user_id = "id"
country = "land"
[orders]
file = "orders.csv"
order_id = "order"
user_id = "visitor"
product_id = "sku"
timestamp = "time"
quantity = "n"
[orders.time]
format = "%d.%m.%Y"
[search_logs]
file = "searches.csv"
user_id = "visitor"
timestamp = "time"
query = "q"
results = "hits"
[search_logs.constants]
consent = false
"""
)
FULL_FILES = {
    "events_1_jsonl": (
        '{"time": 1715594400, "visitor": 1, "sku": "a", "action": "view", "id": "e1", "n": null, '
        '"price": null, "order": null, "of": null, "agreed": "granted"}\n'
        '{"time": 1715680800.5, "visitor": 2, "sku": "b", "action": "return", "id": "e2", '
        '"n": -2, "price": 2.50, "order": "o1", "of": "e0", "agreed": "hm"}\n'
        '{"time": 1715680900, "visitor": 2, "sku": "b", "action": "buy", "id": null, '
        '"n": "two", "price": "n/a", "order": "o2", "of": null, "agreed": "no"}\n'
    ),
    "items_csv": "sku,title,price,since,type\nb,Fee,,,fee\na,Mug,2.5,2024-01-31,goods\n"
    "a,Mug,2.5,2024-01-31,goods\n",
    "people_csv": "id,land\n2,NL\n1,\n",
    "orders_csv": "order,visitor,sku,time,n\no1,2,b,14.05.2024,2\n,,,soon,\n",
    "searches_csv": "visitor,time,q,hits\n1,2024-05-13 09:00,mug,12\n",
}


def test_every_table_can_be_mapped(tmp_path):
    source = source_of(shop(tmp_path, FULL, **FULL_FILES))
    days = all_days(source)
    assert days == [date(2024, 5, 13), date(2024, 5, 14)]
    assert source.events(days).drop("event_date", "source_row", "arrived_at").rows() == [
        ("e1", "1", "a", "view", "1715594400", 1, None, None, None, None, None, True),
        (
            "e2",
            "2",
            "b",
            "return",
            "2024-05-14T10:00:00.500Z",
            -2,
            2.5,
            None,
            None,
            "o1",
            "e0",
            None,
        ),
        (None, "2", "b", "purchase", "1715680900", None, None, "two", None, "o2", None, False),
    ]
    assert source.products().rows() == [
        ("a", "Mug", None, None, 2.5, date(2024, 1, 31), "product"),
        ("b", "Fee", None, None, None, None, "service"),
    ]
    assert source.users().rows() == [("1", None, None), ("2", "NL", None)]
    assert source.orders(days).rows() == [
        (date(2024, 5, 13), 0, None, None, None, "soon", None, None, "completed"),
        (date(2024, 5, 14), 0, "o1", "2", "b", "2024-05-14T00:00:00Z", 2, None, "completed"),
    ]
    nine = datetime(2024, 5, 13, 9, tzinfo=UTC)
    assert source.search_logs(days).rows() == [
        (date(2024, 5, 13), 0, "1", "2024-05-13 09:00", nine, "mug", 12, False)
    ]
    for frame, table in [
        (source.events(days), raw.EVENTS),
        (source.products(), raw.PRODUCTS),
        (source.users(), raw.USERS),
        (source.orders(days), raw.ORDERS),
        (source.search_logs(days), raw.SEARCH_LOGS),
    ]:
        assert frame.schema == table.polars_schema


@pytest.mark.parametrize("ending", ["jsonl", "ndjson", "parquet", "xlsx"])
def test_every_format_gives_the_same_events(tmp_path, ending):
    expected = events_of(source_of(shop(tmp_path, events_1_csv=DAY_ONE)))
    frame = pl.read_csv(tmp_path / "events_1.csv", infer_schema=False)
    (tmp_path / "events_1.csv").unlink()
    path = tmp_path / f"events_1.{ending}"
    if ending == "parquet":
        frame.write_parquet(path)
    elif ending == "xlsx":
        frame.write_excel(path)
    else:
        frame.write_ndjson(path)
    assert_frame_equal(events_of(source_of(tmp_path)), expected)


def test_stated_range_files_outsiders_under_its_nearest_day(tmp_path):
    source = source_of(shop(tmp_path), start=date(2024, 5, 14), end=date(2024, 5, 15))
    assert (source.start, source.end) == (date(2024, 5, 14), date(2024, 5, 15))
    assert len(source.events([date(2024, 5, 14)])) == 7


def test_return_without_quantity_is_one_piece_back(tmp_path):
    content = "time,visitor,sku,action\n2024-05-13T10:00:00Z,ann,007,return\n"
    events = events_of(source_of(shop(tmp_path, events_1_csv=content)))
    assert events["quantity"].to_list() == [-1]


times = st.sampled_from(
    [
        "",
        "rubbish",
        "2024-05-13T10:00:00Z",
        "2024-05-14 23:00",
        "1970-01-01 00:00",
        "2098-01-01T00:00Z",
    ]
)
event_rows = st.lists(
    st.tuples(times, st.sampled_from(["", "ann", "bob"]), st.sampled_from(["", "007"])),
    max_size=20,
)


@given(event_rows)
def test_every_row_is_filed_once_whatever_its_dirt(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("shop")
    rows = [*drawn, ("2024-05-12T10:00:00Z", "ann", "007")]
    content = "time,visitor,sku,action\n" + "".join(f"{t},{u},{p},view\n" for t, u, p in rows)
    source = source_of(shop(folder, events_1_csv=content))
    events = events_of(source)
    delivered = events.select("timestamp", "user_id", "product_id").fill_null("").rows()
    assert sorted(delivered) == sorted(rows)
    for day in all_days(source):
        alone = source.events([day])
        assert alone["source_row"].to_list() == list(range(len(alone)))
        assert_frame_equal(alone, events.filter(event_date=day))
    assert (events["arrived_at"].dt.date() == events["event_date"]).all()
    assert events["event_id"].n_unique() == len(set(rows))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"events_1_csv": ""}, r"all files of \[events\] file = events\* are empty"),
        ({"events_1_csv": "time,visitor,sku,action\n"}, r"a header and no rows"),
        ({"other_csv": DAY_ONE}, r"no file in .* matches \[events\] file = 'events\*'; there are"),
        (
            {"events_1_csv": DAY_ONE.replace("visitor", "user")},
            r"events_1\.csv has no column 'visitor', to which \[events\] maps user_id; its columns "
            r"are \['time', 'user', 'sku', 'action'\]",
        ),
        (
            {"events_1_csv": DAY_ONE.replace("2024-05-13T10:00:00Z", "13 May")},
            r"none of the 4 timestamps of events\* can be read, the first is '13 May'",
        ),
        (
            {"events_1_csv": DAY_ONE.replace("2024-", "2077-")},
            r"no timestamp of events\* is of a day between 1990 and today \(2024-06-01\), the "
            r"first is '2077-05-13T10:00:00Z' \(events_1\.csv row 1\)",
        ),
        ({"events_1_xlsx": "no workbook"}, r"events_1\.xlsx cannot be read as an Excel workbook"),
        (
            {"events_1_tsv": DAY_ONE[: DAY_ONE.index(",ann")]},
            r"line 2 has 1 fields and the header 4",
        ),
    ],
)
def test_useless_events_are_named(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        events_of(source_of(shop(tmp_path, **changes)))


def test_missing_folder_is_named(tmp_path):
    mapping = read_mapping(shop(tmp_path) / "shop.toml")
    with pytest.raises(UserError, match=r"there is no folder .*nowhere; correct the path"):
        FilesSource(tmp_path / "nowhere", mapping, today=TODAY)


def test_range_that_ends_before_it_starts_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"ends on 2024-05-01, not after its first day 2024-05-13"):
        events_of(source_of(shop(tmp_path), end=date(2024, 5, 1)))


@pytest.mark.parametrize("pattern", ["/etc/*.csv", "**x/*.csv"])
def test_pattern_that_is_none_is_refused(tmp_path, pattern):
    with pytest.raises(UserError, match="is not a pattern inside the folder"):
        events_of(source_of(shop(tmp_path, SHOP.replace("events*", pattern))))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "items_csv",
            "31,goods",
            "31,gift",
            r"items\.csv row 2: kind is 'gift'.*\[products\.values\.kind\]",
        ),
        (
            "items_csv",
            "2024-01-31",
            "31/01/2024",
            r"launch_date is written in two ways: .*items\.csv row 2 is '31/01/2024'",
        ),
        (
            "items_csv",
            "2024-01-31",
            "soon",
            r"items\.csv row 2: launch_date is 'soon', not a date",
        ),
        ("items_csv", "Mug,2.5", "Mug,2.50", None),
        ("items_csv", "b,Fee", ",Fee", r"items\.csv row 1: product_id is missing"),
    ],
)
def test_catalogues_are_right_or_refused(tmp_path, file, old, new, message):
    files = FULL_FILES | {file: FULL_FILES[file].replace(old, new, 1)}
    source = source_of(shop(tmp_path, FULL, **files))
    if message is None:
        assert len(source.products()) == 2
        return
    with pytest.raises(UserError, match=message):
        (source.users(), source.products())


def test_numbers_are_decided_over_the_column_and_texts_of_others_are_kept(tmp_path):
    toml = SHOP.replace('timestamp = "time"', 'timestamp = "time"\nunit_price = "price"')
    content = "time,visitor,sku,action,price\n" + "2024-05-13T10:00:00Z,ann,007,buy,{}\n" * 2
    folder = shop(tmp_path, toml, events_1_csv=content.format('"2,50"', "3.5"))
    shown = ["unit_price", "unit_price_text"]
    assert events_of(source_of(folder)).select(shown).rows() == [(None, "2,50"), (3.5, None)]
    (folder / "events_1.csv").write_text(content.format('"2,50"', '"3,50"'))
    assert events_of(source_of(folder)).select(shown).rows() == [(2.5, None), (3.5, None)]
    (folder / "events_1.csv").write_text(content.format('"2,500"', '"3,500"'))
    ambiguous = source_of(folder)
    assert events_of(ambiguous).select(shown).rows() == [(None, "2,500"), (None, "3,500")]
    assert any("decimal comma" in note for note in ambiguous.notes)


def test_arrival_that_is_no_time_is_refused(tmp_path):
    toml = SHOP.replace('timestamp = "time"', 'timestamp = "time"\narrived_at = "log"')
    content = "time,visitor,sku,action,log\n2024-05-13T10:00:00Z,ann,007,view,later\n"
    with pytest.raises(UserError, match=r"events_1\.csv row 1: arrived_at is 'later'"):
        events_of(source_of(shop(tmp_path, toml, events_1_csv=content)))


def test_rows_that_where_lets_nothing_of_through_are_not_called_a_lack_of_rows(tmp_path):
    toml = SHOP.replace(
        "[events.values", '[events.where]\npage = ["/shop", "/cart"]\n[events.values'
    )
    folder = shop(tmp_path, toml, events_1_csv=DAY_TWO)
    with pytest.raises(UserError, match=r"no row of events\* .* whose rows have page = /shop or "):
        _ = source_of(folder).start


@pytest.mark.parametrize(
    ("prices", "read", "unread"),
    [
        (["1.234", '"5,99"'], [1.234, None], [None, "5,99"]),  # never 1234
        (["12.5", '"1,299.00"', '"1,234"'], [12.5, 1299, 1234], [None, None, None]),
        (["1299", '"5,99"', '"1.299,00"'], [1299, 5.99, 1299], [None, None, None]),
        (["1.234", '"1,234"'], [1.234, 1234], [None, None]),
        (["-1.234", "0.123", "1.5"], [-1.234, 0.123, 1.5], [None, None, None]),
        (["1.5", '"5,99"', '"6,49"'], [None, 5.99, 6.49], ["1.5", None, None]),
    ],
)
def test_json_s_numbers_are_what_they_are_beside_texts_of_any_notation(
    tmp_path, prices, read, unread
):
    toml = SHOP.replace('action"\n', 'action"\nunit_price = "price"\n', 1)
    rows = "".join(
        f'{{"time": "2024-05-13T10:00:0{n}Z", "visitor": "ann", "sku": "1", "action": "buy", '
        f'"price": {price}}}\n'
        for n, price in enumerate(prices)
    )
    events = events_of(source_of(shop(tmp_path, toml, events_1_jsonl=rows)))
    assert events["unit_price"].to_list() == read
    assert events["unit_price_text"].to_list() == unread


SOLD = (
    '[events]\nfile = "e.csv"\nuser_id = "u"\nproduct_id = "p"\ntimestamp = "t"\nquantity = "n"\n'
)
RETURNED = "u,p,t,n,kind,seen\nann,a,2024-05-13 10:00,2,purchase,2024-05-14\n" + (
    "ann,a,2024-05-14 10:00,-2,purchase,2024-05-13\nann,a,2024-05-14 11:00,-1,view,2024-05-15\n"
)


@pytest.mark.parametrize(
    ("stated", "kinds"),
    [
        ('[events.constants]\nconsent = true\nevent_type = "purchase"\n', ["return", "return"]),
        ('event_type = "kind"\n[events.constants]\nconsent = true\n', ["return", "view"]),
    ],
)
def test_a_purchase_of_less_than_nothing_is_a_return_and_said_to_be(tmp_path, stated, kinds):
    (tmp_path / "e.csv").write_text(RETURNED)
    (tmp_path / "m.toml").write_text(SOLD + stated)
    source = FilesSource(tmp_path, read_mapping(tmp_path / "m.toml"), today=date(2024, 12, 1))
    assert source.events(all_days(source))["event_type"].to_list() == ["purchase", *kinds]
    said = "with a negative quantity are read as returns"
    (note,) = [each for each in source.notes if said in each]
    assert note.startswith(f"{kinds.count('return')} purchase") and "e.csv row 2" in note


def test_an_arrival_before_the_event_is_shown_with_both_times(tmp_path):
    (tmp_path / "e.csv").write_text(RETURNED)
    stated = 'event_type = "kind"\narrived_at = "seen"\n[events.constants]\nconsent = true\n'
    (tmp_path / "m.toml").write_text(SOLD + stated)
    source = FilesSource(tmp_path, read_mapping(tmp_path / "m.toml"), today=date(2024, 12, 1))
    source.events(all_days(source))
    (note,) = [each for each in source.notes if "arrived before they happened" in each]
    assert note.startswith("1 row arrived") and "e.csv row 2" in note
    assert "'2024-05-14 10:00'" in note and "arrived_at '2024-05-13T00:00:00Z'" in note


def test_a_word_of_consent_that_nobody_knows_is_shown_with_the_way_to_say_what_it_means(tmp_path):
    (tmp_path / "e.csv").write_text("u,p,t,n,ok\nann,a,2024-05-13 10:00,2,ja\n")
    stated = 'consent = "ok"\n[events.constants]\nevent_type = "view"\n'
    (tmp_path / "m.toml").write_text(SOLD + stated)
    source = FilesSource(tmp_path, read_mapping(tmp_path / "m.toml"), today=date(2024, 12, 1))
    with pytest.raises(UserError, match=r'\[values.consent\]: "ja" = true or false'):
        source.events(all_days(source))
