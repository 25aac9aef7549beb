"""`persona inspect`: drafts of mappings for shops of several kinds, and what they leave open.

`golden` drafts are compared to the letter: a person reads them, so that every word counts.
"""

import re
import tomllib
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.sources.inspection import inspect_files
from persona_assets.sources.inspection.shown import as_text
from persona_assets.sources.validation import check_files

TODAY = date(2024, 12, 1)
HEADER = "user_id,product_id,event_type,timestamp,quantity,unit_price,order_id\n"
SHARED = Path(__file__).parents[4] / "shared"


@pytest.fixture
def shop(tmp_path):
    """shop({name: text or frame}) → the folder."""

    def write(files):
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pl.DataFrame):
                content.write_parquet(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return write


def checked(folder, draft, tmp_path):
    """What `persona check` says of a draft after consent was stated."""
    mapping = tmp_path / "shop.toml"
    mapping.write_text(draft.toml.replace("# consent = true", "consent = true"))
    return check_files(folder, mapping, today=TODAY)


GERMAN = """Kundennr;Artikelnummer;Ereignis;Zeitpunkt;Menge;Einzelpreis;Bestellnummer
10001;00017;angesehen;13.05.2024 10:00;1;5,99;
10002;00018;Warenkorb;14.05.2024 11:30;1;1.299,00;
10002;00018;Kauf;15.05.2024 12:00;2;1.299,00;B7
10003;00017;Beratung;01.05.2024 12:00;1;5,99;
"""
GERMAN_DRAFT = """\
# Draft by `persona inspect` of in: 1 file, 4 rows.
# Each guess is marked as one, with its reason. Read it, answer every DECIDE, then run:
# persona check --path … --mapping …

[events]
file = "events*.csv"  # 1 file today, and later ones with such names
user_id = "Kundennr"  # guessed: by its name; 3 different whole numbers
product_id = "Artikelnummer"  # guessed: by its name; 2 different whole numbers; 4 begin with a zero
event_type = "Ereignis"  # guessed: by its name; 4 different values
timestamp = "Zeitpunkt"  # guessed: by its name; 100 % of 4 sampled values are day first; 3 values have a day over 12
quantity = "Menge"  # guessed: by its name; 2 different whole numbers
unit_price = "Einzelpreis"  # guessed: by its name; numbers with a decimal comma, since '5,99' has no other meaning
order_id = "Bestellnummer"  # guessed: by its name; 25.0 % of the rows have a value; always the same value

[events.values.event_type]  # their value = our value
Kauf = "purchase"  # guessed by its name; 1 of 4 sampled rows
Warenkorb = "add_to_cart"  # guessed by its name; 1 of 4 sampled rows
angesehen = "view"  # guessed by its name; 1 of 4 sampled rows
# DECIDE: these event names are unknown. Write view, add_to_cart, purchase or return,
# or unused for what is not an interaction with a product:
# Beratung = "unused"  # 1 of 4 sampled rows

[events.constants]
# DECIDE: consent is never assumed. If everybody in these files has consented, remove
# the # from the next line. Else map the column that says who has, in the section
# [events] above: consent = "their column"
# consent = true

[events.time]
format = "%d.%m.%Y %H:%M"  # guessed: 100 % of 4 sampled values are day first; 3 values have a day over 12
# zone = "Europe/Berlin"  # no zone is in the times: UTC, unless you say theirs

[events.numbers]
decimal = ","  # guessed: a decimal comma, since '5,99' has no other meaning
"""  # noqa: E501 - a line of the draft has its evidence beside it


def test_golden_german_shop(shop):
    assert inspect_files(shop({"events.csv": GERMAN}), today=TODAY).draft.toml == GERMAN_DRAFT


def test_ambiguous_days_are_both_shown_and_left_to_be_chosen(shop):
    rows = "u1,p1,view,01/02/2024 10:00,1,5,\nu2,p1,view,03/04/2024 10:00,1,5,\n"
    found = inspect_files(shop({"events.csv": HEADER + rows}), today=TODAY)
    assert '# format = "%d/%m/%Y %H:%M"  # day first: 01/02/2024 10:00 is 2024-02-01' in (
        found.draft.toml
    )
    assert '# format = "%m/%d/%Y %H:%M"  # month first: 01/02/2024 10:00 is 2024-01-02' in (
        found.draft.toml
    )
    assert len(found.draft.questions) == 1
    assert found.check is None
    assert tomllib.loads(found.draft.toml)["events"]["time"] == {}


def test_two_kinds_of_units_are_asked_about(shop):
    rows = "u1,p1,view,1704068812,1,5,\nu2,p1,view,1704068822000,1,5,\n"
    found = inspect_files(shop({"events.csv": HEADER + rows}), today=TODAY)
    assert "in two ways" in found.draft.questions[0]
    assert found.check is None


def test_consent_is_never_in_a_draft(shop, tmp_path):
    rows = "user_id,sku,action,time,consent\nann,1,view,2024-05-13T10:00:00Z,yes\n"
    found = inspect_files(shop({"events.csv": rows * 1}), today=TODAY)
    events = tomllib.loads(found.draft.toml)["events"]
    assert "consent" not in events
    assert events["constants"] == {}
    assert 'a column that may say it: "consent"' in found.draft.toml
    assert checked(shop({}), found.draft, tmp_path).accepted == 1


def test_names_of_events_are_seen_in_a_column_of_another_name(shop):
    rows = "who_id,sku,what,when\n" + "".join(
        f"u{n},p{n},{'buy' if n % 3 else 'pv'},2024-05-13T10:0{n}:00Z\n" for n in range(9)
    )
    rows = rows.replace("who_id", "customer")
    events = tomllib.loads(inspect_files(shop({"log.csv": rows}), today=TODAY).draft.toml)["events"]
    assert events["event_type"] == "what"
    assert events["values"]["event_type"] == {"buy": "purchase", "pv": "view"}


def test_catalogue_and_people_are_sections_of_their_own(shop, tmp_path):
    files = {
        "events.csv": HEADER + "u1,p1,purchase,2024-05-13T10:00:00Z,1,5,o1\n",
        "products.csv": "id,title,department,brand,price\np1,Mug,Kitchen,Acme,5.00\n",
        "customers.csv": "id,country,signup_date\nu1,DE,2024-01-01\n",
    }
    folder = shop(files)
    found = inspect_files(folder, today=TODAY)
    draft = tomllib.loads(found.draft.toml)
    assert draft["products"] == {
        "file": "products*.csv", "product_id": "id", "name": "title", "category": "department",
        "brand": "brand", "price": "price",
    }  # fmt: skip
    assert draft["users"] == {
        "file": "customers*.csv", "user_id": "id", "country": "country",
        "signup_date": "signup_date",
    }  # fmt: skip
    assert checked(folder, found.draft, tmp_path).accepted == 1


def test_order_lines_beside_events_are_orders(shop, tmp_path):
    files = {
        "events.csv": "user,sku,event,time\nu1,p1,view,2024-05-13T10:00:00Z\n",
        "lines.csv": "customer,sku,order_no,order_date,qty,price\n"
        "u1,p1,7,2024-05-13T10:00:00Z,1,5\n",
    }
    folder = shop(files)
    found = inspect_files(folder, today=TODAY)
    draft = tomllib.loads(found.draft.toml)
    assert draft["events"]["file"] == "events*.csv"
    assert draft["orders"]["order_id"] == "order_no"
    assert checked(folder, found.draft, tmp_path).accepted == 1


def test_nested_lists_are_mapped_by_their_paths(shop, tmp_path):
    line = (
        '{"visitor": {"id": "v1"}, "action": "buy", "at": "2024-05-13T10:00:00Z", '
        '"tags": ["a", "b"], "cart": {"lines": [{"sku": "p1", "price": 5, "qty": 2}, '
        '{"sku": "p2", "price": 7, "qty": 1}]}}\n'
    ).replace('"at"', '"event_time"')
    folder = shop({"log.jsonl": line})
    found = inspect_files(folder, today=TODAY)
    events = tomllib.loads(found.draft.toml)["events"]
    assert events["product_id"] == "cart.lines[].sku"
    assert events["user_id"] == "visitor.id"
    assert events["quantity"] == "cart.lines[].qty"
    assert checked(folder, found.draft, tmp_path).accepted == 2


def test_files_of_the_same_columns_are_one_pattern(shop):
    rows = HEADER + "u1,p1,view,2024-05-13T10:00:00Z,1,5,\n"
    files = {f"2024/events_{n:02}.csv": rows for n in range(1, 13)}
    found = inspect_files(shop({**files, "2024/other.csv": "a,b\nx,y\n"}), today=TODAY)
    assert tomllib.loads(found.draft.toml)["events"]["file"] == "[0-9]*/events_*.csv"


def test_tomorrows_file_is_read_with_todays_draft(shop, tmp_path):
    rows = HEADER + "u1,p1,view,2024-05-13T10:00:00Z,1,5,\n"
    found = inspect_files(shop({"clicks.csv": rows}), today=TODAY)
    folder = shop({"clicks_2.csv": rows.replace("u1", "u2"), "stock.csv": "a,b\nx,y\n"})
    result = checked(folder, found.draft, tmp_path)
    assert result.accepted == 2
    assert "1 file in PATH matches no section: stock.csv" in result.notes


@pytest.mark.parametrize(
    ("preset", "name", "content"),
    [
        (
            "ga4",
            "events_20240513.jsonl",
            '{"user_pseudo_id": "1.2", "event_name": "purchase", "event_timestamp": '
            '"1704103200000000", "event_params": [{"key": "x", "value": {"string_value": "p"}}], '
            '"items": [{"item_id": "p1", "price": 5.0, "quantity": 1}]}\n',
        ),
        (
            "segment",
            "track.jsonl",
            '{"messageId": "m1", "userId": "u1", "event": "Product Viewed", "timestamp": '
            '"2024-05-13T10:00:00Z", "properties": {"product_id": "p1", "price": 5}}\n',
        ),
        (
            "shopify_orders",
            "orders_export.csv",
            "Name,Email,Financial Status,Created at,Lineitem quantity,Lineitem name,"
            "Lineitem price,Lineitem sku,Vendor\n"
            "#1001,ann@example.org,paid,2024-05-13 10:00:00 +0000,1,Mug,5,p1,Acme\n",
        ),
        (
            "woocommerce",
            "orders.jsonl",
            '{"id": 7, "status": "completed", "date_created_gmt": "2024-05-13T10:00:00", '
            '"billing": {"email": "ann@example.org"}, "line_items": [{"product_id": 1, "name": '
            '"Mug", "sku": "s1", "quantity": 1, "price": 5}]}\n',
        ),
        (
            "retailrocket",
            "events.csv",
            "timestamp,visitorid,event,itemid,transactionid\n1715594400000,1,view,2,\n",
        ),
        (
            "rees46",
            "2019-Oct.csv",
            "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,"
            "user_session\n2019-10-01 00:00:00 UTC,view,1,2,a.b,acme,5.0,3,s\n",
        ),
    ],
)  # fmt: skip
def test_vendors_export_is_recognised(preset, name, content, shop, tmp_path):
    folder = shop({name: content})
    found = inspect_files(folder, today=TODAY)
    assert found.preset == preset
    assert tomllib.loads(found.draft.toml)["extends"] == preset
    assert "example.org" not in found.draft.toml


def test_what_the_files_lack_is_assumed_aloud(shop, tmp_path):
    frame = pl.DataFrame({"user": [1, 2], "items": [[1, 2], [3]]})
    folder = shop({"sequences.parquet": frame})
    found = inspect_files(folder, today=TODAY)
    assert [each.split(" = ")[0] for each in found.draft.assumptions] == [
        "[events] event_type",
        "[events] timestamp",
    ]
    result = checked(folder, found.draft, tmp_path)
    assert result.accepted == 3
    assert any("persona benchmark" in note and "one timestamp" in note for note in result.notes)
    said = as_text(found, Path("shop.toml"))
    assert "a run trains models and evaluates none" in said
    assert "persona benchmark FILE --protocol leave_one_out" in said


def test_empty_column_is_not_mapped(shop):
    rows = HEADER + "u1,p1,purchase,2024-05-13T10:00:00Z,1,,NULL\n" * 3
    events = tomllib.loads(inspect_files(shop({"e.csv": rows}), today=TODAY).draft.toml)["events"]
    assert "unit_price" not in events
    assert "order_id" not in events


@pytest.mark.parametrize(
    ("prices", "said", "accepted"),
    [
        (["€ 5,99", "€ 1.299,00", "12"], 'decimal = ","  # guessed', 3),
        (["$5.99", "$1,299.00", "12"], 'decimal = "."  # guessed', 3),
        (["1,234", "5,678", "12"], '# decimal = ","', 1),
        (["5.99", "12.00", "12"], "", 3),
        (["€ 5,99", "$ 7,99", "12"], '# currency = ["$", "€"]', 1),
    ],
)
def test_notation_of_numbers_is_written_down_or_asked_for(prices, said, accepted, shop, tmp_path):
    rows = "".join(
        f'u{n},p1,purchase,2024-05-13T10:00:00Z,1,"{price}",o{n}\n'
        for n, price in enumerate(prices)
    )
    folder = shop({"e.csv": HEADER + rows})
    found = inspect_files(folder, today=TODAY)
    assert said in found.draft.toml
    assert ("[events.numbers]" in found.draft.toml) == bool(said)
    assert checked(folder, found.draft, tmp_path).accepted == accepted


def test_lines_of_an_order_whose_first_line_has_the_customer_are_filled(shop, tmp_path):
    rows = "".join(
        f"u{n},p1,purchase,2024-05-13T10:0{n}:00Z,1,5,o{n}\n,p2,purchase,,1,5,o{n}\n"
        for n in range(5)
    )
    folder = shop({"e.csv": HEADER + rows})
    found = inspect_files(folder, today=TODAY)
    assert tomllib.loads(found.draft.toml)["events"]["fill_down"] == {
        "by": "order_id",
        "columns": ["user_id", "timestamp"],
    }
    assert checked(folder, found.draft, tmp_path).accepted == 10


def test_price_on_request_does_not_stop_a_catalogue(shop, tmp_path):
    files = {
        "events.csv": HEADER + "u1,p1,purchase,2024-05-13T10:00:00Z,1,5,o1\n",
        "products.csv": "sku,title,price\np1,Mug,5.00\n"
        + "".join(f"p{n},Mug,{n}\n" for n in range(2, 90))
        + "p99,Ship,on request\n",
    }
    folder = shop(files)
    found = inspect_files(folder, today=TODAY)
    products = tomllib.loads(found.draft.toml)["products"]
    assert "price" not in products
    assert '# not mapped: "price"' in found.draft.toml
    assert checked(folder, found.draft, tmp_path).accepted == 1


def test_western_text_is_read_and_said(shop):
    rows = "Kunde,Artikel,Aktion,Zeit,Name\nu1,p1,view,2024-05-13T10:00:00Z,Müller\n"
    draft = tomllib.loads(
        inspect_files(shop({"e.csv": rows.encode("cp1252")}), today=TODAY).draft.toml
    )
    assert draft["events"]["format"] == {"encoding": "cp1252"}


def test_unreadable_file_stops_nothing_but_itself(shop):
    files = {
        "events.csv": HEADER + "u1,p1,view,2024-05-13T10:00:00Z,1,5,\n",
        "broken.parquet": b"PAR1 but no more",
        "empty.csv": b"",
    }
    found = inspect_files(shop(files), today=TODAY)
    assert [*found.unreadable] == ["broken.parquet"]
    assert any("empty.csv" in note for note in found.notes)
    assert tomllib.loads(found.draft.toml)["events"]["file"] == "events*.csv"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no file of data"),
        ({"a.csv": b""}, "empty"),
        ({"a.csv": "1,2,3\n4,5,6\n"}, "not column names"),
        ({"a.csv": "user_id,b,user_id\n1,2,3\n"}, "two columns"),
    ],
)
def test_nothing_to_look_at_is_one_message(files, said, shop):
    with pytest.raises(UserError, match=said):
        inspect_files(shop(files), today=TODAY)


