"""Cells that hold several products are split where the mapping says so, and counted where not."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.sources.files import FilesSource
from persona_assets.sources.mapping import parsed

DAYS = [date(2024, 5, 13)]
TODAY = date(2024, 6, 1)


def source_of(folder, cells, split=None, products=(), **columns):
    header = ["user", "time", "product", *columns]
    rows = [
        "\t".join(["ann", f"2024-05-13T10:{at:02}:00Z", cell, *(v[at] for v in columns.values())])
        for at, cell in enumerate(cells)
    ]
    (folder / "events.tsv").write_text("\n".join(["\t".join(header), *rows]) + "\n")
    events = {
        "file": "events.tsv", "user_id": "user", "product_id": "product", "timestamp": "time",
        "constants": {"event_type": "view", "consent": True}, **{name: name for name in columns},
    }  # fmt: skip
    document = {"events": events | ({"split": split} if split else {})}
    if products:
        (folder / "products.csv").write_text("\n".join(["sku,name", *products]) + "\n")
        document["products"] = {"file": "products.csv", "product_id": "sku", "name": "name"}
    return FilesSource(folder, parsed(document, folder / "shop.toml"), today=TODAY)


def notes_of(source):
    source.events(DAYS)
    return [note for note in source.notes if "several products in one cell" in note]


@pytest.mark.parametrize("sign", [",", ";", "|", "/", "+", " ", ", "])
def test_cells_of_products_that_occur_elsewhere_are_counted(tmp_path, sign):
    source = source_of(tmp_path, ["p1", "p2", "p3", f"p1{sign}p3", f"p2{sign}p1{sign}p3"])
    (note,) = notes_of(source)
    assert "2 rows" in note
    assert f"events.tsv row 4" in note  # noqa: F541
    assert f'product_id = "{sign.strip() or sign}" in [events.split]' in note


@pytest.mark.parametrize(
    ("cells", "products"),
    [
        (["p1", "p2", "p1,p9"], ()),  # p9 is nowhere else
        (["A,B", "C,D"], ()),
        (["A", "B", "A/B"], ["A,x", "B,x", "A/B,x"]),  # a product of the catalogue
        (["A", ",A", "A,"], ()),
    ],
)
def test_what_may_be_one_product_is_not_counted(tmp_path, cells, products):
    assert notes_of(source_of(tmp_path, cells, products=products)) == []


def test_parts_may_occur_in_the_catalogue_alone(tmp_path):
    source = source_of(tmp_path, ["p1,p2", "x"], products=["p1,a", "p2,b", "x,c"])
    assert len(notes_of(source)) == 1


@settings(max_examples=25)
@given(st.lists(st.lists(st.sampled_from(["p1", "p2", "p3", "é 4"]), min_size=1), min_size=1))
def test_split_cells_give_an_event_for_each_product(tmp_path_factory, carts):
    folder = tmp_path_factory.mktemp("shop")
    source = source_of(folder, [", ".join(cart) for cart in carts], {"product_id": ","})
    events = source.events(DAYS)
    assert events["product_id"].to_list() == [each for cart in carts for each in cart]
    assert events["event_id"].n_unique() == events.height
    assert notes_of(source) == []


def test_quantities_go_with_their_products_or_with_all(tmp_path):
    split = {"product_id": ",", "quantity": ","}
    source = source_of(tmp_path, ["p1,p2", "p1,p3", "p4"], split, quantity=["1,2", "3", "4"])
    pairs = source.events(DAYS).select("product_id", "quantity").rows()
    assert pairs == [("p1", 1), ("p2", 2), ("p1", 3), ("p3", 3), ("p4", 4)]


def test_other_numbers_of_values_are_refused_with_their_row(tmp_path):
    split = {"product_id": ",", "quantity": ","}
    source = source_of(tmp_path, ["p4", "p1,p2"], split, quantity=["1", "1,2,3"])
    with pytest.raises(UserError, match=r"row 2: product_id has 2 values and quantity 3"):
        source.events(DAYS)


@pytest.mark.parametrize("split", [{"quantity": ","}, {"unit_price": ","}, {"product_id": ""}])
def test_a_split_that_cannot_be_is_refused(tmp_path, split):
    with pytest.raises(UserError, match="split"):
        source_of(tmp_path, ["p1"], split)
