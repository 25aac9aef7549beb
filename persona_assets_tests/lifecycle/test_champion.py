"""Who serves follows from the decisions, and what is served from the champion's newest training."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from persona_assets.errors import InsufficientDataError
from persona_assets.lifecycle.champion import champion_row, served_lists
from persona_assets.tables.lifecycle import PROMOTIONS
from persona_assets.tables.models import REGISTRY, TOP_K
from persona_assets.tables.serving import CHAMPION, SERVED

OLD, NEW = date(2025, 1, 6), date(2025, 1, 13)


def trained(*trainings: tuple[date, str, str, str | None]) -> pl.DataFrame:
    """Rows of the registry: cut-off, model, configuration, and why it was not trained."""
    rows = [
        {
            "cutoff": cutoff,
            "model": model,
            "parameters": parameters,
            "artefact_hash": f"{model} {parameters} {cutoff}",
            "not_trained": reason,
        }
        for cutoff, model, parameters, reason in trainings
    ]
    return pl.DataFrame(rows, schema_overrides={"not_trained": pl.String}).select(
        name for name in REGISTRY.polars_schema if name in rows[0]
    )


def decided(*decisions: tuple[str, str, str, str]) -> pl.DataFrame:
    """Rows of the promotions, a minute apart: action, model, configuration, stage after."""
    rows = [
        (
            f"{minute:02}", datetime(2025, 1, 20, 9, minute, tzinfo=UTC), action, model, parameters,
            "candidate", stage, f'{{"decision": {minute}}}',
        )
        for minute, (action, model, parameters, stage) in enumerate(decisions)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=PROMOTIONS.polars_schema, orient="row")


BOTH_WEEKS = trained(
    (OLD, "popularity", "{}", None), (OLD, "als", "{1}", None),
    (NEW, "popularity", "{}", None), (NEW, "als", "{2}", None), (NEW, "ease", "{}", "too few"),
)  # fmt: skip


def test_until_a_model_is_promoted_popularity_serves() -> None:
    row = champion_row(decided(), BOTH_WEEKS).row(0, named=True)
    assert (row["model"], row["action"], row["since"], row["cutoff"]) == (
        "popularity", "default", None, NEW,
    )  # fmt: skip
    assert row["artefact_hash"] == f"popularity {{}} {NEW}"


def test_the_champion_is_of_the_configuration_that_passed_the_gate() -> None:
    """A newer training with another configuration is a candidate, and serves nobody."""
    found = champion_row(decided(("promotion", "als", "{1}", "champion")), BOTH_WEEKS)
    assert found.schema == CHAMPION.polars_schema
    row = found.row(0, named=True)
    assert (row["model"], row["parameters"], row["cutoff"]) == ("als", "{1}", OLD)
    assert row["since"] == datetime(2025, 1, 20, 9, 0, tzinfo=UTC)
    assert (row["action"], row["evidence"]) == ("promotion", '{"decision": 0}')


def test_after_a_rollback_the_one_before_serves() -> None:
    promotions = decided(
        ("promotion", "als", "{1}", "champion"),
        ("promotion", "als", "{2}", "champion"),
        ("rollback", "als", "{1}", "champion"),
    )
    row = champion_row(promotions, BOTH_WEEKS).row(0, named=True)
    assert (row["parameters"], row["action"], row["evidence"]) == (
        "{1}", "rollback", '{"decision": 2}',
    )  # fmt: skip


def test_a_champion_that_was_never_trained_has_no_cutoff_and_no_lists() -> None:
    champion = champion_row(decided(("promotion", "ease", "{}", "champion")), BOTH_WEEKS)
    assert champion["cutoff"].to_list() == [None]
    with pytest.raises(InsufficientDataError, match="the champion, ease, has no lists"):
        served_lists(champion, TOP_K.empty())


def test_without_any_training_nobody_serves() -> None:
    nothing = trained((OLD, "popularity", "{}", "no interactions"))
    with pytest.raises(InsufficientDataError, match="popularity, which serves until then"):
        champion_row(decided(), nothing)
    with pytest.raises(InsufficientDataError, match="no model"):
        served_lists(CHAMPION.empty(), TOP_K.empty())


def test_served_are_the_champions_lists_of_its_newest_training() -> None:
    lists = pl.DataFrame(
        [
            (cutoff, model, user, rank, f"{model} {cutoff} {rank}", 1.0)
            for cutoff in (NEW, OLD)
            for model in ("als", "popularity")
            for user in ("u2", "*", "u1")
            for rank in (2, 1)
        ],
        schema=TOP_K.polars_schema,
        orient="row",
    )
    champion = champion_row(decided(("promotion", "als", "{1}", "champion")), BOTH_WEEKS)
    served = served_lists(champion, lists)
    assert served.schema == SERVED.polars_schema
    assert served["product_id"].to_list() == [f"als {OLD} {rank}" for rank in (1, 2)] * 3
    assert served["user_id"].to_list() == ["*", "*", "u1", "u1", "u2", "u2"]
