"""The real data set must come through whole, and small files in every shape must mean the same."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import UserError
from persona_assets.sources.attribute_deliveries import product_history, user_history
from persona_assets.sources.online_retail import OnlineRetail
from persona_assets.sources.protocol import Source
from persona_assets.tables import raw
from persona_assets.transforms.attribute_history import as_known_at, newest
from persona_assets.transforms.history import midnight

ARRIVAL = datetime(2026, 1, 1, tzinfo=UTC)
PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "online_retail.parquet"


def all_days(source: Source) -> list[date]:
    return [source.start + timedelta(days=n) for n in range((source.end - source.start).days)]


def is_event_row(frame: pl.DataFrame) -> bool:
    return frame.schema == raw.EVENTS.polars_schema


@pytest.fixture(scope="module")
def published() -> OnlineRetail:
    if not PUBLISHED.is_file():
        pytest.skip(f"the UCI Online Retail data set is not at {PUBLISHED}")
    return OnlineRetail(PUBLISHED)


@pytest.fixture(scope="module")
def events(published: OnlineRetail) -> pl.DataFrame:
    return published.events(all_days(published))


class TestPublishedFile:
    """Reference figures: UCI's description and earlier independent analyses of the file."""

    def test_every_line_is_one_event_with_the_contracts_columns(self, published, events):
        assert len(events) == 541_909
        assert is_event_row(events)
        assert (published.start, published.end) == (date(2010, 12, 1), date(2011, 12, 10))

    def test_distinct_invoices_codes_and_customers(self, published, events):
        assert events["order_id"].n_unique() == 25_900
        assert events["product_id"].n_unique() == len(published.products()) == 4_070
        assert events["user_id"].drop_nulls().n_unique() == len(published.users()) == 4_372

    def test_dirt_comes_through(self, events):
        assert events["user_id"].null_count() == 135_080
        assert events.filter(pl.col("quantity") < 0).height == 10_624
        total = events.select((pl.col("quantity") * pl.col("unit_price")).sum()).item()
        assert total == pytest.approx(9_747_747.93, abs=0.01)

    def test_the_usual_filter_gives_the_usual_figures(self, events):
        clean = events.filter(
            pl.col("user_id").is_not_null(),
            pl.col("quantity") > 0,
            pl.col("unit_price") > 0,
            pl.col("event_type") == "purchase",
        )
        assert len(clean) == 397_884
        assert clean["user_id"].n_unique() == 4_338
        assert clean["product_id"].n_unique() == 3_665
        assert clean["order_id"].n_unique() == 18_532
        assert clean.select("user_id", "product_id").n_unique() == 266_792
        revenue = clean.select((pl.col("quantity") * pl.col("unit_price")).sum()).item()
        assert revenue == pytest.approx(8_911_407.90, abs=0.01)

    def test_the_5268_exact_duplicates_are_equal_in_all_but_source_row(self, events):
        different = events.drop("source_row").unique()
        assert len(events) - len(different) == 5_268
        assert different["event_id"].n_unique() == len(different)

    def test_a_day_does_not_depend_on_the_other_days_asked_for(self, published, events):
        day = date(2011, 11, 14)
        alone = published.events([day])
        assert_frame_equal(alone, events.filter(event_date=day))
        assert alone["source_row"].to_list() == list(range(len(alone)))
        assert len(alone) > 1_000

    def test_matched_returns_never_exceed_their_purchase(self, events):
        lines = events.unique("event_id")
        purchases = lines.filter(event_type="purchase").select(
            related_event_id="event_id",
            bought_by="user_id",
            bought="product_id",
            bought_at="arrived_at",
            pieces="quantity",
        )
        returns = lines.filter(event_type="return").drop_nulls("related_event_id")
        pairs = returns.join(purchases, on="related_event_id", how="left")
        assert len(returns) > 7_000
        assert pairs["pieces"].null_count() == 0
        assert (pairs["user_id"] == pairs["bought_by"]).all()
        assert (pairs["product_id"] == pairs["bought"]).all()
        assert (pairs["bought_at"] <= pairs["arrived_at"]).all()
        given_back = pairs.group_by("related_event_id").agg(
            pl.col("quantity").sum(), pl.col("pieces").first()
        )
        assert (given_back["pieces"] + given_back["quantity"] >= 0).all()
        assert lines.filter(event_type="purchase")["related_event_id"].null_count() == len(
            lines.filter(event_type="purchase")
        )

    def test_kinds_of_codes(self, published):
        kinds = dict(published.products().select("product_id", "kind").iter_rows())
        assert kinds["85123A"] == kinds["DCGSSBOY"] == kinds["22423"] == "product"
        assert {code for code, kind in kinds.items() if kind == "anomalous"} == {"PADS"}
        services = {code for code, kind in kinds.items() if kind == "service"}
        letters = {"POST", "DOT", "C2", "M", "m", "D", "S", "B", "BANK CHARGES", "AMAZONFEE"}
        vouchers = {f"gift_0001_{pounds}" for pounds in (10, 20, 30, 40, 50)}
        assert services == letters | vouchers | {"CRUK"}

    def test_orders_hold_every_line_and_cancellations_say_so(self, published, events):
        orders = published.orders(all_days(published))
        assert orders.schema == raw.ORDERS.polars_schema
        assert len(orders) == 541_909
        assert orders.filter(status="cancelled").height == 9_288
        assert orders.filter(status="cancelled")["order_id"].str.starts_with("C").all()

    def test_no_cutoff_knows_what_only_later_lines_tell(self, published):
        """Against the commonest description and country of the lines before the cut-off."""
        users = user_history(raw.USER_HISTORY.empty(), published, ARRIVAL)
        products = product_history(raw.PRODUCT_HISTORY.empty(), published, ARRIVAL)
        for cutoff in (date(2010, 12, 6), date(2011, 6, 6), published.end):
            lines = published._lines.filter(pl.col("arrived_at") < midnight(cutoff))
            for history, key, name, text in (
                (users, "user_id", "country", "Country"),
                (products, "product_id", "name", "Description"),
            ):
                known = as_known_at(history, cutoff).select(key, name).sort(key)
                commonest = pl.col(text).drop_nulls().mode().min().alias(name)
                expected = lines.drop_nulls(key).group_by(key).agg(commonest).sort(key)
                assert_frame_equal(known, expected)
        assert_frame_equal(newest(users, "user_id"), published.users())
        assert_frame_equal(newest(products, "product_id"), published.products())
        assert products.height < 1.5 * published.products().height

    def test_summer_time_ends_in_utc(self, events):
        # The shop opens at about 8 by the clock all year round: 7 in UTC while summer time lasts.
        summer = events.filter(
            pl.col("event_date").is_between(date(2011, 3, 28), date(2011, 10, 29))
        )
        winter = events.filter(pl.col("event_date") < date(2011, 3, 27))
        hour = pl.col("arrived_at").dt.hour()
        assert (
            summer.select(hour.quantile(0.01)).item() + 1
            == winter.select(hour.quantile(0.01)).item()
        )

    def test_contract_of_users_and_products(self, published):
        assert published.users().schema == raw.USERS.polars_schema
        assert published.products().schema == raw.PRODUCTS.polars_schema
        assert published.users()["signup_date"].null_count() == 4_372 - 4_339  # only returns
        assert published.search_logs(all_days(published)).schema == raw.SEARCH_LOGS.polars_schema


