"""Which shares of rejected rows are too large."""

import polars as pl

from persona_assets.monitoring.rejections import (
    DEFECTS,
    MOST_NAMES,
    ORDINARY,
    is_above,
    unknown_names,
)
from persona_assets.tables.mart import RULES


def test_every_rule_is_ordinary_or_a_defect() -> None:
    assert set(RULES) == ORDINARY | set(DEFECTS)
    assert "unknown_event_type" in DEFECTS
    assert "missing_user" in ORDINARY


def test_two_bad_rows_of_three_stop_nobody_and_two_hundred_of_three_hundred_do() -> None:
    assert not is_above(2, 3, 0.5)
    assert is_above(200, 300, 0.5)
    assert not is_above(0, 0, 0.0)


def test_a_share_at_the_limit_is_not_above_it() -> None:
    assert not is_above(150, 300, 0.5)


def test_names_of_events_are_told_most_first_and_what_may_be_people_is_not() -> None:
    names = pl.Series("value", ["purchas", "Kauf", "purchas", None])
    assert unknown_names(names) == " ('purchas' 2, 'Kauf' 1)"
    people = pl.Series("value", [f"customer {number}" for number in range(MOST_NAMES + 1)])
    assert unknown_names(people) == ""
    assert unknown_names(pl.Series("value", [None], dtype=pl.String)) == ""