def test_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="there is no file or folder"):
        inspect_files(tmp_path / "nowhere", today=TODAY)


def _cases():
    folder = SHARED / "cases"
    return sorted(path.parent.name for path in folder.glob("*/map.toml")) or ["none"]


NOT_ALIKE = {
    "dup_columns": "two columns",
    "fmt_utc_Z_literal": "which means different zones",
}
"""Cases in which a person must be asked → what is asked."""


@pytest.mark.parametrize("case", _cases())
def test_shared_case_is_mapped_as_by_hand(case):
    folder = SHARED / "cases" / case
    if not folder.is_dir():
        pytest.skip(f"{SHARED / 'cases'} is not there")
    by_hand = tomllib.loads((folder / "map.toml").read_text())
    if case == "dup_columns":
        with pytest.raises(UserError, match=NOT_ALIKE[case]):
            inspect_files(folder / "in", today=TODAY)
        return
    found = inspect_files(folder / "in", today=TODAY)
    if case in NOT_ALIKE:
        assert NOT_ALIKE[case] in found.draft.questions[0]
    draft = tomllib.loads(found.draft.toml)
    if found.preset:
        assert (case, found.preset) == ("jl_ga4", "ga4")
        return
    empty = {
        column.name
        for table in found.tables
        for column in table.columns
        if column.profile.kind == "empty"
    }
    for name, section in by_hand.items():
        mapped = {ours: theirs for ours, theirs in section.items() if isinstance(theirs, str)}
        for ours, theirs in mapped.items():
            if ours != "file" and theirs not in empty:
                assert draft[name][ours] == theirs