HEADER = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
MUG, LAMP = ("22001", "RED MUG"), ("85123A", "LAMP")


def line(invoice, article, quantity, when, price=2.5, customer=17850, country="United Kingdom"):
    return (invoice, *article, quantity, when, price, customer, country)


LINES = [
    line("536365", LAMP, 6, datetime(2010, 12, 1, 8, 26), 2.55),
    line("536365", MUG, 10, datetime(2010, 12, 1, 8, 26)),
    line("536365", MUG, 10, datetime(2010, 12, 1, 8, 26)),  # exact duplicate
    line("536365", ("22001", "MUG"), 10, datetime(2010, 12, 1, 8, 26)),  # differs in text only
    line("536366", ("POST", None), 1, datetime(2011, 7, 13, 0, 30), 18.0, None, "France"),
    line("C536367", MUG, -4, datetime(2011, 7, 14, 9, 0)),
]


def as_frame(lines=LINES):
    return pl.DataFrame(lines, schema=HEADER, orient="row")


def written(folder: Path, frame: pl.DataFrame, ending: str) -> Path:
    path = folder / f"retail.{ending}"
    if ending == "xlsx":
        frame.write_excel(path)
    elif ending == "parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)
    return path


def source_of(folder: Path, frame: pl.DataFrame, ending: str = "parquet") -> OnlineRetail:
    return OnlineRetail(written(folder, frame, ending))


