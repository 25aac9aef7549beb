import pytest

from persona_assets.errors import DataError
from persona_assets.recommenders.positive import positive_rows


def test_returns_are_left_out(mart):
    rows = mart(("a", "x", "view", 1, 1), ("a", "y", "return", 0, 1))

    assert positive_rows(rows)["product_id"].to_list() == ["x"]


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), float("-inf")])
def test_a_weight_that_is_no_finite_number_is_named_with_its_product(mart, weight):
    rows = mart(("a", "x", "view", 1, 1), ("a", "y", "view", weight, 1))

    with pytest.raises(DataError, match=r"column weight: .* of product 'y' .*\(1 such row"):
        positive_rows(rows)
