"""Shops of shapes that nobody made for this platform: public data sets, other tools' exports."""

import json
import tomllib
from datetime import date

import pytest
import xlsxwriter

from persona_assets.errors import UserError
from persona_assets.sources.inspection import inspect_files

TODAY = date(2024, 12, 1)


@pytest.fixture
def look(tmp_path):
    """look({name: rows of text}) → what is found, and its draft as a document."""

    def at(files):
        for name, rows in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(rows) + "\n")
        found = inspect_files(tmp_path, today=TODAY)
        return found, tomllib.loads(found.draft.toml)

    return at


def test_transactions_and_catalogue_of_a_clothes_shop(look):
    _, draft = look(
        {
            "transactions_train.csv": [
                "t_dat,customer_id,article_id,price,sales_channel_id",
                *(
                    f"2018-09-{1 + n % 28:02},{n % 9:064x},0{663 + n % 30},0.{n},2"
                    for n in range(60)
                ),
            ],
            "articles.csv": [
                "article_id,product_code,prod_name,department_name",
                *(f"0{663 + n},{n},Strap top,Jersey" for n in range(30)),
            ],
        }
    )
    events = draft["events"]
    assert (events["user_id"], events["product_id"]) == ("customer_id", "article_id")
    assert events["timestamp"] == "t_dat"
    assert events["constants"] == {"event_type": "purchase"}
    assert draft["products"]["product_id"] == "article_id"
    assert draft["products"]["name"] == "prod_name"


def test_reviews(look):
    review = {"reviewerID": "A1", "asin": "B01", "reviewerName": "Ann Smith", "helpful": [0, 1],
              "overall": 5.0, "unixReviewTime": 1370000000}  # fmt: skip
    found, draft = look(
        {"reviews.json": [json.dumps(review | {"asin": f"B{n}"}) for n in range(9)]}
    )
    assert draft["events"]["user_id"] == "reviewerID"
    assert draft["events"]["timestamp"] == "unixReviewTime"
    assert "products" not in draft  # a reviewer's name is no product's
    assert any("event_type" in each for each in found.draft.assumptions)


def test_columns_without_a_meaning_are_asked_for(look):
    rows = [
        f"{n % 40},{n % 77},{('view', 'cart', 'buy')[n % 3]},2024-05-13 10:00" for n in range(99)
    ]
    found, draft = look({"log.csv": ["a,b,c,d", *rows]})
    assert (draft["events"]["event_type"], draft["events"]["timestamp"]) == ("c", "d")
    assert found.draft.questions == (
        '[events] user_id: is it "a" or "b"?',
        '[events] product_id: is it "a" or "b"?',
    )
    assert '# user_id = "a"' in found.draft.toml


def test_days_and_clock_times_in_two_columns_are_read_together(look):
    rows = [f"c{n},a1,view,{14 + n}.05.2024,10:0{n}" for n in range(9)]
    found, draft = look({"log.csv": ["customer,article,action,date,time", *rows]})
    assert draft["events"]["timestamp"] == {"date": "date", "time": "time"}
    assert draft["events"]["time"] == {"format": "%d.%m.%Y %H:%M"}
    assert (found.check.accepted, found.check.first) == (9, date(2024, 5, 14))


def test_column_called_a_time_that_holds_none_is_asked_about(look):
    rows = [f"h{n % 5},{n % 9},p{n % 7},{n % 30}" for n in range(60)]
    found, _ = look({"log.csv": ["household_key,BASKET_ID,PRODUCT_ID,DAY", *rows]})
    assert found.draft.questions == ('[events] timestamp: is it "DAY"?',)


def test_customers_in_another_file_are_said_to_need_a_join(look):
    items = [f"o{n},p{n % 7},2017-10-02 10:00:00,5.0" for n in range(20)]
    orders = [f"o{n},c{n % 9},2017-10-02 10:00:00" for n in range(20)]
    found, _ = look(
        {
            "items.csv": ["order_id,product_id,shipping_date,price", *items],
            "orders.csv": ["order_id,customer_id,order_purchase_timestamp", *orders],
        }
    )
    assert any("join the two by the order" in note for note in found.notes)


