"""The protocol of an earlier public segmentation of Online Retail, step by step, flaws included.

It is Thomas-George-T/Ecommerce-Data-MLOps on GitHub, an Airflow pipeline; described here in our own
words so that its published figures can be computed again. What it does wrong is marked "Flaw" and
is what `persona_assets_tests/segmentation/test_defects_of_the_earlier_pipeline.py` guards against.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

STANDARDISED = (
    "recency", "invoices", "spend", "average_invoice", "products", "cancellation_rate",
    "month_mean", "month_std", "trend",
)  # fmt: skip
NORMALISED = ("pieces", "days_between", "cancellations")
AS_THEY_ARE = ("weekday", "hour", "is_uk")
COLUMNS = (
    "recency", "invoices", "pieces", "spend", "average_invoice", "products", "days_between",
    "weekday", "hour", "is_uk", "cancellations", "cancellation_rate", "month_mean", "month_std",
    "trend",
)  # fmt: skip
"""In its order, which decides what the isolation forest draws."""
EXPLAINED = 0.8
COMPONENTS = range(2, 9)


class Earlier(NamedTuple):
    """What it makes of the file.

    Attributes:
        after_rfm: customers with features of recency, frequency and money.
        after_seasonality: with all features, `COLUMNS` and `CustomerID`.
        after_outliers: those that the isolation forest leaves.
        points: (customers × components) that k-means sees.
    """

    after_rfm: pl.DataFrame
    after_seasonality: pl.DataFrame
    after_outliers: pl.DataFrame
    points: NDArray[np.float64]


def cleaned(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of the file that it keeps, cancellations among them.

    Duplicates are told by five columns, without time and price. Codes with fewer than two digits
    go, two descriptions, and what costs nothing.
    """
    digits = pl.col("StockCode").str.count_matches("[0-9]")
    return (
        lines.drop_nulls(["CustomerID", "Description"])
        .unique(
            ["InvoiceNo", "StockCode", "Description", "CustomerID", "Quantity"],
            keep="first",
            maintain_order=True,
        )
        .filter(
            digits > 1,
            ~pl.col("Description").is_in(["Next Day Carriage", "High Resolution Image"]),
            pl.col("UnitPrice") > 0,
        )
        .with_columns(
            spent=pl.col("Quantity") * pl.col("UnitPrice"), day=pl.col("InvoiceDate").dt.date()
        )
    )


def after_rfm(kept: pl.DataFrame) -> pl.DataFrame:
    """Recency, frequency and money of each customer.

    Flaw: cancelled invoices count as transactions, and what they give back as spending.
    """
    since = pl.lit(kept["day"].max()) - pl.col("day").max()
    return (
        kept.group_by("CustomerID")
        .agg(
            recency=since.dt.total_days(),
            invoices=pl.col("InvoiceNo").n_unique(),
            pieces=pl.col("Quantity").sum(),
            spend=pl.col("spent").sum(),
        )
        .with_columns(average_invoice=pl.col("spend") / pl.col("invoices"))
        .sort("CustomerID")
    )


def after_seasonality(kept: pl.DataFrame, rfm: pl.DataFrame) -> pl.DataFrame:
    """All features.

    Flaws: days between purchases are differences from line to line, so that lines of one invoice
    are 0 days apart and customers with a single line vanish; the cancellation rate is divided by
    the transactions of whoever stands at the same position of a longer table; months without
    purchases are left out of mean, deviation and trend.
    """
    behaviour = kept.group_by("CustomerID").agg(
        products=pl.col("StockCode").n_unique(),
        days_between=pl.col("day").diff().dt.total_days().mean(),
        weekday=(pl.col("InvoiceDate").dt.weekday() - 1).mode().min(),
        hour=pl.col("InvoiceDate").dt.hour().mode().min(),
        is_uk=(pl.col("Country") == "United Kingdom").mean() > 0.5,
        cancellations=pl.col("InvoiceNo").filter(_cancelled()).n_unique(),
    )
    features = rfm.join(behaviour.drop_nulls("days_between"), on="CustomerID").sort("CustomerID")
    at_the_same_position = rfm["invoices"].head(features.height)
    return features.with_columns(
        cancellation_rate=pl.col("cancellations") / at_the_same_position
    ).join(_months(kept), on="CustomerID", maintain_order="left")


def _cancelled() -> pl.Expr:
    return pl.col("InvoiceNo").str.starts_with("C")


def _months(kept: pl.DataFrame) -> pl.DataFrame:
    by_month = (
        kept.group_by("CustomerID", pl.col("day").dt.truncate("1mo"))
        .agg(pl.col("spent").sum())
        .sort("CustomerID", "day")
    )
    spent = pl.col("spent")
    place = pl.int_range(pl.len())
    trend = pl.cov(place, spent) / place.var()
    return by_month.group_by("CustomerID").agg(
        month_mean=spent.mean(),
        month_std=spent.std().fill_null(0.0),
        trend=pl.when(pl.len() > 1).then(trend).otherwise(0.0),
    )


def earlier(lines: pl.DataFrame) -> Earlier:
    """The whole protocol over the lines of the file, in the file's order.

    Flaws: outliers are dropped rather than flagged; "normalisation" scales each row of three
    features to length 1; weekday and hour enter in their own units and dominate; one component
    more is kept than the explained variance asks for; nothing but the components is kept.
    """
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest
    from sklearn.preprocessing import Normalizer, StandardScaler

    kept = cleaned(lines)
    rfm = after_rfm(kept)
    features = after_seasonality(kept, rfm)
    matrix = features.select(pl.col(COLUMNS).cast(pl.Float64)).to_numpy()
    usual = IsolationForest(contamination=0.05, random_state=0).fit_predict(matrix) == 1
    scaled = matrix[usual]
    standardised, normalised = (
        [COLUMNS.index(name) for name in names] for names in (STANDARDISED, NORMALISED)
    )
    scaled[:, standardised] = StandardScaler().fit_transform(scaled[:, standardised])
    scaled[:, normalised] = Normalizer().fit_transform(scaled[:, normalised])
    explained = np.cumsum(PCA(max(COMPONENTS)).fit(scaled).explained_variance_ratio_)
    enough = next(number for number in COMPONENTS if explained[number - 1] > EXPLAINED)
    points = PCA(min(enough + 1, max(COMPONENTS))).fit_transform(scaled)
    return Earlier(rfm, features, features.filter(pl.Series(usual)), points)


def labels_of(points: NDArray[np.float64], k: int) -> NDArray[np.int32]:
    """Its k-means."""
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=10, max_iter=100, random_state=0).fit_predict(points)
