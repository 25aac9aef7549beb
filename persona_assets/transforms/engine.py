"""Engine-specific code: the few operations that Narwhals lacks on Polars or PySpark.

Belongs here: the one place that knows which engine stands behind a frame. Does not belong here:
starting engines (`orchestration/resources/`) or any transform.
"""

from collections.abc import Sequence

import narwhals as nw
import polars as pl


def to_engine(frame: nw.LazyFrame, table: pl.DataFrame) -> nw.LazyFrame:
    """`table` as a lazy frame of the engine of `frame`, so that the two can be joined.

    Args:
        frame: a lazy frame of Polars or PySpark; only its engine matters.
        table: a small table; it is sent to the cluster whole.

    Returns:
        A lazy frame with the rows of `table`.
    """
    if frame.implementation.is_pyspark():
        session = frame.to_native().sparkSession
        return nw.from_native(session.createDataFrame(table.to_arrow()))
    return nw.from_native(table.lazy())


def with_epoch_micros(frame: nw.LazyFrame, **instants: str) -> nw.LazyFrame:
    """Adds microseconds from 1970-01-01 00:00 UTC to instants, as int64.

    Narwhals has `dt.timestamp` for Polars alone, and from the calendar's parts it takes longer.

    Args:
        frame: a lazy frame of Polars or PySpark.
        instants: by the name of each column to be added, the column of type timestamp[us, UTC].
    """
    native = frame.to_native()
    if frame.implementation.is_pyspark():
        from pyspark.sql import functions

        added = {into: functions.unix_micros(column) for into, column in instants.items()}
        return nw.from_native(native.withColumns(added))
    return nw.from_native(
        native.with_columns(
            pl.col(column).dt.timestamp("us").alias(into) for into, column in instants.items()
        )
    )


def latest_before(
    frame: nw.LazyFrame, column: str, *, within: Sequence[str], order_by: Sequence[str], into: str
) -> nw.LazyFrame:
    """Adds the last non-null value of `column` in earlier rows of the same group.

    Narwhals can say it by two windows, one upon the other, which take Polars twice the time.

    Args:
        frame: a lazy frame of Polars or PySpark.
        column: the column whose values are looked up.
        within: the columns that make a group; null is a value like any other.
        order_by: the columns by which rows follow each other; no two rows of a group are equal in
            all of them.
        into: name of the added column; null where no earlier row has a value.
    """
    native = frame.to_native()
    if frame.implementation.is_pyspark():
        from pyspark.sql import Window, functions

        earlier = Window.partitionBy(*within).orderBy(*order_by)
        earlier = earlier.rowsBetween(Window.unboundedPreceding, -1)
        latest = functions.last(column, ignorenulls=True).over(earlier)
        return nw.from_native(native.withColumn(into, latest))
    latest = pl.col(column).forward_fill().shift(1).over(within, order_by=order_by)
    return nw.from_native(native.with_columns(latest.alias(into)))
