"""The UCI Online Retail data set: a British gift shop's invoices of one year.

Belongs here: what is particular to that file, its spellings, its codes, its clock. Does not
belong here: cleaning its rows (the mart's work) or downloading it.

Source: Chen, D. (2015), *Online Retail*, UCI Machine Learning Repository, data set 352,
https://doi.org/10.24432/C5BW33, CC BY 4.0. Customers are numbers that the publishers anonymised.
Its successor, Online Retail II, spells three columns differently and is read as well.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import cast

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.declaration import Declaration, Kind, Option
from persona_assets.sources.event_ids import variant_numbers
from persona_assets.sources.leading_values import leading_values
from persona_assets.sources.local_time import iso_text, to_utc
from persona_assets.sources.matched_returns import match_returns
from persona_assets.sources.reading import FileFormat, read_text
from persona_assets.tables import raw

SPELLINGS = {
    "InvoiceNo": ("InvoiceNo", "Invoice"),
    "StockCode": ("StockCode",),
    "Description": ("Description",),
    "Quantity": ("Quantity",),
    "InvoiceDate": ("InvoiceDate",),
    "UnitPrice": ("UnitPrice", "Price"),
    "CustomerID": ("CustomerID", "Customer ID"),
    "Country": ("Country",),
}
"""The file's eight columns and how its editions spell them."""

DATE_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%m/%d/%y %H:%M",  # Excel's short form; before %Y, which would read it as the year 10
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%d-%m-%Y %H:%M",
)
"""How copies of the file write 2010-12-01 08:26. The first that reads every row is taken, so a
whole file is never ambiguous; a short extract might be, and is read month first, as published."""

ZONE = "Europe/London"

SERVICE_CODES = (
    "POST",  # postage
    "DOT",  # postage of the web shop
    "C2",  # carriage
    "M",  # manual entry
    "m",
    "D",  # discount
    "S",  # samples
    "B",  # bad debt
    "BANK CHARGES",
    "AMAZONFEE",
    "CRUK",  # commission for a charity
)
VOUCHER = r"^gift_\d{4}_\d+$"
"""Gift vouchers are money, not goods: nobody buys one for liking such vouchers."""

ARTICLE = r"^(\d{5}[A-Za-z]{0,2}|DCGS[0-9A-Z]+)$"
"""Five digits and up to two letters for the variant; DCGS… is the web shop's own range. Of the
4,070 codes of the published file, only PADS is neither an article nor a service: four lines at
0.001 pounds that go with cushions."""