def test_files_of_one_kind_each_are_said_to_go_into_folders(look):
    views = [f"u{n % 9},p{n % 7},2024-05-13T10:00:00Z" for n in range(30)]
    buys = [f"u{n % 9},p{n % 7},2024-05-13T10:00:00Z,5.0" for n in range(9)]
    found, draft = look(
        {
            "views.csv": ["user_id,product_id,viewed_at", *views],
            "purchases.csv": ["user_id,product_id,purchased_at,price", *buys],
        }
    )
    assert draft["events"]["constants"] == {"event_type": "view"}
    assert any("event_type=purchase/" in note for note in found.notes)


def test_names_of_events_that_are_all_unknown_are_a_question(look):
    rows = [f"u{n},p1,wobble,2024-05-13T10:00:00Z" for n in range(9)]
    found, _ = look({"log.csv": ["user_id,sku,action,when", *rows]})
    assert found.draft.questions == (
        "[events.values.event_type]: no event name is known; say what each one means",
    )


def test_device_that_looks_like_a_number_is_an_identifier(look):
    rows = [f"{n}.{1715 + n},p1,view_item,{1715594400000000 + n}" for n in range(30)]
    _, draft = look({"flat.csv": ["user_pseudo_id,item_id,event_name,event_timestamp", *rows]})
    assert draft["events"]["user_id"] == "user_pseudo_id"
    assert draft["events"]["time"] == {"unit": "us"}


def test_sheets_of_other_columns_are_tables_of_their_own(tmp_path):
    book = xlsxwriter.Workbook(str(tmp_path / "shop.xlsx"))
    sheets = {
        "Read me": [["Export of our shop"]],
        "Orders": [["Customer No", "Article", "Order date", "Qty"]]
        + [[1000 + n % 9, f"A{n % 7}", f"2024-05-{1 + n % 28:02} 10:00", 1] for n in range(40)],
        "Articles": [["Article", "Title"]] + [[f"A{n}", f"Mug {n}"] for n in range(7)],
    }
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
    book.close()
    found = inspect_files(tmp_path / "shop.xlsx", today=TODAY)
    draft = tomllib.loads(found.draft.toml)
    assert draft["events"]["format"] == {"sheet": "Orders"}
    assert draft["products"]["format"] == {"sheet": "Articles"}
    assert found.check.accepted > 0 or found.check.rejected


def lines(names, *rows):
    return [",".join(names), *(",".join(map(str, row)) for row in rows)]


def test_a_report_below_its_title_is_drafted_with_the_row_of_its_names(look):
    rows = [f"u{n},p{n % 7},view,2024-05-13 10:00" for n in range(30)]
    _, draft = look({"log.csv": ["# Shop, 2024", "", "user,sku,action,time", *rows]})
    assert draft["events"]["format"] == {"header_row": 3}
    assert draft["events"]["product_id"] == "sku"


def test_numbers_of_events_are_a_question(look):
    rows = [(f"u{n % 9}", f"p{n % 7}", 1 + n % 3, "2024-05-13 10:00") for n in range(60)]
    found, draft = look({"log.csv": lines(["user", "sku", "event", "time"], *rows)})
    assert draft["events"]["event_type"] == "event"
    assert found.draft.questions == (
        "[events.values.event_type]: no event name is known; say what each one means",
    )
    assert '# 1 = "unused"  # 20 of 60 sampled rows' in found.draft.toml


