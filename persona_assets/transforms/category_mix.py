"""What customers bought: how many products, of which categories, and how the money is spread.

Belongs here: the statistics of a customer's purchases by product and category. Does not belong
here: when and how much (`customer_features.py`, `spend_periods.py`).
"""

import narwhals as nw

from persona_assets.transforms.exact import (
    exact_parts,
    exact_quotient,
    exact_sum,
    from_exact_parts,
)

_BILLION = 1_000_000_000
_FINER = 1_000
"""An exact sum is one of billionths; addends this much larger make it finer than the result."""


def bought_products(purchases: nw.LazyFrame, products: nw.LazyFrame) -> nw.LazyFrame:
    """Products and categories of each customer.

    Args:
        purchases: purchased lines of `mart/user_item_interactions`.
        products: `product_id`, `category` of the products.

    Returns:
        `user_id, products, categories, top_category, top_category_share, category_evenness`. The
        last three are null where no category is known, and the shares also where what was bought
        of known categories cost less than a billionth.
    """
    known, total = ~nw.col("category").is_null(), nw.col("_total")
    spent = _by_category(purchases, products).with_columns(_spend=nw.when(known).then(_amount()))
    totals = (
        spent.filter(known)
        .group_by("user_id")
        .agg(nw.col("_whole", "_parts").sum(), _top=nw.col("_spend").max())
        .select("user_id", "_top", _total=_amount())
    )
    is_top = nw.col("_spend") == nw.col("_top")
    share = nw.when(nw.col("_share") > 0).then(nw.col("_share"))
    # Logarithms of the engines may differ in the last digit; rounded to billionths they agree.
    return (
        spent.join(totals, on="user_id", how="left")
        .with_columns(_share=nw.when(total > 0).then(nw.col("_spend") / total))
        .group_by("user_id")
        .agg(
            nw.col("products").sum(),
            categories=known.cast(nw.Int64).sum(),
            top_category=nw.when(is_top).then(nw.col("category")).min(),
            top_category_share=nw.col("_share").max(),
            _entropy=exact_sum(-share * share.log() * _FINER),
        )
        .with_columns(category_evenness=_evenness())
        .drop("_entropy")
    )


def _by_category(purchases: nw.LazyFrame, products: nw.LazyFrame) -> nw.LazyFrame:
    """Products and exact spend of each customer and category, null being one."""
    categories = products.group_by("product_id").agg(nw.col("category").min())
    whole, parts = exact_parts(nw.col("amount"))
    return (
        purchases.with_columns(_whole=whole, _parts=parts)
        .group_by("user_id", "product_id")
        .agg(nw.col("_whole", "_parts").sum())
        .join(categories, on="product_id", how="left")
        .group_by("user_id", "category")
        .agg(nw.col("_whole", "_parts").sum(), products=nw.len().cast(nw.Int64))
    )


def _amount() -> nw.Expr:
    return from_exact_parts(nw.col("_whole"), nw.col("_parts"))


def _evenness() -> nw.Expr:
    """Entropy by its largest value, in billionths; 0 of a single category."""
    number = nw.col("categories")
    several = nw.when((number > 1) & ~nw.col("top_category_share").is_null())
    ratio = several.then(nw.col("_entropy") / number.log())
    billionths = nw.min_horizontal(
        (ratio * (_BILLION // _FINER) + 0.5).floor(), nw.lit(float(_BILLION))
    )
    rounded = exact_quotient(billionths.cast(nw.Int64), _BILLION)
    single = nw.when((number == 1) & ~nw.col("top_category_share").is_null()).then(nw.lit(0.0))
    return nw.coalesce(single, several.then(rounded))
