"""Customers of a file of purchase lines, assigned to the segments of a trained model.

Belongs here: the way from a file to segments, which is that of the graph: the mart's cleaning, the
graph's customer features, the training's own assignment. Does not belong here: each of these steps,
or arguments and printing (`cli/segment.py`).
"""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl

from persona_assets.errors import UserError
from persona_assets.segmentation.assignment import assign
from persona_assets.sources.files import FilesSource
from persona_assets.sources.mapping import Mapping
from persona_assets.sources.single_file import mapping_of_file, sections_beside
from persona_assets.sources.times.decision import FIRST_PLAUSIBLE
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean, rejected
from persona_assets.transforms.customer_features import compute_customer_features
from persona_assets.transforms.history import known_before
from persona_assets.transforms.pseudonyms import pseudonym

COLUMNS: MappingOf[str, tuple[str, ...]] = {
    "user_id": ("user", "user_id"),
    "product_id": ("product", "product_id"),
    "timestamp": ("timestamp",),
    "order_id": ("order", "order_id"),
    "quantity": ("quantity",),
    "unit_price": ("price", "unit_price"),
    "event_type": ("event", "event_type"),
    "consent": ("consent",),
}
"""Our column → its names in a file without a mapping."""
MAY_LACK = ("event_type", "consent")
BESIDES = ("country", "category")
_KEY = b"persona_assets: customers of a file"
"""Identifiers leave the process as they came; the hash is only what the cleaning works with."""


@dataclass(frozen=True)
class Scored:
    """What became of a file.

    Attributes:
        as_of: day at whose beginning customers are looked at.
        trained: cut-off of the model.
        customers: everybody of the file under the identifiers of the file: `user_id, segment,
            name, distance, margin`, null without a purchase in the 52 weeks before `as_of`; sorted.
        lines: lines of the file.
        later: usable lines on or after `as_of`, or known only then, which are not looked at.
        rejected: rule of the mart's cleaning → lines that it rejected, most first.
        notes: what reading the file has to say, a sentence each.
    """

    as_of: date
    trained: date
    customers: pl.DataFrame
    lines: int
    later: int
    rejected: MappingOf[str, int]
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> pl.DataFrame:
        """`segment, name, customers` of each segment that has any, by number."""
        return (
            self.customers.drop_nulls("segment")
            .group_by("segment", "name")
            .agg(customers=pl.len())
            .sort("segment")
        )

    @property
    def without_purchase(self) -> int:
        """Customers without a segment."""
        return self.customers["segment"].null_count()


def score_file(
    path: Path,
    model: pl.DataFrame,
    *,
    catalogue: pl.DataFrame,
    today: date,
    as_of: date | None = None,
    mapping: str | Path | None = None,
    consent: str | None = None,
) -> Scored:
    """Assign every customer of a file of purchase lines to a segment.

    Without a mapping the columns are `user`, `product`, `timestamp`, `order`, `quantity`, `price`
    and, if there are such, `event`, `country`, `category` and `consent`; without `event`, lines of
    negative quantity are returns.

    Args:
        path: a file of any format that `persona run` reads.
        model: rows of `segmentation/segmentation_model` of one cut-off.
        catalogue: rows of `raw/products`, whose services and anomalous codes are known by it;
            products that only the file knows are products.
        today: the caller's day in UTC; later timestamps are mistakes.
        as_of: see `Scored`; None: the day after the last usable line.
        mapping: the TOML mapping (or preset) of `persona run --source files`, of which `[events]`
            describes the lines, whatever `file` it names; columns alone are enough. Files of its
            other sections are looked for beside `path`; without one the section is left out.
        consent: see `single_file.mapping_of_file`.

    Raises:
        UserError: the file is missing, empty, lacks a column or has no usable line, or `as_of` is
            before 1990 or after the year that follows today's; the text says what to do.
    """
    if as_of is not None:
        _refuse_distant(as_of, today)
    described = mapping_of_file(
        path, mapping, columns=COLUMNS, may_lack=MAY_LACK, besides=BESIDES, consent=consent
    )
    described, left_out = sections_beside(path, described)
    source = FilesSource(path.parent, described, today=today, days_may_be_stated=False)
    events = source.events(_days(source.start, source.end))
    countries, products = _people(source, described), _products(source, described)
    cleaned = clean(
        nw.from_native(events.lazy()),
        nw.from_native(_known(products, catalogue).lazy()),
        key=_KEY,
        weights=DEFAULT_WEIGHTS,
    )
    rows = accepted(cleaned).collect("polars").to_native()
    refused = rejected(cleaned).collect("polars").to_native()
    if rows.is_empty():
        raise UserError(
            f"{path}: none of the {events.height} lines is usable "
            f"({_told(_by_rule(refused))}); correct the file, or pass --mapping"
        )
    if as_of is None:
        as_of = rows["event_date"].max() + timedelta(days=1)
    customers = compute_customer_features(
        nw.from_native(rows.lazy()),
        nw.from_native(countries.lazy()),
        nw.from_native(_known(products, catalogue).lazy()),
        cutoff=as_of,
    )
    found = assign(model, customers.collect("polars").to_native())
    return Scored(
        as_of=as_of,
        trained=model["cutoff"][0],
        customers=_under_own_names(events, found),
        lines=events.height,
        later=rows.height - known_before(rows, as_of).height,
        rejected=_by_rule(refused),
        notes=(*left_out, *source.notes),
    )