@pytest.mark.parametrize(
    "name",
    [
        "amazon_beauty_sequences", "amazon_toys_sequences", "obd_small", "online_retail",
        "retailrocket_funnel_test_buy", "retailrocket_funnel_train",
    ],
)  # fmt: skip
def test_draft_of_shared_data_runs_after_stating_consent(name, tmp_path):
    file = SHARED / "data" / f"{name}.parquet"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    found = inspect_files(file, today=TODAY)
    assert found.draft.questions == ()
    result = checked(file, found.draft, tmp_path)
    # What was shown and not clicked is no interaction.
    unused = result.rejected.get("unused_event_type")
    assert result.accepted + (unused.rows if unused else 0) >= 0.65 * result.rows
    assert result.accepted


def test_no_zone_is_suggested_for_days_without_a_time(shop):
    row = "u1,p1,view,2024-05-{},1,5,\n"
    days = HEADER + "".join(row.format(day) for day in (13, 14))
    draft = inspect_files(shop({"e.csv": days}), today=TODAY).draft.toml
    assert "zone =" not in draft
    assert "move every date back by one day" in draft
    times = HEADER + "".join(row.format(f"{day} 10:00") for day in (13, 14))
    assert (
        '# zone = "Europe/Berlin"' in inspect_files(shop({"e.csv": times}), today=TODAY).draft.toml
    )


