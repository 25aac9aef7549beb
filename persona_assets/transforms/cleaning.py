"""From raw events to the mart: every row is accepted, or rejected with the rule that it breaks.

Belongs here: the rules of `tables/mart.py`, in their order, and the two tables that follow from
them. Does not belong here: sessions (`sessions.py`), anything about more than one day.

Conservation: `clean` neither drops nor repeats a row, and the two tables split its rows by
whether `rule` is null. All windows lie within one `event_date`, so a range of days equals its days.
"""

from collections.abc import Mapping
from datetime import timedelta

import narwhals as nw

from persona_assets.errors import UserError
from persona_assets.tables.mart import EVENT_TYPES, QUARANTINE, UNUSED, USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import EVENTS
from persona_assets.transforms.attribute_history import with_product_attribute
from persona_assets.transforms.pseudonyms import pseudonymise
from persona_assets.transforms.sessions import assign_sessions
from persona_assets.transforms.timestamps import parse_timestamps, stands_for_none

DEFAULT_WEIGHTS: Mapping[str, float] = {
    "view": 1.0,
    "add_to_cart": 3.0,
    "purchase": 5.0,
    "return": 0.0,
}
"""Implicit-feedback weight of each event type: the rarer the step, the stronger the signal."""

CLOCK_TOLERANCE = timedelta(minutes=5)
"""Clocks of devices and servers differ by minutes; an event further ahead did not happen yet."""

FAR_FROM_ITS_DAY = timedelta(days=365)
"""An event that is filed under another day than its own, and arrived later than this after it
happened, has a time that cannot be: a clock of 1970, a year of 1900, a digit too many."""

LARGEST_NUMBER = 1e9
"""No price or quantity is larger; far beyond it, sums of amounts would not fit into int64."""

_BILLED = ("purchase", "return")
_DECIMALS = 6
_RAW = tuple(c.name for c in EVENTS.columns)
# The key of all windows first: then a cluster brings the rows together once.
_COPIED = (
    "event_date",
    "event_id",
    *(c for c in _RAW if c not in ("event_date", "event_id", "source_row")),
)
_COLUMN_OF_RULE = {
    "no_consent": "consent",
    "unused_event_type": "event_type",
    "unknown_event_type": "event_type",
    "missing_event_id": "event_id",
    "missing_user": "user_id",
    "missing_product": "product_id",
    "unreadable_timestamp": "timestamp",
    "implausible_timestamp": "timestamp",
    "outside_partition": "timestamp",
    "unknown_product": "product_id",
    "service_line": "product_id",
    "anomalous_code": "product_id",
    "unreadable_quantity": "quantity",
    "invalid_quantity": "quantity",
    "unreadable_price": "unit_price",
    "negative_price": "unit_price",
    "zero_price": "unit_price",
    "duplicate_event_id": "event_id",
}


def clean(
    events: nw.LazyFrame, products: nw.LazyFrame, *, key: bytes, weights: Mapping[str, float]
) -> nw.LazyFrame:
    """Every raw event with the first rule it breaks.

    Args:
        events: rows of `raw/events`, whole days.
        products: rows of `raw/product_history`, or of `raw/products`. A product is known if it
            ever was: one that comes into the catalogue after its first events is no reason to
            reject them for good. Its kind is that of the event's day.
        key: secret of the pseudonyms.
        weights: implicit-feedback weight of each event type.

    Returns:
        The rows of `events`, each once, `user_id` and `order_id` already keyed hashes, with
        `event_ts`, `weight` and `rule` (null: accepted).

    Raises:
        UserError: `weights` lacks an event type.
    """
    if missing := sorted(set(EVENT_TYPES) - set(weights)):
        raise UserError(f"weights lack the event types {missing}; give one number for each of them")
    # First of all, because it collects the identifiers; blank ones must be noticed before.
    noticed = events.with_columns(user_missing=_blank("user_id"))
    named = pseudonymise(noticed, ("user_id", "order_id"), key)
    timed = parse_timestamps(named, "timestamp", into="event_ts")
    columns = [*_RAW, "event_ts", "weight", "rule"]
    # Copies and repeats agree in `event_id`. Few rows share theirs; only those are compared.
    cleaned = (
        with_product_attribute(timed, products, "kind", extended=True)
        .with_columns(weight=_by_event_type(weights), rule=_first_broken_rule())
        .select(*columns, _alike=nw.len().over("event_date", "event_id"))
    )
    several = _label_repeats(_label_copies(cleaned.filter(nw.col("_alike") > 1)))
    return nw.concat(
        [cleaned.filter(nw.col("_alike") == 1).select(columns), several.select(columns)]
    )