class OnlineRetail:
    """The data set as a source: each of its lines is one event and one order line.

    Lines of invoices whose number begins with C are returns, all others purchases. A line arrived
    when it happened. Everybody counts as consenting, since the publication is anonymous. What the
    file does not know (categories, brands, searches) stays empty.

    Args:
        path: the file, as .xlsx, .csv or .parquet.

    Raises:
        UserError: at once if the file is missing; when rows are asked for, if it cannot be read or
            is not the data set.
    """

    name = "online_retail"
    identifiers_are_public = True

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UserError(
                f"there is no file {path}; download Online Retail from "
                "https://archive.ics.uci.edu/dataset/352 or correct the path"
            )
        self._path = path

    @property
    def start(self) -> date:
        """First day."""
        return cast(date, self._lines["event_date"].min())

    @property
    def end(self) -> date:
        """Day after the last day."""
        return cast(date, self._lines["event_date"].max()) + timedelta(days=1)

    def users(self) -> pl.DataFrame:
        """Rows of `raw/users`: country of most lines, day of the first purchase."""
        bought = pl.col("event_type") == "purchase"
        users = self._lines.drop_nulls("user_id").group_by("user_id")
        return (
            users.agg(
                country=_most_frequent("Country"),
                signup_date=pl.col("event_date").filter(bought).min(),
            )
            .select(raw.USERS.polars_schema.names())
            .sort("user_id")
        )

    def products(self) -> pl.DataFrame:
        """Rows of `raw/products`: commonest description and first day.

        The file has no list prices. One estimated over the whole year would tell models of a past
        cut-off what the future charged, so `price` is null and users of prices look at the mart.
        """
        code = pl.col("product_id")
        service = code.is_in(SERVICE_CODES) | code.str.contains(VOUCHER)
        products = self._lines.drop_nulls("product_id").group_by("product_id")
        return (
            products.agg(
                name=_most_frequent("Description"),
                category=pl.lit(None, pl.String),
                brand=pl.lit(None, pl.String),
                price=pl.lit(None, pl.Float64),
                launch_date=pl.col("event_date").min(),
            )
            .with_columns(
                kind=pl.when(service)
                .then(pl.lit("service"))
                .when(code.str.contains(ARTICLE))
                .then(pl.lit("product"))
                .otherwise(pl.lit("anomalous"))
            )
            .select(raw.PRODUCTS.polars_schema.names())
            .sort("product_id")
        )

    def dated_users(self) -> pl.DataFrame:
        """States of people: the country of most lines so far, the first day from the purchase on.

        So no cut-off knows what only later lines tell.
        """
        bought = self._lines.filter(pl.col("event_type") == "purchase")
        signups = bought.group_by("user_id").agg(
            valid_from=pl.col("arrived_at").min(), signup_date=pl.col("event_date").min()
        )
        countries = leading_values(self._lines, "user_id", "Country").rename({"Country": "country"})
        return (
            _states("user_id", self._first_seen("user_id"), countries, signups)
            .drop_nulls("user_id")
            .select(*raw.USERS.polars_schema.names(), "valid_from")
        )

    def dated_products(self) -> pl.DataFrame:
        """States of products: the commonest description so far, from the first line on."""
        names = leading_values(self._lines, "product_id", "Description")
        states = _states(
            "product_id", self._first_seen("product_id"), names.rename({"Description": "name"})
        )
        return (
            states.join(self.products().drop("name"), on="product_id")
            .select(*raw.PRODUCTS.polars_schema.names(), "valid_from")
            .sort("product_id", "valid_from")
        )

    def _first_seen(self, key: str) -> pl.DataFrame:
        return self._lines.group_by(key).agg(valid_from=pl.col("arrived_at").min())

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/events` filed under `days`."""
        return self._lines_of(days).select(raw.EVENTS.polars_schema.names())

    def orders(self, days: Sequence[date]) -> pl.DataFrame:
        """Rows of `raw/orders` filed under `days`."""
        returned = pl.col("event_type") == "return"
        status = pl.when(returned).then(pl.lit("cancelled")).otherwise(pl.lit("completed"))
        lines = self._lines_of(days).with_columns(status=status)
        return lines.select(raw.ORDERS.polars_schema.names())

    def search_logs(self, days: Sequence[date]) -> pl.DataFrame:
        """No rows: the data set knows no searches."""
        return raw.SEARCH_LOGS.empty()

    def _lines_of(self, days: Sequence[date]) -> pl.DataFrame:
        return self._lines.filter(pl.col("event_date").is_in(list(days)))

    @cached_property
    def _lines(self) -> pl.DataFrame:
        """Every line of the file with the columns of `raw/events`, Description and Country."""
        delivered = read_text(self._path, options=FileFormat(encoding="windows-1252"))
        text = _known_columns(delivered.frame, self._path)
        columns = list(text.columns)
        variant = variant_numbers(text, within=["InvoiceNo", "StockCode"], content=columns)
        returned = pl.col("InvoiceNo").str.starts_with("C")
        local = _dates(text["InvoiceDate"], self._path).alias("local")
        lines = (
            text.with_columns(local)
            .select(
                "Description",
                "Country",
                event_id=pl.format("{}:{}:{}", "InvoiceNo", "StockCode", variant),
                user_id="CustomerID",
                product_id="StockCode",
                event_type=pl.when(returned).then(pl.lit("return")).otherwise(pl.lit("purchase")),
                arrived_at=to_utc(pl.col("local"), ZONE),
                quantity=_numbers(text["Quantity"], pl.Int64, self._path).cast(pl.Float64),
                unit_price=_numbers(text["UnitPrice"], pl.Float64, self._path),
                quantity_text=pl.lit(None, pl.String),
                unit_price_text=pl.lit(None, pl.String),
                order_id="InvoiceNo",
                consent=pl.lit(True),
            )
            .with_columns(
                event_date=pl.col("arrived_at").dt.date(), timestamp=iso_text(pl.col("arrived_at"))
            )
        )
        matches = match_returns(lines)
        return (
            lines.join(matches, on="event_id", how="left", maintain_order="left")
            .with_columns(source_row=pl.int_range(pl.len(), dtype=pl.Int64).over("event_date"))
            .sort("event_date", "source_row")
        )


def _states(key: str, *said: pl.DataFrame) -> pl.DataFrame:
    """What was said of each identifier at each instant, a row for both."""
    return (
        pl.concat(said, how="diagonal")
        .group_by(key, "valid_from")
        .agg(pl.all().drop_nulls().first())
        .sort(key, "valid_from")
    )


def _most_frequent(column: str) -> pl.Expr:
    return pl.col(column).drop_nulls().mode().min()


def _known_columns(text: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The eight columns under their first spelling, codes without the `.0` that floats leave."""
    found = {}
    for column, spellings in SPELLINGS.items():
        there = [spelling for spelling in spellings if spelling in text.columns]
        if not there:
            raise UserError(
                f"{path} has no column {' or '.join(spellings)}; its columns are {text.columns}; "
                "give the UCI Online Retail file"
            )
        found[column] = there[0]
    if text.is_empty():
        raise UserError(f"{path} has a header and no rows; download it again")
    known = text.select(**{column: pl.col(theirs) for column, theirs in found.items()})
    return known.with_columns(
        pl.col("InvoiceNo", "StockCode", "CustomerID").str.strip_suffix(".0"),
    )


def _dates(texts: pl.Series, path: Path) -> pl.Series:
    attempts = [
        texts.str.to_datetime(pattern, time_unit="us", strict=False) for pattern in DATE_FORMATS
    ]
    best = min(attempts, key=lambda attempt: attempt.null_count())
    _refuse_unread(texts, best, path, "local time such as 2010-12-01 08:26:00")
    return best


def _numbers(texts: pl.Series, dtype: type[pl.DataType], path: Path) -> pl.Series:
    numbers = texts.cast(pl.Float64, strict=False)
    numbers = numbers.cast(dtype, strict=False).set(numbers != numbers.cast(dtype), None)
    _refuse_unread(texts, numbers, path, "whole number" if dtype is pl.Int64 else "number")
    return numbers


def _refuse_unread(texts: pl.Series, values: pl.Series, path: Path, wanted: str) -> None:
    """Every line of the published file can be read; another file is the wrong one or damaged."""
    if values.null_count():
        row = int(values.is_null().arg_max() or 0)
        raise UserError(
            f"{path}: {texts.name} of row {row + 1} is {texts[row]!r}, which is no {wanted}; "
            "download the file again"
        )


ONLINE_RETAIL = Declaration(
    name="online_retail",
    options=(Option("path", Kind.DELIVERY, help="The file, .xlsx, .csv or .parquet", needed=True),),
    open=lambda settings, today: OnlineRetail(Path(settings.options["path"])),
    takes_calendar=False,
)
"""The data set, whose days are what they are."""