SPLIT = "Kunde;Artikel;Ereignis;Datum;Uhrzeit\nk1;a1;Kauf;{0};{1}\nk2;a1;Kauf;{0};{2}\n"


@pytest.mark.parametrize(
    ("times", "written"),
    [
        (("10:30", "11:30"), "%H:%M"),
        (("10:30:00", "11:30:00"), "%H:%M:%S"),
        (("103000", "93000"), "%H:%M:%S"),
        (("1030", "930"), "%H:%M"),
        (("10:30 AM", "9:30 pm"), "%I:%M %p"),
    ],
)
def test_a_day_and_a_time_in_two_columns_are_one_timestamp(times, written, shop):
    found = inspect_files(shop({"e.csv": SPLIT.format("13.05.2024", *times)}), today=TODAY)
    events = tomllib.loads(found.draft.toml)["events"]
    assert events["timestamp"] == {"date": "Datum", "time": "Uhrzeit"}
    assert events["time"]["format"] == f"%d.%m.%Y {written}"
    assert (found.check.accepted, found.draft.questions) == (2, ())
    assert '# zone = "Europe/Berlin"' in found.draft.toml


def test_choices_of_an_ambiguous_day_have_the_time_of_the_other_column(shop):
    days = inspect_files(shop({"e.csv": SPLIT.format("01.02.2024", "10:30", "11:30")}), today=TODAY)
    assert '# format = "%d.%m.%Y %H:%M"' in days.draft.toml
    assert '# format = "%m.%d.%Y %H:%M"' in days.draft.toml


