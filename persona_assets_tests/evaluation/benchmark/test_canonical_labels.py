import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.evaluation.benchmark.canonical_labels import with_canonical_labels


def relabelled(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Other names, in another order of names and rows."""
    for column in ("user_id", "product_id"):
        names = rows[column].unique().sort().shuffle(seed=seed)
        new = {name: f"{place:03d}-{seed}" for place, name in enumerate(names)}
        rows = rows.with_columns(pl.col(column).replace_strict(new))
    return rows.sample(fraction=1, shuffle=True, seed=seed)


def test_other_names_in_another_order_become_the_same_table(chains):
    [expected] = with_canonical_labels(chains)
    for seed in range(3):
        [renamed] = with_canonical_labels(relabelled(chains, seed))
        assert renamed.equals(expected)


def test_what_happened_stays_what_it_was(chains):
    [renamed] = with_canonical_labels(chains)

    assert renamed.height == chains.height
    kept = ["event_type", "event_ts", "weight"]
    assert renamed.select(kept).sort(kept).equals(chains.select(kept).sort(kept))
    for column in ("user_id", "product_id"):
        counts = [
            frame[column].value_counts()["count"].sort().to_list() for frame in (renamed, chains)
        ]
        assert counts[0] == counts[1]


def test_names_do_not_follow_the_order_of_first_appearance(chains):
    [renamed] = with_canonical_labels(chains)

    first = chains.sort("event_ts").unique("product_id", keep="first", maintain_order=True)
    renamed = renamed.sort("event_ts").unique("product_id", keep="first", maintain_order=True)
    assert len(first) == len(renamed) == 60
    assert abs(np.corrcoef(renamed["product_id"].rank(), np.arange(60))[0, 1]) < 0.4


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("pqrst"), st.integers(0, 3)),
        min_size=1,
        max_size=15,
        unique=True,
    ),
    st.integers(0, 5),
)
def test_labels_do_not_depend_on_names_even_where_everything_ties(log, rows, seed):
    frame = log(*rows)
    [expected] = with_canonical_labels(frame)
    [renamed] = with_canonical_labels(relabelled(frame, seed))

    # What colour refinement cannot tell apart may be exchanged; counts then agree all the same.
    def degrees(each: pl.DataFrame) -> list:
        return sorted(each.group_by("user_id").len()["len"]), sorted(
            each.group_by("product_id").len()["len"]
        )

    assert degrees(renamed) == degrees(expected)
    assert renamed.select("event_ts", "user_id").equals(expected.select("event_ts", "user_id"))


def test_pairs_beside_the_log_are_renamed_alike_and_strangers_get_names_of_their_own(log):
    rows = log(("a", "x", 1), ("b", "y", 2))
    pairs = pl.DataFrame({"user_id": ["a", "c"], "product_id": ["y", "unseen"]})

    renamed, held = with_canonical_labels(rows, pairs)

    a = renamed.filter(pl.col("event_ts") == rows["event_ts"][0])["user_id"].item()
    y = renamed.filter(pl.col("event_ts") == rows["event_ts"][1])["product_id"].item()
    assert (a, y) in held.rows()
    assert set(held["product_id"]) - set(renamed["product_id"])


def test_sessions_keep_their_rows(log):
    rows = log(("a", "x", 1), ("a", "y", 2), ("a", "z", 3)).with_columns(
        session_id=pl.Series(["s2", "s2", "s1"])
    )

    [renamed] = with_canonical_labels(rows)

    sessions = renamed.sort("event_ts")["session_id"].to_list()
    assert sessions[0] == sessions[1] != sessions[2]
