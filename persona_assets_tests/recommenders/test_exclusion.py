from datetime import date

import pytest

from persona_assets.errors import UserError
from persona_assets.recommenders.exclusion import excluded_pairs

CUTOFF = date(2024, 3, 4)


@pytest.fixture
def rows(mart):
    return mart(
        ("b", "bought", "purchase", 5, 3),
        ("a", "viewed", "view", 1, 9),
        ("a", "bought", "purchase", 5, 3),
        ("a", "bought", "view", 1, 4),
        ("a", "returned", "return", 0, 3),
        ("a", "bought_later", "purchase", 5, -1),
        ("a", "arrived_later", "purchase", 5, 3, -1),
    )


@pytest.mark.parametrize(
    ("exclude", "pairs"),
    [
        ("seen", [("a", "bought"), ("a", "returned"), ("a", "viewed"), ("b", "bought")]),
        ("bought", [("a", "bought"), ("b", "bought")]),
        ("none", []),
    ],
)
def test_each_rule_yields_its_known_pairs_once_and_sorted(rows, exclude, pairs):
    found = excluded_pairs(rows, cutoff=CUTOFF, exclude=exclude)

    assert found.columns == ["user_id", "product_id"]
    assert found.rows() == pairs


def test_an_unknown_rule_is_named_with_the_known_ones(rows):
    with pytest.raises(UserError, match="seen, bought, none; got 'sold'"):
        excluded_pairs(rows, cutoff=CUTOFF, exclude="sold")
