"""Whatever the rules and the ranking: hidden products nowhere, pins in place, caps kept, k long."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.merchandising.rules import Holding, Rules, arranged
from persona_assets.tables.raw import MERCHANDISING_RULES

PRODUCTS = [f"p{number}" for number in range(12)]
CATEGORY = {product: "abc"[number % 4] if number % 4 < 3 else None
            for number, product in enumerate(PRODUCTS)}  # fmt: skip
products = st.sampled_from(PRODUCTS)


@given(
    ranking=st.lists(products, unique=True),
    k=st.integers(1, 12),
    hidden=st.frozensets(products, max_size=5),
    left_out=st.frozensets(products, max_size=3),
    pinned=st.dictionaries(
        st.integers(1, 6), st.lists(products, min_size=1, max_size=2).map(tuple), max_size=4
    ),
    cap=st.integers(0, 3),
)
def test_a_list_keeps_every_rule_and_is_as_long_as_it_can_be(
    ranking: list[str],
    k: int,
    hidden: frozenset[str],
    left_out: frozenset[str],
    pinned: dict[int, tuple[str, ...]],
    cap: int,
) -> None:
    found = arranged(
        ranking, k, Holding(hidden, pinned), category_of=CATEGORY.get, cap=cap, left_out=left_out
    )
    assert len(found) == len(set(found)) <= k
    assert not set(found) & (hidden | left_out)
    of = {name: sum(CATEGORY[each] == name for each in found) for name in "abc"}
    assert not cap or max(of.values()) <= cap

    # A product that may be shown, and is not, is kept out by a full category or by a full list.
    for product in ranking:
        if product not in found and product not in hidden | left_out and len(found) < k:
            assert cap
            assert of[str(CATEGORY[product])] == cap

    # Whoever is pinned stands at the place, unless nobody was there to stand before it.
    placed = set()
    for place, wanted in sorted(pinned.items()):
        free = [each for each in wanted if each not in hidden | left_out | placed]
        if place <= k and free and not cap:
            placed.add(free[0])
            assert found[place - 1] == free[0] if len(found) >= k else free[0] in found

    # The rest is in the order of the ranking.
    others = [each for each in found if not any(each in wanted for wanted in pinned.values())]
    assert others == sorted(others, key=ranking.index)


def rules(*rows: dict[str, Any]) -> Rules:
    empty = dict.fromkeys(MERCHANDISING_RULES.polars_schema)
    frame = pl.DataFrame(
        [empty | {"rule_id": f"r{number}"} | row for number, row in enumerate(rows)],
        schema=MERCHANDISING_RULES.polars_schema,
    )
    return Rules.of(frame, CATEGORY)


def at(day: int) -> float:
    return datetime(2026, 1, day, tzinfo=UTC).timestamp()


def test_a_rule_holds_from_its_beginning_until_before_its_end() -> None:
    found = rules(
        {
            "action": "block", "product_id": "p1",
            "valid_from": datetime(2026, 1, 2, tzinfo=UTC),
            "valid_to": datetime(2026, 1, 4, tzinfo=UTC),
        }
    )  # fmt: skip
    assert [bool(found.at(at(day)).hidden) for day in (1, 2, 3, 4)] == [False, True, True, False]


def test_a_rule_about_a_category_hides_its_products_of_now() -> None:
    found = rules({"action": "unavailable", "category": "a"}).at(at(1))
    assert found.hidden == {"p0", "p4", "p8"}


@pytest.mark.parametrize(
    ("context", "placement", "hidden"),
    [
        ("home", "top", {"p1", "p2"}),
        ("home", None, {"p2"}),
        ("home", "another", {"p2"}),
        ("cart", "top", {"p1"}),
        (None, None, set()),
    ],
)
def test_a_rule_holds_for_its_page_and_placement_alone(
    context: str | None, placement: str | None, hidden: set[str]
) -> None:
    found = rules(
        {"action": "exclude", "product_id": "p1", "placement": "top"},
        {"action": "exclude", "product_id": "p2", "context": "home"},
    )
    assert found.at(at(1), context, placement).hidden == hidden


def test_beside_a_product_only_pins_of_the_placement_count() -> None:
    found = rules(
        {"action": "pin", "product_id": "p1", "position": 1},
        {"action": "pin", "product_id": "p2", "position": 2, "placement": "beside"},
    )
    assert found.at(at(1), "home").pinned == {1: ("p1",)}
    assert found.at(at(1), "product", "beside", only_placed_pins=True).pinned == {2: ("p2",)}


def test_placements_that_no_rule_names_are_not_remembered() -> None:
    found = rules({"action": "exclude", "product_id": "p1", "placement": "top"})
    for number in range(100):
        found.at(at(1), "home", f"placement {number}")
    assert len(found._known) == 1