def test_folders_of_year_month_and_day_are_a_timestamp(shop):
    rows = "user,item,event\n" + "".join(f"u{n},p{n},view\n" for n in range(4))
    files = {f"year=2024/month=5/day={day}/part-0.csv": rows for day in (13, 14)}
    found = inspect_files(shop(files), today=TODAY)
    events = tomllib.loads(found.draft.toml)["events"]
    assert events["timestamp"] == {"year": "year", "month": "month", "day": "day"}
    assert (found.check.accepted, found.check.first, found.check.last) == (
        8, date(2024, 5, 13), date(2024, 5, 14),
    )  # fmt: skip


def fill_down_of(rows, shop):
    draft = inspect_files(shop({"e.csv": HEADER + rows}), today=TODAY).draft.toml
    return tomllib.loads(draft)["events"].get("fill_down"), draft


def test_lines_without_an_order_are_no_evidence_of_lines_to_be_filled(shop):
    when = "2024-05-13T10:00:00Z,1,5"
    rows = "".join(
        f"u{n},p1,purchase,{when},{order}\n,p2,purchase,{when},{order}\n"
        for n, order in enumerate(["0", "NULL", "o1", "o2", "o3"])
    )
    setting, draft = fill_down_of(rows, shop)
    assert setting == {"by": "order_id", "columns": ["user_id"]}
    assert "guessed: 3 lines without user_id, while an earlier" in draft
    assert fill_down_of(re.sub(",o[0-9]", ",0", rows), shop)[0] is None


