from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from persona_assets.calendar import HISTORY_DAYS
from persona_assets.errors import DataError, UserError
from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.validation import (
    evaluated_cutoffs,
    interactions_for,
    newest_trained,
    validation_week,
    week,
    weekly_task,
)

TRAINED = date(2024, 2, 5)


def at(day: int, hour: int = 12) -> datetime:
    """Relative to the trained cut-off."""
    return datetime(2024, 2, 5, hour, tzinfo=UTC) + timedelta(days=day)


def pairs(rows: pl.DataFrame) -> list[tuple]:
    return rows.select("user_id", "product_id").rows()


def test_the_week_before_the_cut_off_is_evaluated_and_what_was_before_is_known(interactions):
    rows = interactions((1, 1, at(-8)), (1, 2, at(-7, 0)), (1, 3, at(-1, 23)), (1, 4, at(0, 0)))
    found = validation_week(rows, trained=TRAINED, exclude="none")
    assert found.cutoff == TRAINED - timedelta(days=7)
    assert pairs(found.known) == [("u01", "p01")]
    assert pairs(found.relevant) == [("u01", "p02"), ("u01", "p03")]
    assert found.users == ["u01"]


def test_later_rows_change_nothing(shop, interactions):
    known = shop.filter(pl.col("event_ts") < at(0, 0))
    planted = interactions(
        *((user, product, at(day)) for user in range(60) for product in (1, 2) for day in (0, 3)),
        # Happened in time, but the log had them too late.
        *((user, 5, at(-10), at(0, 0)) for user in range(60)),
        *((user, 6, at(-2), at(0, 0)) for user in range(60)),
    )
    quiet, noisy = (
        validation_week(rows, trained=TRAINED, exclude="seen")
        for rows in (known, pl.concat([planted, known]))
    )
    for name in ("known", "relevant", "excluded", "histories"):
        mine, others = (
            getattr(each, name).sort(pl.all().exclude("^weight$")) for each in (quiet, noisy)
        )
        assert mine.equals(others), name


def test_what_arrived_after_the_validation_week_began_is_not_known(interactions):
    rows = interactions((1, 1, at(-9)), (1, 2, at(-9), at(-6)), (1, 3, at(-5)))
    found = validation_week(rows, trained=TRAINED, exclude="none")
    assert pairs(found.known) == [("u01", "p01")]


def test_a_training_sees_what_the_weekly_graph_lets_it_see(interactions):
    rows = interactions((1, 1, at(-HISTORY_DAYS - 1)), (1, 2, at(-HISTORY_DAYS)), (1, 3, at(0)))
    assert pairs(week(rows, cutoff=TRAINED, exclude="none").known) == [("u01", "p02")]


def test_a_week_in_which_nobody_known_did_anything_is_refused(interactions):
    rows = interactions((1, 1, at(-8)), (2, 1, at(-3)))
    with pytest.raises(DataError, match=r"1 row\(s\) are known before 2024-01-29.*materialize"):
        validation_week(rows, trained=TRAINED, exclude="none")


def test_users_are_drawn_by_seed_and_not_by_name(shop):
    whole = validation_week(shop, trained=TRAINED, exclude="seen")
    few = whole.sampled(10, seed=3)
    assert len(few.users) == 10
    assert few.users == whole.sampled(10, seed=3).users != whole.sampled(10, seed=4).users
    assert few.known.equals(whole.known)
    assert whole.sampled(60, seed=3) is whole
    # Unlike in `shop`, no two people do things at the same instants here.
    alone = shop.with_columns(
        event_ts=pl.col("event_ts") + pl.duration(seconds=pl.col("user_id").str.slice(1).cast(int))
    )
    renamed = alone.with_columns(
        user_id=pl.format("v{}", 99 - pl.col("user_id").str.slice(1).cast(int))
    )
    drawn, of_renamed = (
        validation_week(rows, trained=TRAINED, exclude="seen").sampled(10, seed=3)
        for rows in (alone, renamed)
    )
    assert sorted(f"v{99 - int(name[1:])}" for name in drawn.users) == of_renamed.users


def test_only_days_of_the_window_are_read(home):
    cutoff = TRAINED - timedelta(days=7)
    rows = interactions_for(home.store, [cutoff])
    assert rows["event_date"].max() < TRAINED
    assert rows.height == home.shop.filter(pl.col("event_date") < TRAINED).height > 0


def test_the_newest_trained_and_evaluated_weeks_are_found(home):
    assert newest_trained(home.store) == TRAINED
    assert evaluated_cutoffs(home.store, 2) == [date(2024, 1, 22), date(2024, 1, 29)]
    assert len(evaluated_cutoffs(home.store, 9)) == 3


def test_a_lake_without_trainings_says_what_to_run(tmp_path):
    empty = DeltaStore(str(tmp_path))
    with pytest.raises(UserError, match=r"no week was trained.*persona run"):
        newest_trained(empty)
    with pytest.raises(UserError, match=r"no week was evaluated.*persona run"):
        evaluated_cutoffs(empty, 4)


def test_the_weekly_task_leaves_out_what_lists_leave_out():
    assert weekly_task("seen").unseen
    assert not weekly_task("bought").unseen
    assert weekly_task("none").horizon == timedelta(days=7)