def accepted(cleaned: nw.LazyFrame) -> nw.LazyFrame:
    """The rows of `mart/user_item_interactions` among cleaned rows, sessions included."""
    rows = cleaned.filter(nw.col("rule").is_null()).with_columns(
        arrival_date=nw.col("arrived_at").dt.date(),
        amount=_amount(),
    )
    return assign_sessions(rows).select(c.name for c in USER_ITEM_INTERACTIONS.columns)


def rejected(cleaned: nw.LazyFrame) -> nw.LazyFrame:
    """The rows of `mart/quarantine` among cleaned rows."""
    return (
        cleaned.filter(~nw.col("rule").is_null())
        .with_columns(column=_column())
        .with_columns(value=_value())
        .select(c.name for c in QUARANTINE.columns)
    )


def _first_broken_rule() -> nw.Expr:
    """The first rule that a row breaks by itself, whatever other rows there are; null: none."""
    event_ts, kind, quantity, price = (
        nw.col(name) for name in ("event_ts", "kind", "quantity", "unit_price")
    )
    is_return = nw.col("event_type") == "return"
    day_of_event = event_ts.dt.date()
    no_date = event_ts.is_null() & stands_for_none(nw.col("timestamp").fill_null(""))
    broken = {
        "no_consent": ~nw.col("consent").fill_null(False),
        "unused_event_type": nw.col("event_type") == UNUSED,
        # Before what such an event lacks: it may be one that is about no product.
        "unknown_event_type": ~nw.col("event_type").fill_null("").is_in(EVENT_TYPES),
        "missing_event_id": _blank("event_id"),
        "missing_user": nw.col("user_missing"),
        "missing_product": _blank("product_id"),
        "unreadable_timestamp": event_ts.is_null() & ~no_date,
        "implausible_timestamp": no_date
        | (event_ts > nw.col("arrived_at") + CLOCK_TOLERANCE)
        | (
            (day_of_event != nw.col("event_date"))
            & (event_ts < nw.col("arrived_at") - FAR_FROM_ITS_DAY)
        ),
        "outside_partition": day_of_event != nw.col("event_date"),
        "unknown_product": kind.is_null(),
        "service_line": kind == "service",
        "anomalous_code": kind == "anomalous",
        "unreadable_quantity": ~nw.col("quantity_text").is_null()
        | ~quantity.is_finite().fill_null(True),
        "invalid_quantity": quantity.is_null()
        | (quantity > LARGEST_NUMBER)
        | (quantity < -LARGEST_NUMBER)
        | (is_return & (quantity >= 0))
        | (~is_return & (quantity <= 0)),
        "unreadable_price": ~nw.col("unit_price_text").is_null()
        | ~price.is_finite().fill_null(True)
        | (price > LARGEST_NUMBER),
        "negative_price": price < 0,
        "zero_price": nw.col("event_type").is_in(_BILLED) & (price == 0),
    }
    return nw.coalesce(*(nw.when(when).then(nw.lit(rule)) for rule, when in broken.items()))


