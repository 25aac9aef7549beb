"""The champion is control, and those that might take its place are the challengers."""

from datetime import date

import polars as pl
import pytest

from persona_assets.errors import InsufficientDataError
from persona_assets.experiments.arms import competing_arms


def comparison(**ndcg: float) -> pl.DataFrame:
    """Each model's nDCG@10; by other metrics and lengths the order is the opposite."""
    rows = [
        (date(2025, 1, 6), model, metric, k, value if (metric, k) == ("ndcg", 10) else -value)
        for model, value in ndcg.items()
        for metric, k in (("ndcg", 10), ("ndcg", 20), ("recall", 10))
    ]
    return pl.DataFrame(rows, schema=["cutoff", "model", "metric", "k", "value"], orient="row")


def test_challengers_are_the_best_two_others_whatever_the_champions_rank() -> None:
    evaluated = comparison(popularity=0.1, als=0.3, ease=0.2, bpr=0.15, planted_optimum=0.9)
    assert competing_arms("popularity", evaluated) == {
        "control": "popularity",
        "challenger_1": "als",
        "challenger_2": "ease",
    }
    assert competing_arms("als", evaluated) == {
        "control": "als",
        "challenger_1": "ease",
        "challenger_2": "bpr",
    }


def test_of_two_models_one_is_the_challenger() -> None:
    arms = competing_arms("als", comparison(popularity=0.1, als=0.3))
    assert arms == {"control": "als", "challenger_1": "popularity"}


@pytest.mark.parametrize(
    "evaluated", [{"als": 0.3}, {"popularity": 0.1, "planted_optimum": 0.9}, {}]
)
def test_without_the_champion_or_a_challenger_there_is_no_experiment(
    evaluated: dict[str, float],
) -> None:
    with pytest.raises(InsufficientDataError, match="needs the champion"):
        competing_arms("popularity", comparison(**evaluated))
