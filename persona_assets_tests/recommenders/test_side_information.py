import polars as pl

from persona_assets.recommenders.side_information import side_information, with_segments
from persona_assets.tables.raw import PRODUCTS, USERS
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS
from persona_assets.transforms.pseudonyms import pseudonym

KEY = b"k" * 16


def rows(table, *rows):
    return pl.DataFrame(
        [{**dict.fromkeys(table.polars_schema), **row} for row in rows], schema=table.polars_schema
    )


def test_people_are_known_by_the_names_of_the_mart_only():
    users = rows(USERS, {"user_id": "ann", "country": "FR"}, {"user_id": "bob", "country": "DE"})
    found = side_information(users, rows(PRODUCTS, {"product_id": "p"}), key=KEY)
    assert dict(found.users.select("user_id", "country").rows()) == {
        pseudonym("ann", KEY): "FR",
        pseudonym("bob", KEY): "DE",
    }
    assert found.products["product_id"].to_list() == ["p"]


def test_the_order_of_rows_does_not_matter():
    users = rows(USERS, *({"user_id": name} for name in "cab"))
    products = rows(PRODUCTS, *({"product_id": name} for name in "zyx"))
    one = side_information(users, products, key=KEY)
    other = side_information(users.reverse(), products.reverse(), key=KEY)
    assert one.users.equals(other.users)
    assert one.products.equals(other.products)


def test_of_empty_tables_nothing_is_known():
    found = side_information(USERS.empty(), PRODUCTS.empty(), key=KEY)
    assert (found.users, found.products) == (None, None)


def test_what_is_not_asked_for_is_not_known():
    users = rows(USERS, {"user_id": "ann", "country": "FR"})
    assert side_information(users, key=KEY).products is None
    assert side_information(key=KEY).users is None


def test_segments_are_an_attribute_of_people_beside_the_others():
    ann, bob = pseudonym("ann", KEY), pseudonym("bob", KEY)
    segments = pl.DataFrame(
        {"user_id": [bob, ann], "name": ["Lost", "Champions"]},
        schema_overrides=CUSTOMER_SEGMENTS.polars_schema,
    )
    alone = with_segments(side_information(key=KEY), segments).users
    assert dict(alone.rows()) == {ann: "Champions", bob: "Lost"}
    users = rows(USERS, {"user_id": "ann", "country": "FR"}, {"user_id": "cid", "country": "DE"})
    beside = with_segments(side_information(users, key=KEY), segments).users
    told = beside.select("user_id", "country", "customer_segment").rows()
    assert {user: attributes for user, *attributes in told} == {
        ann: ["FR", "Champions"],
        bob: [None, "Lost"],
        pseudonym("cid", KEY): ["DE", None],
    }
    nobody = with_segments(side_information(key=KEY), segments.clear()).users
    assert nobody.columns == ["user_id", "customer_segment"]
