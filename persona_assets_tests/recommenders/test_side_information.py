from datetime import UTC, date, datetime, timedelta

import polars as pl

from persona_assets.recommenders import MODELS
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.side_information import attribute_histories, with_segments
from persona_assets.tables.raw import BEGINNING, PRODUCT_HISTORY, USER_HISTORY
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS
from persona_assets.transforms.pseudonyms import pseudonym

KEY = b"k" * 16


CUTOFF = date(2025, 3, 10)
NOTHING = {"valid_from": BEGINNING}


def rows(table, *rows):
    return pl.DataFrame(
        [dict.fromkeys(table.polars_schema) | NOTHING | row for row in rows],
        schema=table.polars_schema,
    )


def side_information(*tables, key):
    return attribute_histories(*tables, key=key).known_at(CUTOFF)


def test_people_are_known_by_the_names_of_the_mart_only():
    users = rows(
        USER_HISTORY, {"user_id": "ann", "country": "FR"}, {"user_id": "bob", "country": "DE"}
    )
    found = side_information(users, rows(PRODUCT_HISTORY, {"product_id": "p"}), key=KEY)
    assert dict(found.users.select("user_id", "country").rows()) == {
        pseudonym("ann", KEY): "FR",
        pseudonym("bob", KEY): "DE",
    }
    assert found.products["product_id"].to_list() == ["p"]


def test_the_order_of_rows_does_not_matter():
    users = rows(USER_HISTORY, *({"user_id": name} for name in "cab"))
    products = rows(PRODUCT_HISTORY, *({"product_id": name} for name in "zyx"))
    one = side_information(users, products, key=KEY)
    other = side_information(users.reverse(), products.reverse(), key=KEY)
    assert one.users.equals(other.users)
    assert one.products.equals(other.products)


def test_of_empty_tables_nothing_is_known():
    found = side_information(USER_HISTORY.empty(), PRODUCT_HISTORY.empty(), key=KEY)
    assert (found.users, found.products) == (None, None)


def test_what_is_not_asked_for_is_not_known():
    users = rows(USER_HISTORY, {"user_id": "ann", "country": "FR"})
    assert side_information(users, key=KEY).products is None
    assert side_information(key=KEY).users is None


def test_known_is_the_state_before_the_cutoff():
    change = datetime(2025, 3, 10, tzinfo=UTC)
    users = rows(
        USER_HISTORY,
        {"user_id": "ann", "country": "FR", "valid_to": change},
        {"user_id": "ann", "country": "DE", "valid_from": change},
        {"user_id": "new", "country": "DE", "valid_from": change},
    )
    products = rows(
        PRODUCT_HISTORY,
        {"product_id": "p", "price": 1.0, "valid_to": change},
        {"product_id": "p", "price": 2.0, "valid_from": change},
    )
    known = attribute_histories(users, products, key=KEY)
    then, later = known.known_at(CUTOFF), known.known_at(date(2025, 3, 11))
    assert then.users.select("user_id", "country").rows() == [(pseudonym("ann", KEY), "FR")]
    assert then.products["price"].to_list() == [1.0]
    assert later.users["country"].to_list() == ["DE", "DE"]
    assert later.products["price"].to_list() == [2.0]


def test_models_of_a_cutoff_do_not_move_with_later_attributes_and_those_of_a_later_one_do():
    change = datetime(2025, 3, 10, tzinfo=UTC)
    interacted = [("ann", "p"), ("ann", "q"), ("bob", "p"), ("bob", "r"), ("cyd", "q")]
    interactions = pl.DataFrame(
        [
            {
                "user_id": pseudonym(user, KEY),
                "product_id": product,
                "event_type": "view",
                "event_ts": change - timedelta(hours=number + 1),
                "arrived_at": change - timedelta(hours=number + 1),
                "weight": 1.0,
            }
            for number, (user, product) in enumerate(interacted)
        ]
    )
    described = {"kind": "product", "price": 1.0, "category": "x", "brand": "b", "name": "One"}
    other = {"kind": "product", "price": 9.0, "category": "y", "brand": "c", "name": "Other"}
    first = [
        rows(USER_HISTORY, *({"user_id": user, "country": "FR"} for user in ("ann", "bob"))),
        rows(PRODUCT_HISTORY, *({"product_id": name} | described for name in "pqr")),
    ]
    ended = [each.with_columns(valid_to=change) for each in first]
    begun = {"valid_from": change}
    second = [
        rows(
            USER_HISTORY, *({"user_id": user, "country": "DE"} | begun for user in ("ann", "cyd"))
        ),
        rows(PRODUCT_HISTORY, *({"product_id": name} | other | begun for name in "pr")),
    ]
    before = attribute_histories(*first, key=KEY)
    after = attribute_histories(*map(pl.concat, zip(ended, second, strict=True)), key=KEY)
    for model in (MODELS["content"], MODELS["segment_popularity"]):
        learned = {
            (name, cutoff): model.fit(
                Interactions.known_at(cutoff, interactions), side_information=known.known_at(cutoff)
            )
            for name, known in (("before", before), ("after", after))
            for cutoff in (CUTOFF, CUTOFF + timedelta(days=7))
        }
        assert learned["after", CUTOFF].equals(learned["before", CUTOFF]), model.name
        later = CUTOFF + timedelta(days=7)
        assert not learned["after", later].equals(learned["before", later]), model.name


def test_segments_are_an_attribute_of_people_beside_the_others():
    ann, bob = pseudonym("ann", KEY), pseudonym("bob", KEY)
    segments = pl.DataFrame(
        {"user_id": [bob, ann], "name": ["Lost", "Champions"]},
        schema_overrides=CUSTOMER_SEGMENTS.polars_schema,
    )
    alone = with_segments(side_information(key=KEY), segments).users
    assert dict(alone.rows()) == {ann: "Champions", bob: "Lost"}
    users = rows(
        USER_HISTORY, {"user_id": "ann", "country": "FR"}, {"user_id": "cid", "country": "DE"}
    )
    beside = with_segments(side_information(users, key=KEY), segments).users
    told = beside.select("user_id", "country", "customer_segment").rows()
    assert {user: attributes for user, *attributes in told} == {
        ann: ["FR", "Champions"],
        bob: [None, "Lost"],
        pseudonym("cid", KEY): ["DE", None],
    }
    nobody = with_segments(side_information(key=KEY), segments.clear()).users
    assert nobody.columns == ["user_id", "customer_segment"]
