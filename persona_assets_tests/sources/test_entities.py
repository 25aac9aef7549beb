"""Catalogues with several rows per product: dated rows are a history, of others the commonest."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.sources.attribute_deliveries import product_history, user_history
from persona_assets.sources.entities import one_description
from persona_assets.sources.files import FilesSource
from persona_assets.tables.raw import BEGINNING, PRODUCT_HISTORY, PRODUCTS, USER_HISTORY
from persona_assets.transforms.attribute_history import as_known_at
from persona_assets_tests.sources.mapping_files import read_mapping

CASES = Path(__file__).parents[1] / "cases"
TODAY = date(2024, 6, 1)
ARRIVAL = datetime(2024, 6, 1, tzinfo=UTC)
EVENTS = "time,visitor,sku,action\n2024-05-13T10:00:00Z,ann,a,view\n"
MAPPING = """
[events]
file = "events.csv"
user_id = "visitor"
product_id = "sku"
event_type = "action"
timestamp = "time"
[events.constants]
consent = true
[products]
file = "items.csv"
product_id = "sku"
category = "group"
price = "price"
valid_from = "since"
[users]
file = "people.csv"
user_id = "id"
country = "land"
"""


def source_of(folder, items, people="id,land\nann,DE\n", mapping=MAPPING):
    for name, text in {
        "events.csv": EVENTS,
        "items.csv": items,
        "people.csv": people,
        "shop.toml": mapping,
    }.items():
        (folder / name).write_text(text)
    return FilesSource(folder, read_mapping(folder / "shop.toml"), today=TODAY)


descriptions = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["x", "y", "z", None]),
        st.sampled_from([1.0, 2.0, None]),
    ),
    min_size=1,
    max_size=12,
)


@given(descriptions)
def test_of_each_column_the_most_frequent_value_counts_of_ties_the_last(rows):
    frame = pl.DataFrame(rows, schema=["id", "name", "price"], orient="row").with_columns(
        place=pl.format("file row {}", pl.int_range(pl.len())),
    )
    found, note = one_description(frame, ["id"])
    described = {row[0]: row[1:] for row in found.select("id", "name", "price").rows()}
    assert set(described) == {row[0] for row in rows}
    assert found.height == len(described)
    for identifier, values in described.items():
        for column, value in enumerate(values, start=1):
            said = [row[column] for row in rows if row[0] == identifier and row[column] is not None]
            counts = Counter(said)
            most = max(counts.values(), default=0)
            ties = [each for each in said if counts[each] == most]
            assert value == (ties[-1] if ties else None)
    assert bool(note) == (len(set(rows)) > len(described))


def test_undated_prices_that_differ_are_settled_with_a_note():
    case = CASES / "cat_price_history"
    source = FilesSource(case / "in", read_mapping(case / "map.toml"), today=TODAY)
    assert source.products().select("product_id", "price").rows() == [("p1", 12.0)]
    assert source.products().schema == PRODUCTS.polars_schema
    [note] = [note for note in source.notes if "products" in note]
    assert note == (
        "[products] 1 of 1 descriptions have several rows that differ, the first in "
        "products.csv row 1; each column takes its most frequent value, or the last of equally "
        "frequent ones"
    )
    assert source.dated_products() is None


def test_notes_on_people_name_nobody(tmp_path):
    source = source_of(
        tmp_path, "sku,group,price,since\na,,,\n", "id,land\nann,DE\nbob,FR\nann,NL\n"
    )
    assert source.users().rows() == [("ann", "NL", None), ("bob", "FR", None)]
    [note] = source.notes
    assert "people.csv row 1" in note
    assert "ann" not in note


ITEMS = """sku,group,price,since
a,lamps,10,
a,,12,2024-05-01
b,chairs,5,2024-05-03 12:00
a,lamps,12,2024-05-04
a,tables,,2024-05-06T00:00:00+02:00
a,tables,99,2024-07-01
"""


def test_dated_rows_become_the_history(tmp_path):
    source = source_of(tmp_path, ITEMS)
    history = product_history(PRODUCT_HISTORY.empty(), source, ARRIVAL)
    shown = ["product_id", "category", "price", "valid_from"]
    assert history.select(shown).rows() == [
        ("a", "lamps", 10.0, BEGINNING),
        ("a", "lamps", 12.0, datetime(2024, 5, 1, tzinfo=UTC)),
        ("a", "tables", 12.0, datetime(2024, 5, 5, 22, tzinfo=UTC)),
        ("a", "tables", 99.0, datetime(2024, 7, 1, tzinfo=UTC)),
        ("b", "chairs", 5.0, datetime(2024, 5, 3, 12, tzinfo=UTC)),
    ]
    assert as_known_at(history, date(2024, 5, 1)).height == 1
    today = source.products()
    assert today.schema == PRODUCTS.polars_schema
    assert today.select("product_id", "category", "price").rows() == [
        ("a", "tables", 12.0),  # the price of July is a plan
        ("b", "chairs", 5.0),
    ]


def test_dated_rows_of_one_instant_are_settled_like_undated_ones(tmp_path):
    items = "sku,group,price,since\na,x,1,2024-05-01\na,x,2,2024-05-01\na,x,2,2024-05-02\n"
    source = source_of(tmp_path, items)
    history = product_history(PRODUCT_HISTORY.empty(), source, ARRIVAL)
    assert history["price"].to_list() == [2.0]
    assert any("items.csv row 1" in note for note in source.notes)


def test_dates_are_read_as_the_section_says(tmp_path):
    berlin = MAPPING + '[products.time]\nzone = "Europe/Berlin"\nformat = "%d.%m.%Y"\n'
    source = source_of(tmp_path, "sku,group,price,since\na,x,1,03.05.2024\n", mapping=berlin)
    dated = source.dated_products()
    assert dated["valid_from"].to_list() == [datetime(2024, 5, 2, 22, tzinfo=UTC)]


def test_a_date_that_cannot_be_read_is_named(tmp_path):
    source = source_of(tmp_path, "sku,group,price,since\na,x,1,soon\n")
    with pytest.raises(UserError, match=r"items\.csv row 1: valid_from is 'soon', which is no"):
        source.products()


def test_people_may_be_dated_too(tmp_path):
    mapping = MAPPING + 'valid_from = "since"\n'
    people = "id,land,since\nann,DE,\nann,NL,2024-05-02\n"
    source = source_of(tmp_path, ITEMS, people, mapping)
    history = user_history(USER_HISTORY.empty(), source, ARRIVAL)
    assert history["country"].to_list() == ["DE", "NL"]
    assert source.users().rows() == [("ann", "NL", None)]


def test_events_have_no_validity(tmp_path):
    with pytest.raises(UserError, match="unknown key 'valid_from'"):
        source_of(tmp_path, ITEMS, mapping=MAPPING.replace('timestamp = "time"',
                  'timestamp = "time"\nvalid_from = "time"'))  # fmt: skip


ALWAYS = ["0001-01-01", "0000-00-00", "0001-01-01T00:00:00Z", "01.01.0001", "00000000"]
NEVER = ["9999-12-31", "9999-12-31 23:59:59", "31.12.9999", "99991231"]


@pytest.mark.parametrize("always", ALWAYS)
def test_a_date_before_all_dates_means_from_the_beginning(tmp_path, always):
    items = f"sku,group,price,since\na,Shoes,1,{always}\na,Shoes,2,2024-05-01\n"
    history = product_history(PRODUCT_HISTORY.empty(), source_of(tmp_path, items), ARRIVAL)
    began = [BEGINNING, datetime(2024, 5, 1, tzinfo=UTC)]
    assert history.select("valid_from", "price").rows() == list(zip(began, [1.0, 2.0], strict=True))


@pytest.mark.parametrize("never", NEVER)
def test_a_date_after_all_dates_is_a_plan_that_never_comes(tmp_path, never):
    items = f"sku,group,price,since\na,Shoes,1,2024-05-01\na,Shoes,2,{never}\n"
    source = source_of(tmp_path, items)
    assert source.products()["price"].to_list() == [1.0]
    history = product_history(PRODUCT_HISTORY.empty(), source, ARRIVAL)
    for at in (ARRIVAL, datetime(2100, 1, 1, tzinfo=UTC)):
        assert as_known_at(history, at)["price"].to_list() == [1.0]


@pytest.mark.parametrize("unknown", [*ALWAYS, *NEVER])
def test_somebody_who_signed_up_before_or_after_all_dates_has_no_such_date(tmp_path, unknown):
    people = f"id,land,joined\nann,DE,{unknown}\nbob,DE,2024-05-01\n"
    mapping = MAPPING + 'signup_date = "joined"\n'
    items = "sku,group,price,since\na,Shoes,1,\n"
    users = source_of(tmp_path, items, people, mapping).users()
    assert users["signup_date"].to_list() == [None, date(2024, 5, 1)]
