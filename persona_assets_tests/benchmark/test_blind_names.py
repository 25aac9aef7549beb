import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.benchmark.blind_names import rename_blindly


def relabelled(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Other names, in another order of names and rows."""
    for column in ("user_id", "product_id"):
        names = rows[column].unique().sort().shuffle(seed=seed)
        new = {name: f"{place:03d}-{seed}" for place, name in enumerate(names)}
        rows = rows.with_columns(pl.col(column).replace_strict(new))
    return rows.sample(fraction=1, shuffle=True, seed=seed)


def test_other_names_in_another_order_become_the_same_table(chains):
    [expected] = rename_blindly(chains)
    for seed in range(3):
        [blind] = rename_blindly(relabelled(chains, seed))
        assert blind.equals(expected)


def test_what_happened_stays_what_it_was(chains):
    [blind] = rename_blindly(chains)

    assert blind.height == chains.height
    kept = ["event_type", "event_ts", "weight"]
    assert blind.select(kept).sort(kept).equals(chains.select(kept).sort(kept))
    for column in ("user_id", "product_id"):
        counts = [
            frame[column].value_counts()["count"].sort().to_list() for frame in (blind, chains)
        ]
        assert counts[0] == counts[1]


def test_names_do_not_follow_the_order_of_first_appearance(chains):
    [blind] = rename_blindly(chains)

    first = chains.sort("event_ts").unique("product_id", keep="first", maintain_order=True)
    renamed = blind.sort("event_ts").unique("product_id", keep="first", maintain_order=True)
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
def test_any_log_is_blind_to_names_even_where_everything_ties(log, rows, seed):
    frame = log(*rows)
    [expected] = rename_blindly(frame)
    [blind] = rename_blindly(relabelled(frame, seed))

    # What colour refinement cannot tell apart may be exchanged; counts then agree all the same.
    def degrees(each: pl.DataFrame) -> list:
        return sorted(each.group_by("user_id").len()["len"]), sorted(
            each.group_by("product_id").len()["len"]
        )

    assert degrees(blind) == degrees(expected)
    assert blind.select("event_ts", "user_id").equals(expected.select("event_ts", "user_id"))


def test_pairs_beside_the_log_are_renamed_alike_and_strangers_get_names_of_their_own(log):
    rows = log(("a", "x", 1), ("b", "y", 2))
    pairs = pl.DataFrame({"user_id": ["a", "c"], "product_id": ["y", "unseen"]})

    blind, held = rename_blindly(rows, pairs)

    a = blind.filter(pl.col("event_ts") == rows["event_ts"][0])["user_id"].item()
    y = blind.filter(pl.col("event_ts") == rows["event_ts"][1])["product_id"].item()
    assert (a, y) in held.rows()
    assert set(held["product_id"]) - set(blind["product_id"])


def test_sessions_keep_their_rows(log):
    rows = log(("a", "x", 1), ("a", "y", 2), ("a", "z", 3)).with_columns(
        session_id=pl.Series(["s2", "s2", "s1"])
    )

    [blind] = rename_blindly(rows)

    sessions = blind.sort("event_ts")["session_id"].to_list()
    assert sessions[0] == sessions[1] != sessions[2]
