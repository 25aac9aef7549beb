"""Shops without any drift, whose events come in visits of people, for measuring false alarms."""

import numpy as np
import polars as pl
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from persona_assets.monitoring.drift import CATEGORICAL, NUMERICAL, threshold

VISIT = 5
"""Events per visit, on average."""
HABITUAL = 40
"""People who make up a shop of habits."""
WEEKS = 5


def quiet(rng, per_week, *, habitual):
    """Rows of events and of visits in `WEEKS` weeks of one distribution.

    All events of a visit share their hour and weekday, most their tier and part of their price.
    `habitual`: few people, each with an hour, a weekday and a price level of their own, who come
    more in some weeks than in others.
    """
    people = HABITUAL if habitual else max(50, per_week // 6)
    rate = per_week / VISIT / people * np.ones((people, WEEKS))
    if habitual:
        rate *= rng.gamma(2, 0.5, rate.shape)
    visits = rng.poisson(rate)
    person, week = np.nonzero(visits)
    person, week = (np.repeat(each, visits[person, week]) for each in (person, week))
    count = len(person)
    own_hour, own_day = rng.integers(24, size=people), rng.integers(7, size=people)
    own_price = rng.normal(0, 0.6, people)
    keeps = habitual & (rng.random((2, count)) < 0.75)
    near = (own_hour[person] + rng.integers(-1, 2, count)) % 24
    hour = np.where(keeps[0], near, rng.integers(24, size=count))
    day = np.where(keeps[1], own_day[person], rng.integers(7, size=count))
    size = np.minimum(rng.geometric(1 / VISIT, count), 40)
    of = np.repeat(np.arange(count), size)
    tiers = rng.choice(4, (2, len(of)), p=[0.5, 0.3, 0.15, 0.05])
    price = 3 + 0.4 * rng.normal(size=len(of)) + 0.4 * rng.normal(size=count)[of]
    events = pl.DataFrame(
        {
            "user_id": person[of],
            "week": week[of],
            "hour": hour[of].astype(float),
            "weekday": day[of].astype(str),
            "tier": np.where(rng.random(len(of)) < 0.7, tiers[0][of], tiers[1]).astype(str),
            "kind": rng.choice(["view", "cart", "buy"], len(of), p=[0.7, 0.2, 0.1]),
            "price": np.exp(price + habitual * own_price[person[of]]),
        }
    )
    sessions = pl.DataFrame(
        {
            "user_id": person,
            "week": week,
            "events": size.astype(float),
            "duration": size * 30 * rng.exponential(1, count),
        }
    )
    return events, sessions


def drifted(events, sessions):
    """Columns whose distance reaches its threshold; eight, as in the shop's drift report."""
    columns = {
        "hour": (events, "hour", NUMERICAL),
        "weekday": (events, "weekday", CATEGORICAL),
        "tier": (events, "tier", CATEGORICAL),
        "kind": (events, "kind", CATEGORICAL),
        "price": (events, "price", NUMERICAL),
        "amount": (events.filter(pl.col("kind") == "buy"), "price", NUMERICAL),
        "session_events": (sessions, "events", NUMERICAL),
        "session_duration": (sessions, "duration", NUMERICAL),
    }
    found = []
    for name, (frame, column, kind) in columns.items():
        rows = frame.select("user_id", "week", value=column)
        of_week = pl.col("week") == WEEKS - 1
        current, reference = rows.filter(of_week), rows.filter(~of_week)
        limit = threshold(current, reference, kind=kind, tests=len(columns))
        sides = [each["value"].to_numpy() for each in (current, reference)]
        if kind is CATEGORICAL:
            keys = np.union1d(*sides)
            distance = jensenshannon(*([(side == key).mean() for key in keys] for side in sides))
        else:
            distance = wasserstein_distance(*sides) / sides[1].std()
        if distance >= limit:
            found.append(name)
    return found
