"""People of the synthetic shop.

Belongs here: what is fixed about a person: country, sign-up, consent, how often they come, what
they like and how much prices deter them. Does not belong here: what they do on a day
(`behaviour.py`) or how tastes become interest in a product (`tastes.py`).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.sources.synthetic.streams import Stream, generator

TASTE_DIMENSIONS = 8
"""Few enough for factor models to recover from some weeks of events, too many for one average."""
HORIZON_DAYS = 120
"""Newcomers and launches are spread over this many days from the start. Fixed rather than the
shop's own length, so that a longer shop contains the shorter one."""
NEWCOMERS = 0.15
"""Share of people who sign up after the start."""
ACCOUNT_AGE_DAYS = 730
"""Accounts that exist at the start were opened over this many days before it."""
NO_CONSENT = 0.03
"""Share of people who have not consented to personalization."""
SESSIONS_PER_DAY = 0.34
"""Mean sessions per person and day on an average weekday."""
ACTIVITY_SIGMA = 1.0
"""Log-normal spread of activity: the busiest tenth makes about 40 % of all sessions."""
PRICE_SENSITIVITY = 0.4
"""Mean price sensitivity: interest falls by e^-0.4 per standard deviation of log price."""
COUNTRIES = {
    "DE": 0.30,
    "FR": 0.18,
    "GB": 0.16,
    "NL": 0.10,
    "ES": 0.09,
    "IT": 0.08,
    "SE": 0.05,
    "US": 0.04,
}


@dataclass(frozen=True)
class Population:
    """Everybody who ever signs up, one array element per person.

    `signup` holds days as `datetime64[D]`, `activity` sessions per day, `price_sensitivity` the
    fall of log interest per standard deviation of log price, `taste` (people × dimensions)
    standard normal coordinates in the space of the products' traits.
    """

    ids: pl.Series
    country: pl.Series
    signup: NDArray[np.datetime64]
    consent: NDArray[np.bool_]
    activity: NDArray[np.float64]
    price_sensitivity: NDArray[np.float64]
    taste: NDArray[np.float64]


def spread_days(
    rng: np.random.Generator, size: int, start: date, late: float, age_days: int
) -> NDArray[np.datetime64]:
    """Days of which a share `late` lies in the horizon from `start` and the rest before it."""
    after = rng.integers(0, HORIZON_DAYS, size)
    before = -rng.integers(1, age_days + 1, size)
    offset = np.where(rng.random(size) < late, after, before)
    return np.datetime64(start, "D") + offset.astype("timedelta64[D]")


def identifiers(prefix: str, size: int, digits: int) -> list[str]:
    """Identifiers whose alphabetical order is their order: `prefix` and equally many digits."""
    width = max(digits, len(str(size - 1)))
    return [f"{prefix}{number:0{width}d}" for number in range(size)]


def draw_population(seed: int, users: int, start: date) -> Population:
    """The `users` people of a shop that opens its books on `start`."""
    rng = generator(seed, Stream.POPULATION)
    countries = list(COUNTRIES)
    spread = rng.normal(0.0, ACTIVITY_SIGMA, users)
    return Population(
        ids=pl.Series("user_id", identifiers("user-", users, 6)),
        country=pl.Series("country", countries).gather(
            rng.choice(len(countries), users, p=list(COUNTRIES.values()))
        ),
        signup=spread_days(rng, users, start, NEWCOMERS, ACCOUNT_AGE_DAYS),
        consent=rng.random(users) >= NO_CONSENT,
        # A log-normal with mean 1 has location -sigma²/2.
        activity=SESSIONS_PER_DAY * np.exp(spread - ACTIVITY_SIGMA**2 / 2),
        price_sensitivity=rng.gamma(2.0, PRICE_SENSITIVITY / 2.0, users),
        taste=rng.normal(size=(users, TASTE_DIMENSIONS)),
    )
