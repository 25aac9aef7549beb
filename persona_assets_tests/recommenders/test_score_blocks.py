import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from persona_assets.recommenders import score_blocks
from persona_assets.recommenders.score_blocks import blocks, of_each_block


def blas_threads() -> set[int]:
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@given(st.integers(0, 50), st.integers(0, 20), st.integers(1, 100))
def test_blocks_hold_every_user_once_and_no_more_scores_than_allowed(users, products, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_blocks, "SCORES_PER_BLOCK", most)
        parts = blocks(users, products)
    assert [user for part in parts for user in range(users)[part]] == list(range(users))
    for part in parts:
        size = part.stop - part.start
        assert size == 1 or size * products <= most


def test_what_is_made_comes_in_the_order_of_users_whichever_is_ready_first(monkeypatch):
    monkeypatch.setattr(score_blocks, "SCORES_PER_BLOCK", 1)
    monkeypatch.setattr(score_blocks.os, "cpu_count", lambda: 2)
    second_is_done = threading.Event()

    def work(block: slice) -> int:
        if block.start == 0:
            assert second_is_done.wait(30)
        second_is_done.set()
        return block.start

    assert of_each_block(work, 4, 1) == [0, 1, 2, 3]


def test_blas_has_one_thread_until_all_blocks_are_done_and_as_many_as_before_then(monkeypatch):
    """A model limits BLAS itself; the first block to end must not lift that for the others."""
    from threadpoolctl import threadpool_limits

    monkeypatch.setattr(score_blocks, "SCORES_PER_BLOCK", 1)
    monkeypatch.setattr(score_blocks.os, "cpu_count", lambda: 2)
    np.ones((2, 2)) @ np.ones((2, 2))
    first_has_ended = threading.Event()

    def work(block: slice) -> set[int]:
        with threadpool_limits(limits=1, user_api="blas"):
            if block.start == 1:
                assert first_has_ended.wait(30)
                return blas_threads()
        first_has_ended.set()
        return blas_threads()

    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        assert of_each_block(work, 2, 1) == [{1}, {1}]
        assert blas_threads() == before


def test_an_error_in_a_block_is_that_of_the_whole(monkeypatch):
    monkeypatch.setattr(score_blocks, "SCORES_PER_BLOCK", 1)

    def work(block: slice) -> None:
        raise ValueError(f"block {block.start}")

    with pytest.raises(ValueError, match="block 0"):
        of_each_block(work, 3, 1)
