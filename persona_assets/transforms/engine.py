"""Bringing a small table that lives on the driver to where a lazy frame is computed.

Belongs here: the one place that knows which engine stands behind a frame. Does not belong here:
starting engines (`resources/`) or any transform.
"""

import narwhals as nw
import polars as pl


def beside(frame: nw.LazyFrame, table: pl.DataFrame) -> nw.LazyFrame:
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
