"""One half of alternating least squares: solving for every row's vector, the others being fixed.

Belongs here: solving the rows' normal equations, a few steps from where they were or to the end.
Does not belong here: confidences, penalties and the alternation (`als.py`).
"""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

THREADS = 2
ROWS_PER_BLOCK = 2_000
"""Rows that a thread solves before it takes more: long and short rows even out."""
STEPS = 3
"""Of conjugate gradients in a training, from the vector of the round before (Takács, Pilászy and
Tikk 2011, "Applications of the conjugate gradient method for implicit feedback collaborative
filtering"); 3 is what library `implicit` takes."""
ENOUGH = np.float32(1e-12)
"""Share of the squared residual at which 32 bits are exhausted."""


def gram(others: NDArray[np.float32]) -> NDArray[np.float32]:
    """(factors × factors) Σ_i y_i y_iᵀ over all rows of `others`."""
    from threadpoolctl import threadpool_limits

    # One BLAS thread: how it splits a product over more would move last digits.
    with threadpool_limits(limits=1, user_api="blas"):
        product: NDArray[np.float32] = others.T @ others
    return product


def improved(
    confidence: "csr_matrix",
    vectors: NDArray[np.float32],
    others: NDArray[np.float32],
    penalties: NDArray[np.float32],
    *,
    steps: int = STEPS,
    of_others: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """The rows' vectors, nearer to the minimum of the loss with the others' vectors fixed.

    For row u it is that of Σ_i c_ui (p_ui − x_u · y_i)² + λ_u ‖x_u‖² (Hu, Koren and Volinsky 2008,
    eq. 4), i over all rows of `others`, c = 1 and p = 0 for those that row u has no entry for.

    Args:
        confidence: c of the pairs that met (rows × others).
        vectors: (rows × factors), where to begin.
        others: (others × factors).
        penalties: λ of each row.
        steps: of conjugate gradients; as many as there are factors, and some for rounding, solve
            the equations.
        of_others: `gram(others)`, where it is known.

    Returns:
        (rows × factors). The number of threads changes nothing: each row is solved by itself.
    """
    values = confidence.data.astype(np.float32)
    starts, columns = confidence.indptr.astype(np.int64), confidence.indices
    solved = vectors.copy()
    blocks = [
        (n, min(n + ROWS_PER_BLOCK, len(solved))) for n in range(0, len(solved), ROWS_PER_BLOCK)
    ]
    given = (
        starts, columns, values, others, gram(others) if of_others is None else of_others,
        penalties, steps, solved,
    )  # fmt: skip
    if len(blocks) == 1:  # for one person, starting threads would take longer than solving
        _solve(*given, *blocks[0])
        return solved
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(_solve, *given, *block) for block in blocks]:
            done.result()
    return solved


@njit(cache=True, nogil=True, fastmath=True)
def _applied(direction, others, gram, penalty, columns, values, first, end, out):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Out = (Σ_i c_i y_i y_iᵀ + λ I) direction."""
    factors = len(direction)
    for a in range(factors):
        out[a] = penalty * direction[a]
    for b in range(factors):
        share = direction[b]
        for a in range(factors):
            out[a] += share * gram[b, a]
    for entry in range(first, end):
        row = others[columns[entry]]
        dot = np.float32(0)
        for a in range(factors):
            dot += row[a] * direction[a]
        dot *= values[entry] - np.float32(1)
        for a in range(factors):
            out[a] += dot * row[a]


@njit(cache=True, nogil=True, fastmath=True)
def _residual(x, others, gram, penalty, columns, values, first, end, out):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Out = Σ_i c_i y_i − (Σ_i c_i y_i y_iᵀ + λ I) x."""
    _applied(x, others, gram, penalty, columns, values, first, end, out)
    for a in range(len(x)):
        out[a] = -out[a]
    for entry in range(first, end):
        row = others[columns[entry]]
        for a in range(len(x)):
            out[a] += values[entry] * row[a]


@njit(cache=True, nogil=True, fastmath=True)
def _solve(starts, columns, values, others, gram, penalties, steps, solved, begin, stop):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Conjugate gradients for the rows from `begin` to `stop`, in place."""
    factors = solved.shape[1]
    residual = np.empty(factors, dtype=np.float32)
    applied = np.empty(factors, dtype=np.float32)
    for u in range(begin, stop):
        x = solved[u]
        first, end, penalty = starts[u], starts[u + 1], penalties[u]
        _residual(x, others, gram, penalty, columns, values, first, end, residual)
        direction = residual.copy()
        left = np.dot(residual, residual)
        enough = left * ENOUGH
        for _ in range(steps):
            if left <= enough:
                break
            _applied(direction, others, gram, penalty, columns, values, first, end, applied)
            step = left / np.dot(direction, applied)
            for a in range(factors):
                x[a] += step * direction[a]
                residual[a] -= step * applied[a]
            before, left = left, np.dot(residual, residual)
            for a in range(factors):
                direction[a] = residual[a] + left / before * direction[a]