def test_the_number_of_a_line_is_no_product(look):
    names = ["item_id", "order_id", "customer_id", "created_at", "sku", "price"]
    rows = [(n, n // 2, n % 9, "2024-05-13 10:00:00", f"p{n % 7}", 5.5) for n in range(40)]
    found, draft = look({"order_items.csv": lines(names, *rows)})
    assert draft["events"]["product_id"] == "sku"
    assert '# product_id = "item_id"  # or:' in found.draft.toml


@pytest.mark.parametrize("device", ["browser", "$browser", "device", "context.device"])
def test_the_name_of_a_device_is_nobody(look, device):
    rows = [
        json.dumps({"event": "Product View", "distinct_id": f"u{n % 9}", "product_id": f"p{n % 7}",
                    "time": 1715594400 + n, device: "Chrome"})
        for n in range(40)
    ]  # fmt: skip
    _, draft = look({"export.json": rows})
    assert draft["events"]["user_id"] == "distinct_id"


def test_products_with_a_name_alone_are_asked_about(look):
    rows = [(f"u{n % 9}", f"Mug {n % 12}", "13.05.2024", 1) for n in range(60)]
    found, _ = look({"sold.csv": lines(["Kunde", "Artikelname", "Datum", "Menge"], *rows)})
    assert found.draft.questions == ('[events] product_id: is it "Artikelname"?',)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"log.csv": ["user,sku,event,time"]}, "which has names of columns and no rows"),
        ({"products.csv": ["sku,name", "p1,Mug", "p2,Cup"]}, "no column could be told"),
    ],
)
def test_files_without_events_say_what_they_lack(tmp_path, files, said):
    for name, rows in files.items():
        (tmp_path / name).write_text("\n".join(rows) + "\n")
    found = inspect_files(tmp_path, today=TODAY)
    assert found.draft is None
    assert any(said in note for note in found.notes)


def test_identifiers_that_a_spreadsheet_rounded_are_said(look):
    rows = [(f"4.0063{n % 3}E+12", f"p{n % 7}", "view", "2024-05-13 10:00") for n in range(30)]
    found, _ = look({"log.csv": lines(["user", "sku", "event", "time"], *rows)})
    assert "30 lack their last digits, which a spreadsheet has cut off" in found.draft.toml
    assert any("different ones may have become one" in note for note in found.check.notes)


def test_floats_as_a_computer_writes_them_are_whole(look):
    users = ["4.006381333E12", "4.0E12", "17850.0"]
    rows = [(users[n % 3], f"p{n % 7}", "view", "2024-05-13 10:00") for n in range(30)]
    found, _ = look({"log.csv": lines(["user", "sku", "event", "time"], *rows)})
    assert "cut off" not in found.draft.toml
    assert found.check.users == 3


@pytest.mark.parametrize("time", ["2024-05-13 10:00:00+00", "2024-05-13 10:00:00.5-05"])
def test_no_zone_is_suggested_beside_an_offset_of_hours(look, time):
    rows = [(f"u{n % 9}", f"p{n % 7}", "view", time) for n in range(30)]
    found, _ = look({"log.csv": lines(["user", "sku", "event", "time"], *rows)})
    assert "# zone =" not in found.draft.toml


@pytest.mark.parametrize(
    ("encoding", "header"),
    [
        ("cp1251", "клиент;товар;время"),
        ("cp1253", "πελάτης;προϊόν;χρόνος"),
        ("koi8-r", "товар;цена;дата"),
    ],
)
def test_another_alphabet_is_not_read_as_western(tmp_path, encoding, header):
    (tmp_path / "log.csv").write_bytes((header + "\nu1;p1;2024-05-13\n").encode(encoding))
    with pytest.raises(UserError, match=r"log\.csv is not UTF-8 .* cp1251 Cyrillic"):
        inspect_files(tmp_path, today=TODAY)