def test_orders_of_several_customers_are_not_filled_unasked(shop):
    when = "2024-05-13T10:00:00Z,1,5"
    rows = "".join(f"u{n},p1,purchase,{when},o1\n,p2,purchase,{when},o1\n" for n in range(4))
    setting, draft = fill_down_of(rows, shop)
    assert setting is None
    assert "# DECIDE: 4 lines without user_id could be filled" in draft
    assert '# columns = ["user_id"]' in draft


ORDERS = "Customer,SKU,Order No,Order Date,Qty,Price,{}\n" + "".join(
    "u{0},p1,o{0},2024-05-13T10:0{0}:00Z,1,5,".replace("{0}", str(n)) + "{}\n" for n in range(6)
)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Order Status", ["Shipped", "Shipped", "Shipped", "Cancelled", "Refunded", "Mystery"]),
        ("Zustand", ["versandt", "Versandt", "versandt", "storniert", "retourniert", "Klärung"]),
    ],
)
def test_states_beside_purchases_are_asked_about(name, values, shop, tmp_path):
    folder = shop({"lines.csv": ORDERS.format(name, *values)})
    found = inspect_files(folder, today=TODAY)
    draft = found.draft.toml
    assert f'# DECIDE: "{name}" may say which rows are no purchases' in draft
    assert f'# {values[3]} = "unused"  # 1 of 6 sampled rows' in draft
    assert f'# {values[4]} = "unused"  # 1 of 6 sampled rows' in draft  # none is below zero
    assert f"{values[5]}" in draft
    assert any("every row is a purchase" in each for each in found.draft.assumptions)
    answered = re.sub(r'(?m)^# (\[events\.values.*|"?\w+"? = ".*)$', r"\1", draft)
    answered = re.sub(r'(?m)^event_type = "purchase".*$', "", answered.replace('…"', 'unused"'))
    answered = answered.replace("[events]\n", f'[events]\nevent_type = "{name}"\n', 1)
    mapping = tmp_path / "answered.toml"
    mapping.write_text(answered)
    result = check_files(folder, mapping, today=TODAY)
    assert result.events["purchase"] == 3
    assert result.rejected["unused_event_type"].rows == 3


def test_states_of_a_country_and_unique_texts_are_no_states_of_an_order(shop):
    for values in (["CA", "NY", "CA", "NY", "CA", "NY"], [f"Ann {n}" for n in "abcdef"]):
        draft = inspect_files(shop({"lines.csv": ORDERS.format("State", *values)}), today=TODAY)
        assert "may say which rows" not in draft.draft.toml
        assert "Ann a" not in draft.draft.toml


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("Einwilligung", ("ja", "nein")),
        ("gdpr_consent", ("oui", "non")),
        ("opt_in", ("granted", "denied")),
        ("marketingOptIn", ("true", "false")),
        ("Accepts Marketing", ("yes", "no")),
    ],
)
def test_columns_that_may_say_consent_are_shown_with_their_values(name, answers, shop):
    rows = f"user,sku,action,time,{name}\n" + "".join(
        f"u{n},p1,view,2024-05-13T10:00:00Z,{answers[n % 2]}\n" for n in range(4)
    )
    draft = inspect_files(shop({"e.csv": rows}), today=TODAY).draft.toml
    shown = f'# a column that may say it: "{name}": "{answers[0]}" 2×, "{answers[1]}" 2×'
    assert shown in draft or f'"{answers[1]}" 2×, "{answers[0]}" 2×' in draft
    assert ("[events.values.consent]" in draft) == (answers[0] not in ("true", "yes"))


def test_consent_is_hinted_at_in_a_draft_that_extends_a_preset(shop):
    line = (
        '{"user_pseudo_id": "1.2", "event_name": "purchase", "event_timestamp": '
        '"1704103200000000", "privacy_info": {"analytics_storage": "Yes"}, "event_params": '
        '[{"key": "x", "value": {"string_value": "p"}}], '
        '"items": [{"item_id": "p1", "price": 5.0, "quantity": 1}]}\n'
    )
    found = inspect_files(shop({"events_20240513.jsonl": line}), today=TODAY)
    assert found.preset == "ga4"
    assert '"privacy_info.analytics_storage": "Yes" 1×' in found.draft.toml
