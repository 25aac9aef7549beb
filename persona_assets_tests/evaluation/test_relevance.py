import polars as pl
import pytest

from persona_assets.evaluation.relevance import cold_users, relevant_items


def pairs(frame):
    return frame.select("user_id", "product_id").rows()


@pytest.mark.parametrize(("day", "counts"), [(-1, False), (0, True), (6, True), (7, False)])
def test_truth_is_the_seven_days_from_the_cutoff(mart, cutoff, day, counts):
    events = mart(("ann", "old", -3), ("ann", "new", day))
    assert pairs(relevant_items(events, cutoff=cutoff, exclude="seen")) == (
        [("ann", "new")] if counts else []
    )


def test_next_weeks_events_do_not_count_even_where_clocks_let_them_arrive_early(mart, cutoff):
    events = mart(("ann", "old", -3), ("ann", "a", 7, "view", -2), ("ann", "b", 6, "view", -2))
    assert pairs(relevant_items(events, cutoff=cutoff, exclude="seen")) == [("ann", "b")]


def test_returned_products_are_not_relevant(mart, cutoff):
    events = mart(("ann", "old", -3), ("ann", "a", 1, "return"), ("ann", "b", 1, "purchase"))
    assert pairs(relevant_items(events, cutoff=cutoff, exclude="none")) == [("ann", "b")]


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [("seen", ["new"]), ("bought", ["new", "viewed"]), ("none", ["bought", "new", "viewed"])],
)
def test_models_are_not_asked_for_what_they_may_not_show(mart, cutoff, exclude, expected):
    events = mart(
        ("ann", "viewed", -3),
        ("ann", "bought", -3, "purchase"),
        *(("ann", product, 2) for product in ("viewed", "bought", "new")),
    )
    truth = relevant_items(events, cutoff=cutoff, exclude=exclude)
    assert truth["product_id"].to_list() == expected


def test_what_others_have_seen_stays_relevant(mart, cutoff):
    events = mart(("ann", "a", -3), ("bob", "b", -3), ("ann", "b", 0), ("bob", "a", 0))
    assert pairs(relevant_items(events, cutoff=cutoff, exclude="seen")) == [
        ("ann", "b"),
        ("bob", "a"),
    ]


def test_users_unknown_before_the_cutoff_are_cold_and_not_evaluated(mart, cutoff):
    events = mart(
        ("ann", "a", -3),
        ("ann", "b", 1),
        ("bob", "b", 1),
        ("cid", "a", -1, "view", 2),  # happened before the cut-off, known only after it
        ("cid", "b", 1),
        ("dan", "a", -1),  # known, but not back in the week
    )
    assert pairs(relevant_items(events, cutoff=cutoff, exclude="seen")) == [("ann", "b")]
    assert cold_users(events, cutoff=cutoff)["user_id"].to_list() == ["bob", "cid"]


def test_a_view_that_arrived_late_excludes_nothing(mart, cutoff):
    # No list could leave it out, so lists may be asked for it.
    events = mart(("ann", "old", -5), ("ann", "a", -1, "view", 3), ("ann", "a", 2))
    assert pairs(relevant_items(events, cutoff=cutoff, exclude="seen")) == [("ann", "a")]


def test_truth_that_arrives_after_the_evaluated_week_never_counts(mart, cutoff):
    in_time = mart(("ann", "old", -5), ("ann", "a", 5, "view", 1))
    late = mart(("ann", "b", 5, "view", 2), ("ann", "c", 0, "purchase", 30))
    truth = relevant_items(pl.concat([in_time, late]), cutoff=cutoff, exclude="seen")
    assert truth.equals(relevant_items(in_time, cutoff=cutoff, exclude="seen"))
    assert pairs(truth) == [("ann", "a")]


def test_repeated_interactions_count_once_in_any_order_of_rows(mart, cutoff):
    events = mart(
        ("bob", "a", -3),
        ("ann", "a", -3),
        ("bob", "b", 1),
        ("ann", "c", 2),
        ("ann", "b", 1),
        ("ann", "b", 4, "purchase"),
    )
    expected = [("ann", "b"), ("ann", "c"), ("bob", "b")]
    for seed in range(5):
        shuffled = events.sample(fraction=1, shuffle=True, seed=seed)
        assert pairs(relevant_items(shuffled, cutoff=cutoff, exclude="seen")) == expected
