"""Which failures are tried again: trouble of the machine, not faults of the data or the user."""

from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pytest

from persona_assets.errors import DataError, InfrastructureError, UserError
from persona_assets.orchestration import automation
from persona_assets.orchestration.resources.failures import permanent_failures


class FailingShop:
    """A shop whose users cannot be had the first `times` times."""

    def __init__(self, shop: Any, error: Exception, times: int) -> None:
        self._shop = shop
        self._error = error
        self.left = times
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def users(self) -> pl.DataFrame:
        self.asked += 1
        if self.asked <= self.left:
            raise self._error
        return self._shop.users()


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dagster._core.execution.plan.active.time.sleep", lambda seconds: None)


@pytest.mark.parametrize("error", [UserError, DataError])
def test_faults_end_the_step_at_once_in_their_own_words(
    error: type[Exception], open_graph: Callable[..., Any], shop: Any
) -> None:
    source = FailingShop(shop, error("column price is missing; add it"), times=1)
    graph = open_graph(source=source)
    result = graph.run("ingestion", "2025-01-01", assets=["raw/users"], must_succeed=False)
    assert not result.success
    assert source.asked == 1
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    described = failure.step_failure_data.user_failure_data.description
    assert described == "column price is missing; add it"


def test_trouble_of_the_machine_is_tried_once_more(
    open_graph: Callable[..., Any], shop: Any
) -> None:
    source = FailingShop(shop, InfrastructureError("the network is down; try again"), times=1)
    graph = open_graph(source=source)
    assert graph.run("ingestion", "2025-01-01", assets=["raw/users"]).success
    assert source.asked == 2


def test_trouble_that_stays_ends_the_step(open_graph: Callable[..., Any], shop: Any) -> None:
    source = FailingShop(shop, InfrastructureError("the disk is full; make room"), times=99)
    graph = open_graph(source=source)
    result = graph.run("ingestion", "2025-01-01", assets=["raw/users"], must_succeed=False)
    assert not result.success
    assert source.asked == 1 + automation.RETRY.max_retries


def test_other_exceptions_pass_unchanged() -> None:
    """A bug keeps its own type and traceback."""
    with pytest.raises(ZeroDivisionError), permanent_failures():
        _ = 1 / 0


def test_cause_is_kept() -> None:
    with pytest.raises(dg.Failure) as caught, permanent_failures():
        raise DataError(f"no rows on {date(2025, 1, 1)}")
    assert isinstance(caught.value.__cause__, DataError)
    assert not caught.value.allow_retries