def test_an_archive_is_to_be_unpacked(tmp_path):
    (tmp_path / "export.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match=r"1 file was not read \(an archive: unpack it\)"):
        inspect_files(tmp_path, today=TODAY)


FLAGGED = "{n},sku{p},2024-05-{d:02}T10:{m:02}:00Z,{price},{flags}"


def flagged_log(names, flags):
    return [
        f"user_id,product_id,time,price,{names}",
        *(
            FLAGGED.format(n=n % 7, p=n % 11, d=1 + n % 28, m=n % 60, price=n + 0.5, flags=flags(n))
            for n in range(80)
        ),
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("is_purchase", "purchase"), ("bought", "purchase"), ("purchased", "purchase"),
        ("isBought", "purchase"), ("order", "purchase"), ("added_to_cart", "add_to_cart"),
        ("in_cart", "add_to_cart"), ("is_view", "view"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("true", "false")])
def test_a_flag_is_what_happened(look, name, kind, yes, no):
    found, draft = look({"log.csv": flagged_log(name, lambda n: yes if n % 4 == 0 else no)})
    assert draft["events"]["event_type"] == {kind: name}
    others = "unused" if kind == "view" else "view"
    assert draft["events"]["defaults"] == {"event_type": others}
    assert any(f'"{name}" say no are {others}' in each for each in found.draft.assumptions)
    assert found.check.events.get(kind) == 20
    assert found.check.events.get("view", 0) == {"view": 20}.get(kind, 60)


def test_of_several_flags_the_purchase_counts_first(look):
    flags = [(1, 0, 0), (1, 1, 0), (1, 1, 1), (0, 0, 0)]
    log = flagged_log("viewed,carted_flag,bought", lambda n: ",".join(map(str, flags[n % 4])))
    log[0] = log[0].replace("carted_flag", "cart_flag")
    found, draft = look({"log.csv": log})
    assert list(draft["events"]["event_type"].items()) == [
        ("purchase", "bought"), ("add_to_cart", "cart_flag"), ("view", "viewed"),
    ]  # fmt: skip
    assert found.check.events == {"purchase": 20, "add_to_cart": 20, "view": 20}
    assert found.check.rejected["unused_event_type"].rows == 20


def test_what_was_shown_and_not_clicked_is_no_view(look):
    found, draft = look({"log.csv": flagged_log("clicked", lambda n: n % 2)})
    assert draft["events"]["event_type"] == {"view": "clicked"}
    assert draft["events"]["defaults"] == {"event_type": "unused"}
    assert any('"clicked" say no are unused' in each for each in found.draft.assumptions)
    assert found.check.events == {"view": 40}


@pytest.mark.parametrize("words", [0.03, 0.17, 0.4])
@pytest.mark.parametrize(
    ("column", "rule"), [("price", "unreadable_price"), ("qty", "unreadable_quantity")]
)
def test_a_column_of_numbers_with_words_in_it_is_mapped_and_its_words_are_rejected(
    look, column, rule, words
):
    bad = round(words * 100)
    rows = [
        f"{n % 7},sku{n % 11},2024-05-{1 + n % 28:02}T10:{n % 60:02}:00Z,buy,"
        f"{'on request' if n < bad else n + 1}"
        for n in range(100)
    ]
    found, draft = look({"log.csv": [f"user_id,product_id,time,event,{column}", *rows]})
    ours = "unit_price" if column == "price" else "quantity"
    assert draft["events"][ours] == column
    assert found.check.rejected[rule].texts == {"on request": bad}
    said = [each for each in found.draft.assumptions if f'{ours} = "{column}"' in each]
    assert len(said) == 1
    assert f"{bad:.1f} % of its values are no numbers, and are rejected as {rule}" in said[0]


def test_a_price_of_a_catalogue_with_words_is_left_out_and_said(look):
    rows = [f"{n % 7},sku{n % 11},2024-05-{1 + n % 28:02}T10:00:00Z,buy" for n in range(40)]
    items = [f"sku{n},Thing {n},{'on request' if n < 3 else n + 0.5}" for n in range(11)]
    found, draft = look(
        {"log.csv": ["user_id,product_id,time,event", *rows],
         "products.csv": ["product_id,name,price", *items]}
    )  # fmt: skip
    assert "price" not in draft["products"]
    assert any('[products] "price" is not mapped' in each for each in found.draft.assumptions)
