"""The rows of a lazy Polars frame, batch by batch, in bounded memory: all of them or an error.

Belongs here: how batches leave Polars. Does not belong here: what is done with them
(`polars_engine.py`), or whether the files hold what they should (`integrity.py`).

Polars 2.1 reads Parquet with the file sizes that the Delta log gives. A file that is shorter makes
its reader panic, and what becomes of the panic depends on the call. Tried with a file cut by one
byte, cut in half, and empty:

| call | what happens |
|---|---|
| `collect`, `collect_all`, `sink_parquet`, `sink_batches` | `PanicException` is raised |
| `collect_batches` | ends early, **without an error**: of three files, the rows of one or none |
| `sink_delta` (it uses `collect_batches`) | **commits** those few rows, or none |
| a deleted file, a garbled page, a garbled footer | every call raises |
| `DeltaTable.to_pyarrow_dataset`, Spark | raise |

So nothing in this package calls `collect_batches` or `sink_delta`: batches come from `sink_batches`
in a thread, and what that raises is raised where they are used.
"""

import queue
import threading
from collections.abc import Iterator

import polars as pl

# Batches that wait for their consumer: one in work, one ready.
_WAITING = 2
_SECONDS = 0.1


def batches(frame: pl.LazyFrame, rows: int | None = None) -> Iterator[pl.DataFrame]:
    """The rows of `frame` in any order.

    Args:
        frame: what to compute.
        rows: about how many rows a batch has; None leaves it to Polars.

    Raises:
        Exception: whatever the query raises, a panic of Polars (a `BaseException`) included.
    """
    waiting: queue.Queue[pl.DataFrame | BaseException | None] = queue.Queue(_WAITING)
    abandoned = threading.Event()

    def offer(item: pl.DataFrame | BaseException | None) -> bool:
        """Hand over `item`; True where nobody wants any more."""
        while not abandoned.is_set():
            try:
                waiting.put(item, timeout=_SECONDS)
            except queue.Full:
                continue
            return False
        return True

    def compute() -> None:
        try:
            frame.sink_batches(offer, chunk_size=rows, maintain_order=False)
        except BaseException as error:  # noqa: BLE001 - raised again by the consumer
            offer(error)
        else:
            offer(None)

    # A daemon: an interrupted command must not wait for a query that it no longer needs.
    threading.Thread(target=compute, name="polars-batches", daemon=True).start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        abandoned.set()
