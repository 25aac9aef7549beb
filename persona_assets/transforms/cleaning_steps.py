"""How many rows and customers each step of the cleaning removes, up to the segmentation.

Belongs here: counting what each step takes away or marks. Does not belong here: the steps
themselves: rejection rules (`cleaning.py`), matching of returns (`sources/`), outliers
(`segmentation/`).

Customers are counted by the shop's own identifiers, since rows that were rejected have no other;
only their numbers leave this module.
"""

from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.errors import DataError
from persona_assets.tables.mart import RULES
from persona_assets.tables.segmentation import CLEANING_STEPS
from persona_assets.transforms.cleaning import LARGEST_NUMBER
from persona_assets.transforms.customer_features import in_window
from persona_assets.transforms.exact import exact_parts, from_exact_parts
from persona_assets.transforms.history import known_before, midnight

DELIVERED = "delivered"
MATCHED, UNMATCHED = "returns_matched", "returns_unmatched"
WITHOUT_PURCHASE = "customers_without_purchase"
OUTLIERS = "outliers"

_BROWSING = ("view", "add_to_cart")
_KEPT = len(RULES)
"""Level of a row that no rule rejects; that of a rejected one is the place of its rule."""
_ROW = ("event_date", "source_row")
_AMOUNT = ("_whole", "_parts")
_KINDS = ("_level", "_buys", "_matched", "_unmatched", "_outlier")
"""All that tells one customer from another here; of a customer's rows, the highest level."""


def count_cleaning_steps(
    events: nw.LazyFrame,
    quarantine: nw.LazyFrame,
    interactions: nw.LazyFrame,
    segments: nw.LazyFrame,
    *,
    cutoff: date,
) -> pl.DataFrame:
    """What became of everything delivered about the 52 weeks before `cutoff` and known by then.

    Delivered are all rows but views and carts, which make nobody a customer; rows of an unknown
    kind are among them, since they might be purchases. Rejections follow in the order of `RULES`,
    those that occur; then returns are marked by whether they name their purchase, customers
    without a purchase go, as they get no segment, and outliers are marked.

    A row counts with the amount that it states, and with 0 where that is not a finite number of the
    size of a price: what rejected rows are worth is what they claim.

    Args:
        events: rows of `raw/events`.
        quarantine: rows of `mart/quarantine` of the same days.
        interactions: rows of `mart/user_item_interactions` of the same days.
        segments: rows of `segmentation/customer_segments` of the cut-off.
        cutoff: first day that must stay unseen.

    Returns:
        Rows of `segmentation/cleaning_steps`, in their order.

    Raises:
        DataError: rows that no rule rejects are not those of the mart.
    """
    labelled = _with_rule(events, quarantine, interactions, segments, cutoff)
    levels = labelled.group_by("_level").agg(nw.col(*_AMOUNT).sum(), rows=nw.len().cast(nw.Int64))
    by_level = levels.collect("polars").to_native()
    by_kind = _customers_by_kind(labelled).collect("polars").to_native()
    _refuse_other_rows_than_the_mart(by_level, interactions, cutoff)
    delivered = _step(DELIVERED, by_level, by_kind, removes=False)
    return _in_order([delivered, *_rejections(by_level, by_kind), *_marks(by_kind)], cutoff)


def _with_rule(
    events: nw.LazyFrame,
    quarantine: nw.LazyFrame,
    interactions: nw.LazyFrame,
    segments: nw.LazyFrame,
    cutoff: date,
) -> nw.LazyFrame:
    """Delivered rows with their customer (null: none is named), level, exact amount and marks."""
    level = nw.coalesce(
        *(nw.when(nw.col("rule") == rule).then(nw.lit(place)) for place, rule in enumerate(RULES))
    )
    unusual = segments.filter(nw.col("outlier")).select("user_id")
    of_outliers = in_window(interactions, cutoff).join(unusual, on="user_id", how="semi")
    browsing = nw.col("event_type").fill_null("").is_in(_BROWSING)
    known = nw.col("arrived_at") < nw.lit(midnight(cutoff), nw.Datetime("us", "UTC"))
    named = nw.col("user_id").fill_null("").str.contains(r"[^ \t\r\n]")
    whole, parts = exact_parts(_stated_amount())
    return (
        in_window(events, cutoff)
        .filter(~browsing, known)
        .join(
            in_window(quarantine, cutoff).select(*_ROW, _level=level.cast(nw.Int64)),
            on=list(_ROW),
            how="left",
        )
        .join(
            of_outliers.select(*_ROW, _outlier=nw.lit(1, nw.Int64)),
            on=list(_ROW),
            how="left",
        )
        .select(
            "event_type",
            _customer=nw.when(named).then(nw.col("user_id")),
            _level=nw.col("_level").fill_null(_KEPT),
            _outlier=nw.col("_outlier").fill_null(0),
            _matches=~nw.col("related_event_id").is_null(),
            _whole=whole,
            _parts=parts,
        )
    )