def _label_copies(cleaned: nw.LazyFrame) -> nw.LazyFrame:
    """Labels all but the first of rows that are equal in everything delivered."""
    first_copy = nw.col("source_row").min().over(*_COPIED)
    is_copy = nw.col("source_row") > nw.col("_first_copy")
    return cleaned.with_columns(_first_copy=first_copy).with_columns(
        rule=nw.when(is_copy).then(nw.lit("exact_duplicate")).otherwise(nw.col("rule"))
    )


def _label_repeats(cleaned: nw.LazyFrame) -> nw.LazyFrame:
    """Labels what repeats an `event_id` of its day among the rows that break no other rule.

    The row that arrived first stays, so that a later delivery never displaces a row already seen.
    """
    group = ("event_date", "event_id", "_unbroken")
    earliest = nw.col("arrived_at") == nw.col("arrived_at").min().over(*group)
    is_repeat = nw.col("source_row") != nw.col("_kept_row")
    return (
        cleaned.with_columns(_unbroken=nw.col("rule").is_null())
        .with_columns(_earliest_row=nw.when(earliest).then(nw.col("source_row")))
        .with_columns(_kept_row=nw.col("_earliest_row").min().over(*group))
        .with_columns(
            rule=nw.coalesce(nw.col("rule"), nw.when(is_repeat).then(nw.lit("duplicate_event_id")))
        )
    )


def _column() -> nw.Expr:
    """The column that breaks `rule`; null where the rule is about the row as a whole."""
    return nw.coalesce(
        *(
            nw.when(nw.col("rule") == rule).then(nw.lit(column))
            for rule, column in _COLUMN_OF_RULE.items()
        )
    )


def _value() -> nw.Expr:
    """The value in `column` as text; a user identifier is never among them."""
    texts = {
        "consent": nw.col("consent").cast(nw.String),
        "event_id": nw.col("event_id"),
        "product_id": nw.col("product_id"),
        "timestamp": nw.col("timestamp"),
        "event_type": nw.col("event_type"),
        "quantity": nw.coalesce(nw.col("quantity_text"), _number_text("quantity")),
        "unit_price": nw.coalesce(nw.col("unit_price_text"), _number_text("unit_price")),
    }
    return nw.coalesce(
        *(nw.when(nw.col("column") == column).then(text) for column, text in texts.items())
    )


def _number_text(column: str) -> nw.Expr:
    """A float as decimal text, by arithmetic: the engines write floats differently."""
    value = nw.col(column)
    scale = 10**_DECIMALS
    writable = value.is_finite() & (value.abs() <= LARGEST_NUMBER)
    units = (nw.when(writable).then(value.abs()) * scale + 0.5).floor().cast(nw.Int64)
    decimals = (units % scale).cast(nw.String).str.zfill(_DECIMALS)
    sign = nw.when(value < 0).then(nw.lit("-")).otherwise(nw.lit(""))
    digits = nw.concat_str(
        [sign, (units // scale).cast(nw.String), nw.lit("."), decimals]
    ).str.replace_all(r"\.?0+$", "")
    return nw.coalesce(
        digits,
        nw.when(value.is_nan()).then(nw.lit("NaN")),
        nw.when(value > 0).then(nw.lit(f"> {LARGEST_NUMBER:.0f}")),
        nw.when(value < 0).then(nw.lit(f"< -{LARGEST_NUMBER:.0f}")),
    )


def _blank(column: str) -> nw.Expr:
    """Null, empty or only blanks."""
    return ~nw.col(column).fill_null("").str.contains(r"[^ \t\r\n]")


def _amount() -> nw.Expr:
    billed = nw.col("event_type").is_in(_BILLED)
    return nw.when(billed).then(nw.col("quantity") * nw.col("unit_price")).otherwise(nw.lit(0.0))


def _by_event_type(weights: Mapping[str, float]) -> nw.Expr:
    return nw.coalesce(
        *(
            nw.when(nw.col("event_type") == name).then(nw.lit(float(weight)))
            for name, weight in weights.items()
        )
    )
