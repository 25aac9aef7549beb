"""Whether customers kept the number of their segment from one cut-off to the next."""

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment


def kept(before: pl.DataFrame, now: pl.DataFrame) -> tuple[float, float]:
    """Share of the customers of both cut-offs who kept their number, and the most who could have.

    The second is by the relabelling of segments that keeps most (linear sum assignment on the
    overlaps): where both are the same, numbers were kept as well as any numbering could.
    NaN of no common customer.
    """
    both = before.select("user_id", was="segment").join(
        now.select("user_id", now="segment"), on="user_id"
    )
    if both.is_empty():
        return float("nan"), float("nan")
    size = int(both.select(pl.max_horizontal("was", "now").max()).item()) + 1
    overlap = np.zeros((size, size))
    np.add.at(overlap, (both["was"].to_numpy(), both["now"].to_numpy()), 1)
    best = overlap[linear_sum_assignment(overlap, maximize=True)].sum()
    return float(overlap.trace() / both.height), float(best / both.height)