def _stated_amount() -> nw.Expr:
    price, quantity = nw.col("unit_price"), nw.col("quantity")
    sound = (
        price.is_finite()
        & (price.abs() <= LARGEST_NUMBER)
        & quantity.is_finite()
        & (quantity.abs() <= LARGEST_NUMBER)
    ).fill_null(False)
    return nw.when(sound).then(quantity * price).otherwise(nw.lit(0.0))


def _customers_by_kind(labelled: nw.LazyFrame) -> nw.LazyFrame:
    """Customers, and what is kept of their rows, by kind of customer."""
    kept = nw.col("_level") == _KEPT
    returned = kept & (nw.col("event_type") == "return")
    counted = {
        "_rows": kept,
        "_purchases": kept & (nw.col("event_type") == "purchase"),
        "_matched_rows": returned & nw.col("_matches"),
        "_unmatched_rows": returned & ~nw.col("_matches"),
    }
    amounts = {name: nw.when(kept).then(nw.col(name)).otherwise(nw.lit(0)) for name in _AMOUNT}
    return (
        labelled.filter(~nw.col("_customer").is_null())
        .group_by("_customer")
        .agg(
            nw.col("_level", "_outlier").max(),
            **{name: rows.cast(nw.Int64).sum() for name, rows in counted.items()},
            **{name: amount.sum() for name, amount in amounts.items()},
        )
        .with_columns(
            _buys=nw.col("_purchases") > 0,
            _matched=nw.col("_matched_rows") > 0,
            _unmatched=nw.col("_unmatched_rows") > 0,
            _outlier=nw.col("_outlier") > 0,
        )
        .group_by(*_KINDS)
        .agg(
            nw.col("_rows", "_matched_rows", "_unmatched_rows", *_AMOUNT).sum(),
            customers=nw.len().cast(nw.Int64),
        )
    )


def _refuse_other_rows_than_the_mart(
    by_level: pl.DataFrame, interactions: nw.LazyFrame, cutoff: date
) -> None:
    billed = known_before(in_window(interactions, cutoff), cutoff).filter(
        ~nw.col("event_type").is_in(_BROWSING)
    )
    in_mart = billed.select(nw.len()).collect("polars").item()
    kept = int(by_level.filter(pl.col("_level") == _KEPT)["rows"].sum())
    if kept != in_mart:
        raise DataError(
            f"{CLEANING_STEPS.path}, cut-off {cutoff}: of the purchases and returns in raw/events, "
            f"{kept} are not in mart/quarantine, but mart/user_item_interactions has {in_mart}; "
            "materialize the mart of the 52 weeks before the cut-off again"
        )


def _step(
    step: str, rows: pl.DataFrame, customers: pl.DataFrame, *, removes: bool
) -> dict[str, object]:
    """What a step takes away or marks."""
    sums = {name: int(rows[name].sum()) for name in ("rows", *_AMOUNT)}
    return {
        "step": step,
        **sums,
        "customers": int(customers["customers"].sum()),
        "removes": removes,
    }


def _rejections(by_level: pl.DataFrame, by_kind: pl.DataFrame) -> list[dict[str, object]]:
    return [
        _step(
            rule,
            by_level.filter(pl.col("_level") == place),
            by_kind.filter(pl.col("_level") == place),
            removes=True,
        )
        for place, rule in enumerate(RULES)
        if place in by_level["_level"]
    ]


def _marks(by_kind: pl.DataFrame) -> list[dict[str, object]]:
    kept = by_kind.filter(pl.col("_level") == _KEPT)

    buys = pl.col("_buys")
    return [
        _marked(MATCHED, kept.filter("_matched"), "_matched_rows"),
        _marked(UNMATCHED, kept.filter("_unmatched"), "_unmatched_rows"),
        _marked(WITHOUT_PURCHASE, kept.filter(~buys), "_rows", removes=True),
        _marked(OUTLIERS, kept.filter(buys & pl.col("_outlier")), "_rows"),
    ]


def _marked(
    step: str, kinds: pl.DataFrame, rows: str, *, removes: bool = False
) -> dict[str, object]:
    return _step(step, kinds.rename({rows: "rows"}), kinds, removes=removes)


def _in_order(steps: list[dict[str, object]], cutoff: date) -> pl.DataFrame:
    """The steps with what is left after each."""
    schema = {"step": pl.String(), "removes": pl.Boolean()} | dict.fromkeys(
        ("rows", "customers", *_AMOUNT), pl.Int64()
    )
    taken = pl.DataFrame(steps, schema=schema)

    def left(name: str) -> pl.Expr:
        removed = pl.when("removes").then(name).otherwise(0)
        return pl.col(name).first() - removed.cum_sum()

    counted = taken.select(
        "step",
        "rows",
        "customers",
        "removes",
        cutoff=pl.lit(cutoff),
        position=pl.int_range(pl.len(), dtype=pl.Int64),
        rows_left=left("rows"),
        customers_left=left("customers"),
        _whole=left("_whole"),
        _parts=left("_parts"),
    )
    exact = from_exact_parts(nw.col("_whole"), nw.col("_parts"))
    return (
        nw.from_native(counted)
        .with_columns(amount_left=exact)
        .select(c.name for c in CLEANING_STEPS.columns)
        .to_native()
    )