def events_of(source: OnlineRetail) -> pl.DataFrame:
    return source.events(all_days(source))


def test_hand_made_lines_become_these_events(tmp_path):
    events = events_of(source_of(tmp_path, as_frame()))
    assert is_event_row(events)
    assert events.select(
        "event_date", "source_row", "event_id", "user_id", "event_type", "timestamp", "quantity"
    ).rows() == [
        (date(2010, 12, 1), 0, "536365:85123A:1", "17850", "purchase", "2010-12-01T08:26:00Z", 6),
        (date(2010, 12, 1), 1, "536365:22001:1", "17850", "purchase", "2010-12-01T08:26:00Z", 10),
        (date(2010, 12, 1), 2, "536365:22001:1", "17850", "purchase", "2010-12-01T08:26:00Z", 10),
        (date(2010, 12, 1), 3, "536365:22001:2", "17850", "purchase", "2010-12-01T08:26:00Z", 10),
        # half past midnight on the 13th by the clock is the 12th in UTC
        (date(2011, 7, 12), 0, "536366:POST:1", None, "purchase", "2011-07-12T23:30:00Z", 1),
        (date(2011, 7, 14), 0, "C536367:22001:1", "17850", "return", "2011-07-14T08:00:00Z", -4),
    ]
    assert events["related_event_id"].to_list() == [None] * 5 + ["536365:22001:2"]
    assert events["arrived_at"][0] == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert events["consent"].all()


def test_users_and_products_of_the_hand_made_lines(tmp_path):
    source = source_of(tmp_path, as_frame())
    assert source.users().rows() == [("17850", "United Kingdom", date(2010, 12, 1))]
    assert source.products().select(
        "product_id", "name", "price", "launch_date", "kind"
    ).rows() == [
        ("22001", "RED MUG", None, date(2010, 12, 1), "product"),
        ("85123A", "LAMP", None, date(2010, 12, 1), "product"),
        ("POST", None, None, date(2011, 7, 12), "service"),
    ]


def test_equally_frequent_names_and_countries_are_settled_by_text(tmp_path):
    when = datetime(2011, 5, 2, 12)
    lines = [
        line("1", ("22001", "ZEBRA MUG"), 1, when, country="Spain"),
        line("2", ("22001", "A MUG"), 1, when, country="Portugal"),
        line("3", ("22001", None), 1, when, price=0.0, country="Spain"),
        line("4", ("22001", None), 1, when, price=0.0, country="Portugal"),
    ]
    for order in (lines, lines[::-1]):
        source = source_of(tmp_path, as_frame(order))
        assert source.products()["name"].item() == "A MUG"
        assert source.users()["country"].item() == "Portugal"


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_every_format_means_the_same(tmp_path, ending):
    expected = source_of(tmp_path, as_frame())
    given = source_of(tmp_path, as_frame(), ending)
    assert_frame_equal(events_of(given), events_of(expected))
    assert_frame_equal(given.users(), expected.users())
    assert_frame_equal(given.products(), expected.products())


