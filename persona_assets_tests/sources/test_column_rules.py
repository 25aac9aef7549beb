"""Mapping settings about columns: alternatives, optional ones, other rows, fill down."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import UserError
from persona_assets.sources.column_rules import filled_down, in_our_columns, of_the_section
from persona_assets.sources.mapping import FillDown, parsed


def section(body, name="events"):
    events = {
        "file": "*",
        "user_id": "u",
        "product_id": "p",
        "event_type": "e",
        "timestamp": "t",
        "constants": {"consent": True},
    }
    document = {"events": events, "products": {"file": "*", "product_id": "p"}}
    document[name] = document[name] | body
    return parsed(document, "shop.toml").tables[name]


def frame(**columns):
    rows = len(next(iter(columns.values())))
    place = [f"row {n}" for n in range(1, rows + 1)]
    return pl.DataFrame(
        {"place": place, **columns}, schema_overrides=dict.fromkeys(columns, pl.String)
    )


def test_the_first_column_that_has_a_value_is_taken():
    mapping = section(
        {"product_id": ["sku", "name"], "optional_columns": ["product_id"]}, "products"
    )
    text = frame(name=["mug", "cup", None], sku=["1", None, None])
    assert in_our_columns(text, mapping, "f", text.columns)["product_id"].to_list() == [
        "1",
        "cup",
        None,
    ]
    assert in_our_columns(frame(other=["x"]), mapping, "f", ["other"])["product_id"].to_list() == [
        None
    ]


def test_a_column_that_no_file_may_lack_is_named_with_its_alternatives():
    mapping = section({"product_id": ["sku", "name"]}, "products")
    with pytest.raises(UserError, match=r"f has no column 'sku' or 'name', to which \[products\]"):
        in_our_columns(frame(other=["x"]), mapping, "f", ["other"])


def test_rows_of_another_section_and_rows_without_key_are_left_out():
    mapping = section({"where": {"kind": ["a", "b"]}, "skip_without_key": True}, "products")
    text = frame(kind=["a", "x", "b", None], p=["1", "2", None, "4"])
    ours = in_our_columns(
        of_the_section(text, mapping, "f", text.columns), mapping, "f", text.columns
    )
    assert ours.rows() == [("row 1", "1")]
    with pytest.raises(UserError, match=r"no column 'kind', to which \[products\] maps where"):
        of_the_section(frame(p=["1"]), mapping, "f", ["p"])


def test_cells_are_filled_from_the_row_above_within_one_order_alone():
    rows = frame(o=["1", "1", "2", None, "1"], u=["ann", None, None, None, None])
    filled = filled_down(rows, FillDown("o", ("u",)))
    assert filled["u"].to_list() == ["ann", "ann", None, None, "ann"]
    assert_frame_equal(filled_down(rows, None), rows)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"optional_columns": ["quantity"]}, "names 'quantity', which is not mapped"),
        ({"optional_columns": "user_id"}, "give a list of columns"),
        ({"fill_down": {"by": "order_id", "columns": ["user_id"]}}, "names 'order_id'"),
        ({"fill_down": {"by": "user_id"}}, "give a list of columns"),
        ({"fill_down": {"over": "user_id"}}, "unknown key 'over'"),
        ({"defaults": {"quantity": 1}}, r"state them in \[events.constants\]"),
        ({"optional_file": True}, "without events there is no shop"),
        ({"optional_file": 1}, "give true or false"),
        ({"skip_without_key": True}, "goes with"),
        ({"where": {"a": {"b": 1}}}, "give a text, a number or true/false"),
        ({"where": {"a": []}}, "where.a is an empty list, which matches no row; list values"),
        ({"user_id": []}, "give the name of their column"),
    ],
)
def test_a_wrong_setting_is_named(body, message):
    with pytest.raises(UserError, match=message):
        section(body)
