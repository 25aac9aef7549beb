"""Intervals and checks that may be looked at at any time: against integrals and simulated looks."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from persona_assets.statistics.sample_ratio import (
    CONCENTRATIONS,
    sequential_sample_ratio_p_value,
)
from persona_assets.statistics.sequential import (
    always_valid,
    always_valid_p_value,
    mixture_parameter,
    standard_errors,
)
from persona_assets.statistics.two_samples import Comparison


def test_p_value_is_one_over_the_mixture_of_likelihood_ratios():
    """∫ exp(λ·S − λ²·n/2) dN(0, ρ²)(λ), with S = z·√n: the martingale, integrated numerically."""
    n, rho, z = 400, 0.05, 3.4

    def integrand(tilt):
        return math.exp(tilt * z * math.sqrt(n) - tilt**2 * n / 2) * stats.norm.pdf(tilt, 0, rho)

    mixture = integrate.quad(integrand, -1, 1, points=[0.1, 0.17])[0]
    assert always_valid_p_value(z, n, rho) == pytest.approx(1 / mixture, rel=1e-6)


@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_interval_and_p_value_say_the_same(confidence):
    rho = mixture_parameter(5000, confidence)
    edge = standard_errors(3000, rho, confidence)
    assert always_valid_p_value(edge, 3000, rho) == pytest.approx(1 - confidence)


def test_interval_is_narrowest_where_it_was_tuned():
    """σ·width/√n always shrinks; in standard errors the best place is near the tuning."""
    rho = mixture_parameter(5000)
    looks = [100, 1000, 5000, 20_000, 1_000_000]
    widths = [standard_errors(n, rho) for n in looks]
    assert min(widths) == widths[2] == pytest.approx(3.035, abs=1e-3)
    assert all(np.diff([w / math.sqrt(n) for w, n in zip(widths, looks, strict=True)]) < 0)


def test_nothing_that_varies_changes_nothing():
    still = Comparison(0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert always_valid(still, 100, 5000) is still


def test_looks_after_every_day_find_nothing_in_nothing():
    """60 looks: the usual interval is wrong in a third of experiments, the sequential in 5 %."""
    generator = np.random.default_rng(1)
    worlds, days, per_day = 2000, 60, 50
    steps = generator.normal(0, 1, (worlds, days)) * math.sqrt(per_day)
    sums = steps.cumsum(axis=1)
    units = np.arange(1, days + 1) * per_day
    z = np.abs(sums) / np.sqrt(units)
    rho = mixture_parameter(3000)
    bounds = np.array([standard_errors(int(n), rho) for n in units])
    assert (z > 1.96).any(axis=1).mean() > 0.3
    assert (z > bounds).any(axis=1).mean() <= 0.05


def test_sample_ratio_is_the_bayes_factor_of_a_dirichlet():
    """For two arms: the mean over c of ∫ likelihood(q)/likelihood(θ) over Beta(cθ, c(1 − θ))."""
    counts, share = (560, 440), 0.5

    def integrand(q, concentration):
        logarithm = counts[0] * math.log(q / share) + counts[1] * math.log((1 - q) / (1 - share))
        beta = stats.beta(concentration * share, concentration * (1 - share))
        return math.exp(logarithm) * beta.pdf(q)

    factors = [
        integrate.quad(integrand, 0.3, 0.8, args=(each,), points=[0.5, 0.56])[0]
        for each in CONCENTRATIONS
    ]
    found = sequential_sample_ratio_p_value([counts], [0.5, 0.5])
    assert found == pytest.approx(1 / np.mean(factors), rel=1e-6)


def test_sample_ratio_over_looks_keeps_its_promise_and_sees_a_leak():
    generator = np.random.default_rng(2)
    days = generator.multinomial(500, [0.5, 0.5], size=(1000, 20)).cumsum(axis=1)
    quiet = [sequential_sample_ratio_p_value(world, [0.5, 0.5]) < 0.05 for world in days.tolist()]
    assert np.mean(quiet) <= 0.05
    leaking = generator.multinomial(5000, [0.48, 0.52], size=20).cumsum(axis=0).tolist()
    assert sequential_sample_ratio_p_value(leaking, [0.5, 0.5]) < 0.001
    # A large leak of few units: χ² has p = 2.5e-10.
    assert sequential_sample_ratio_p_value([(600, 400)], [0.5, 0.5]) < 1e-6
    # What was seen once stays seen.
    assert sequential_sample_ratio_p_value([*leaking, (10**6, 10**6)], [0.5, 0.5]) < 0.001