def _refuse_distant(as_of: date, today: date) -> None:
    last = date(today.year + 1, 12, 31)
    if not FIRST_PLAUSIBLE <= as_of <= last:
        raise UserError(
            f"--as-of is {as_of}; give a day from {FIRST_PLAUSIBLE} to {last}, or leave it out for "
            "the day after the last line"
        )


def _days(start: date, end: date) -> list[date]:
    return [start + timedelta(days=day) for day in range((end - start).days)]


def _people(source: FilesSource, described: Mapping) -> pl.DataFrame:
    """`user_id` (hashed), `country` of the people whose country is known."""
    if "users" in described.tables:
        people = source.users().select("user_id", "country")
    else:
        people = _most_frequent(source, "user_id", "country")
    return people.drop_nulls().with_columns(
        user_id=pl.Series(
            [pseudonym(each, _KEY) for each in people.drop_nulls()["user_id"]], dtype=pl.String()
        )
    )


def _products(source: FilesSource, described: Mapping) -> pl.DataFrame:
    """Rows of `raw/products` of the file's products."""
    products = source.products()
    if "products" in described.tables:
        return products
    categories = _most_frequent(source, "product_id", "category")
    return (
        products.drop("category")
        .join(categories, on="product_id", how="left")
        .select(products.columns)
    )


def _most_frequent(source: FilesSource, key: str, attribute: str) -> pl.DataFrame:
    """The attribute that most lines of each key have; of equals the first by name."""
    lines = source.delivered_events
    if attribute not in lines.columns:
        return pl.DataFrame(schema={key: pl.String(), attribute: pl.String()})
    return (
        lines.select(key, attribute)
        .drop_nulls()
        .group_by(key, attribute)
        .len()
        .sort(key, "len", attribute, descending=[False, True, False])
        .unique(key, keep="first", maintain_order=True)
        .drop("len")
    )


def _known(products: pl.DataFrame, catalogue: pl.DataFrame) -> pl.DataFrame:
    """The file's products: what the catalogue says of their kind, and what the file leaves open."""
    known = catalogue.unique("product_id", keep="first", maintain_order=True)
    return products.join(
        known.select("product_id", known_kind="kind", known_category="category"),
        on="product_id",
        how="left",
    ).select(
        "product_id",
        kind=pl.coalesce("known_kind", "kind"),
        category=pl.coalesce("category", "known_category"),
    )


def _under_own_names(events: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Everybody of the file, with the segment of those who have one."""
    people = events["user_id"].drop_nulls().unique().sort()
    people = people.filter(people.str.strip_chars(" \t\r\n") != "")
    hashed = pl.DataFrame(
        {"own": people, "user_id": [pseudonym(each, _KEY) for each in people]},
        schema={"own": pl.String(), "user_id": pl.String()},
    )
    return (
        hashed.join(found, on="user_id", how="left")
        .select(pl.col("own").alias("user_id"), "segment", "name", "distance", "margin")
        .sort("user_id")
    )


def _by_rule(refused: pl.DataFrame) -> dict[str, int]:
    counts = refused.group_by("rule").len().sort("len", "rule", descending=[True, False])
    return dict(counts.iter_rows())


def _told(by_rule: MappingOf[str, int]) -> str:
    return ", ".join(f"{rule} {lines}" for rule, lines in by_rule.items())
