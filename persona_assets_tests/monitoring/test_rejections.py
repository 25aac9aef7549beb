"""Which shares of rejected rows are too large."""

from persona_assets.monitoring.rejections import DEFECTS, ORDINARY, is_above
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
