"""Scoring in blocks of users, so that memory stays bounded, on every core.

Belongs here: how large blocks are, and working on them. Does not belong here: what is done with
scores (`ranking.py`, `evaluation/hits.py`).
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

SCORES_PER_BLOCK = 2_000_000
"""Scores that a thread holds at once. With the copies that ranking makes of them (about 25 bytes
per score of 64 bits) a block stays near 50 MB, however many users there are. It does not follow the
number of threads: a matrix product may differ in its last digits with the size of its block."""

Result = TypeVar("Result")


def blocks(users: int, products: int) -> list[slice]:
    """All users in order, so many at a time as have `SCORES_PER_BLOCK` scores, at least one."""
    size = max(1, SCORES_PER_BLOCK // max(1, products))
    return [slice(start, min(users, start + size)) for start in range(0, users, size)]


def of_each_block(work: Callable[[slice], Result], users: int, products: int) -> list[Result]:
    """`work` for each of `blocks`, in their order; several threads call it at once.

    BLAS has one thread meanwhile.
    """
    from threadpoolctl import threadpool_limits

    # How BLAS splits a product over threads moves last digits, and with them ties. The limit is the
    # process's, so it must hold until the last block is done.
    with (
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        return list(pool.map(work, blocks(users, products)))