@pytest.mark.parametrize(
    "pattern",
    [
        "%-m/%-d/%Y %-H:%M",
        "%-m/%-d/%y %-H:%M",
        "%d/%m/%Y %H:%M",
        "%d-%m-%Y %H:%M",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
    ],
)
def test_every_way_of_writing_dates_means_the_same(tmp_path, pattern):
    expected = events_of(source_of(tmp_path, as_frame()))
    texts = as_frame().with_columns(pl.col("InvoiceDate").dt.to_string(pattern))
    assert_frame_equal(events_of(source_of(tmp_path, texts, "csv")), expected)


@pytest.mark.parametrize("dtype", [pl.String, pl.Float64, pl.Int32])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_spellings_of_the_second_edition_and_customers_of_any_type(tmp_path, dtype, ending):
    expected = events_of(source_of(tmp_path, as_frame()))
    second = as_frame().rename(
        {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
    )
    second = second.with_columns(pl.col("Customer ID").cast(dtype))
    assert_frame_equal(events_of(source_of(tmp_path, second, ending)), expected)


def test_workbook_of_two_sheets_and_bare_numbers(tmp_path):
    import xlsxwriter

    path = tmp_path / "retail.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "d/m/yyyy h:mm"}) as book:
        for part in (LINES[:3], LINES[3:]):
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, HEADER)
            for row, values in enumerate(part, start=1):
                for column, value in enumerate(values):
                    # Excel keeps invoice 536365 as a number and C536367 as text
                    bare = isinstance(value, str) and value.isdigit()
                    sheet.write(row, column, int(value) if bare else value)
    expected = events_of(source_of(tmp_path, as_frame()))
    assert_frame_equal(events_of(OnlineRetail(path)), expected)


def test_windows_text_is_read(tmp_path):
    lines = [line("1", ("gift_0001_10", "Voucher £10.00"), 1, datetime(2011, 5, 2, 12))]
    path = tmp_path / "retail.csv"
    path.write_bytes(as_frame(lines).write_csv().encode("windows-1252"))
    assert OnlineRetail(path).products()["name"].item() == "Voucher £10.00"


def test_duplicated_returns_stay_exact_duplicates(tmp_path):
    lines = [
        line("1", MUG, 5, datetime(2011, 5, 2, 12)),
        line("2", MUG, 5, datetime(2011, 5, 3, 12)),
        line("C3", MUG, -5, datetime(2011, 5, 4, 12)),
        line("C3", MUG, -5, datetime(2011, 5, 4, 12)),
    ]
    first, second = events_of(source_of(tmp_path, as_frame(lines))).drop("source_row").rows()[2:]
    assert first == second
    assert "2:22001:1" in first


def test_missing_file_names_where_to_get_it(tmp_path):
    with pytest.raises(UserError, match=r"no file .*download .*archive\.ics\.uci\.edu"):
        OnlineRetail(tmp_path / "nothing.xlsx")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("InvoiceDate", "soon", r"InvoiceDate of row 2 is 'soon', which is no local time"),
        ("InvoiceDate", None, r"InvoiceDate of row 2 is None"),
        ("Quantity", "2.5", r"Quantity of row 2 is '2\.5', which is no whole number"),
        ("UnitPrice", "cheap", r"UnitPrice of row 2 is 'cheap', which is no number"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, column, value, message):
    texts = as_frame().with_columns(pl.all().cast(pl.String))
    second = pl.int_range(pl.len()) == 1
    broken = texts.with_columns(
        pl.when(second).then(pl.lit(value, pl.String)).otherwise(column).alias(column)
    )
    with pytest.raises(UserError, match=message):
        source_of(tmp_path, broken, "csv").users()


def test_another_file_is_refused_with_its_columns(tmp_path):
    with pytest.raises(UserError, match=r"no column InvoiceNo or Invoice; its columns are \['a'\]"):
        source_of(tmp_path, pl.DataFrame({"a": [1]}), "csv").users()


def test_header_without_rows_is_refused(tmp_path):
    with pytest.raises(UserError, match="header and no rows"):
        source_of(tmp_path, as_frame([]), "csv").users()
