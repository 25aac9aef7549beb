"""Generated identifiers must make exact duplicates findable and everything else distinct."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.sources.event_ids import content_ids, variant_numbers

text = st.sampled_from([None, "", "a", "b", "1", "12"])
rows = st.lists(st.tuples(text, text, text), min_size=1, max_size=30)


def frame_of(drawn):
    schema = {"user_id": pl.String, "product_id": pl.String, "timestamp": pl.String}
    return pl.DataFrame(drawn, schema=schema, orient="row")


def ids(frame):
    return content_ids(frame, frame.columns, person="user_id").to_list()


@given(rows)
def test_equal_rows_and_only_they_have_equal_ids(drawn):
    assert len(set(zip(drawn, ids(frame_of(drawn)), strict=True))) == len(set(drawn))
    assert len(set(ids(frame_of(drawn)))) == len(set(drawn))


@given(rows, rows)
def test_rows_delivered_later_change_no_earlier_id(before, after):
    assert ids(frame_of(before + after))[: len(before)] == ids(frame_of(before))


def test_fields_do_not_run_into_each_other():
    assert len(set(ids(frame_of([("u", "1", "23"), ("u", "12", "3"), ("u", None, "3")])))) == 3


def test_id_does_not_tell_the_person():
    ann, bob = (ids(frame_of([(who, "mug", "noon")])) for who in ("ann", "bob"))
    assert ann == bob


def test_id_is_the_same_in_every_process():
    assert ids(frame_of([("ann", "mug", "noon")])) == ["4afc97234eb3be3a093500c7c43ce73b-1"]


def test_variants_are_numbered_within_their_group_by_first_occurrence():
    frame = pl.DataFrame({"group": list("aabaab"), "text": list("zyzzxz")})
    numbers = variant_numbers(frame, within=["group"], content=["group", "text"])
    assert numbers.to_list() == [1, 2, 1, 1, 3, 1]
