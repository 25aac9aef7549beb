from dataclasses import replace

import pytest

from persona_assets.report.checks import problems, with_outcome
from persona_assets.run_record import CheckOutcome


@pytest.fixture
def mixed(full):
    checks = (
        CheckOutcome("a/b", "contract", "2025-01-02", "warned", "second"),
        CheckOutcome("a/b", "contract", "2025-01-01", "warned", "first"),
        CheckOutcome("a/b", "contract", "2025-01-03", "passed"),
        CheckOutcome("c/d", "window", "", "failed", "leaks"),
        CheckOutcome("a/b", "contract", "2025-01-04", "failed", "broken"),
    )
    return replace(full, run=replace(full.run, checks=checks))


def test_failures_stand_before_warnings_and_partitions_together(mixed):
    assert [(each.asset, each.outcome, each.partitions) for each in problems(mixed)] == [
        ("c/d", "failed", ("",)),
        ("a/b", "failed", ("2025-01-04",)),
        ("a/b", "warned", ("2025-01-01", "2025-01-02")),
    ]


def test_the_description_is_that_of_the_first_partition(mixed):
    assert problems(mixed)[-1].description == "first"


def test_an_unpartitioned_table_has_no_where(mixed):
    assert [each.where for each in problems(mixed)] == ["", "2025-01-04", "2025-01-01, 2025-01-02"]


def test_many_partitions_are_counted(full):
    assert [each.where for each in problems(full)] == [
        "2025-01-01, 2025-01-02, 2025-01-03 and 1 more"
    ]


def test_every_check_has_one_outcome(mixed):
    outcomes = [with_outcome(mixed, outcome) for outcome in ("passed", "failed", "warned")]
    assert sum(map(len, outcomes)) == len(mixed.run.checks)
