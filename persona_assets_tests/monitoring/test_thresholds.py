import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from persona_assets.monitoring.thresholds import (
    FALSE_ALARM_RATE,
    MATERIAL,
    jensen_shannon_threshold,
    wasserstein_threshold,
)

ROUNDS = 400


def jensen_shannon(current, reference):
    keys = np.union1d(current, reference)
    shares = [[(side == key).mean() for key in keys] for side in (current, reference)]
    return jensenshannon(*shares)


def wasserstein(current, reference):
    return wasserstein_distance(current, reference) / reference.std()


def alarms(draw, distance, threshold, sizes, seed=0):
    """Share of rounds, all drawn without drift, in which the distance reaches the threshold."""
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(ROUNDS):
        current, reference = draw(rng, sizes[0]), draw(rng, sizes[1])
        limit = threshold(pl.Series(current), pl.Series(reference), tests=1)
        hits += distance(current, reference) >= limit
    return hits / ROUNDS


def categories(rng, size):
    return rng.choice(5, size, p=[0.4, 0.3, 0.15, 0.1, 0.05])


DRAWS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "uniform": lambda rng, size: rng.random(size),
    "skewed": lambda rng, size: rng.lognormal(3, 0.8, size),
    "counts": lambda rng, size: rng.poisson(2, size).astype(float),
}


@pytest.mark.parametrize("sizes", [(40, 40), (60, 400), (300, 1200)])
def test_categories_without_drift_alarm_at_most_at_the_promised_rate(sizes):
    rate = alarms(categories, jensen_shannon, jensen_shannon_threshold, sizes)
    assert rate <= FALSE_ALARM_RATE + 0.035  # three standard errors of 400 rounds


def test_the_fixed_threshold_alone_would_cry_wolf_on_small_weeks():
    rng = np.random.default_rng(0)
    noise = [jensen_shannon(categories(rng, 40), categories(rng, 160)) for _ in range(ROUNDS)]
    assert np.mean(np.array(noise) >= MATERIAL) > 0.3


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
@pytest.mark.parametrize("sizes", [(40, 40), (60, 400)])
def test_numbers_without_drift_alarm_at_most_at_the_promised_rate(draw, sizes):
    rate = alarms(draw, wasserstein, wasserstein_threshold, sizes)
    assert rate <= FALSE_ALARM_RATE + 0.035


def test_bound_is_not_so_cautious_that_it_misses_a_shift_of_half_a_deviation():
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(100):
        current, reference = rng.normal(0.7, 1, 100), rng.normal(0, 1, 400)
        limit = wasserstein_threshold(pl.Series(current), pl.Series(reference), tests=8)
        found += wasserstein(current, reference) >= limit
    assert found > 80


def test_large_samples_and_constants_leave_evidentlys_threshold():
    rng = np.random.default_rng(2)
    many = pl.Series(categories(rng, 50_000))
    assert jensen_shannon_threshold(many, many, tests=8) == MATERIAL
    assert wasserstein_threshold(many, many, tests=8) == MATERIAL
    constant = pl.Series([1.0] * 10)
    assert jensen_shannon_threshold(constant, constant, tests=8) == MATERIAL
    assert wasserstein_threshold(constant, constant, tests=8) == MATERIAL


def test_more_tests_raise_the_bar():
    values = pl.Series(np.arange(30.0) % 7)
    for threshold in (jensen_shannon_threshold, wasserstein_threshold):
        assert threshold(values, values, tests=1) < threshold(values, values, tests=8)
