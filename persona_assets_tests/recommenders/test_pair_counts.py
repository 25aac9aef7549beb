from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.recommenders import pair_counts as module
from persona_assets.recommenders.pair_counts import pair_counts
from persona_assets.recommenders.pair_weight import PairWeight
from persona_assets.recommenders.sequences import sequences


def by_hand(log, weight, since=-np.inf):
    """The definition, pair by pair."""
    counts = defaultdict(float)
    for start, end in zip(log.starts[:-1], log.starts[1:], strict=True):
        entries = range(start, end)
        for a in entries:
            passed = [b for b in entries if log.positions[b] > log.positions[a]]
            for b in entries:
                if b <= a or log.times[b] < since:
                    continue
                d = int(log.positions[b] - log.positions[a])
                before = [c for c in passed if log.positions[c] < log.positions[b]]
                if d > 0 and len(before) >= weight.window:
                    continue
                f = d**-weight.forward_decay if d else (1 + weight.backward_share) / 2
                g = weight.backward_share * d**-weight.backward_decay if d else f
                hours = (log.times[b] - log.times[a]) / 3600
                near = (1 + hours / weight.time_unit_hours) ** -weight.time_decay
                counts[log.items[a], log.items[b]] += f * near
                counts[log.items[b], log.items[a]] += g * near
    matrix = np.zeros((len(log.products), len(log.products)))
    for pair, count in counts.items():
        matrix[pair] = count
    return matrix


ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("pqrstuvw"), st.integers(0, 9)), max_size=24
)


@settings(max_examples=60)
@given(ROWS, st.sampled_from([1, 2, 50]), st.sampled_from([0.0, 1.7]))
def test_counts_are_what_the_definition_says(mart, rows, window, time_decay):
    log = sequences(mart(*((user, item, "view", 1, -day) for user, item, day in rows)))
    weight = PairWeight(window=window, time_decay=time_decay, time_unit_hours=24.0)

    counts = pair_counts(log, weight)

    np.testing.assert_allclose(counts.toarray(), by_hand(log, weight), rtol=1e-12)
    assert (counts.diagonal() == 0).all()


def test_a_golden_sequence(mart):
    log = sequences(
        mart(("u", "a", "view", 1, 3), ("u", "b", "view", 1, 2), ("u", "c", "view", 1, 1))
    )

    counts = pair_counts(log, PairWeight(forward_decay=1.0, backward_share=0.5, backward_decay=2.0))

    assert counts.toarray().tolist() == [[0, 1, 0.5], [0.5, 0, 1], [0.125, 0.5, 0]]


def test_within_an_instant_neither_comes_first(mart):
    log = sequences(mart(("u", "a", "view", 1, 3), ("u", "b", "view", 1, 3)))

    counts = pair_counts(log, PairWeight(backward_share=0.5)).toarray()

    assert counts[0, 1] == counts[1, 0] == 0.75


@settings(max_examples=30)
@given(ROWS)
def test_days_add_up_to_the_whole(mart, rows):
    log = sequences(mart(*((user, item, "view", 1, -day) for user, item, day in rows)))
    weight = PairWeight()

    whole = pair_counts(log, weight).toarray()
    midnights = sorted({float(time) for time in log.times})
    later = [pair_counts(log, weight, since=each).toarray() for each in midnights]
    daily = [now - then for now, then in zip(later, [*later[1:], 0.0][: len(later)], strict=True)]

    np.testing.assert_allclose(sum(daily, np.zeros_like(whole)), whole, atol=1e-12)
    assert all((day >= -1e-12).all() for day in daily)


def test_counting_in_blocks_changes_no_count(shop, monkeypatch):
    log = sequences(shop)
    expected = pair_counts(log, PairWeight())

    monkeypatch.setattr(module, "PAIRS_PER_BLOCK", 1_000)

    np.testing.assert_allclose(pair_counts(log, PairWeight()).toarray(), expected.toarray())


@pytest.mark.parametrize("rows", [(), (("u", "a", "view", 1, 3),)])
def test_nothing_to_pair_gives_no_pairs(mart, rows):
    assert pair_counts(sequences(mart(*rows)), PairWeight()).nnz == 0
