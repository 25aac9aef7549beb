import polars as pl

from persona_assets.evaluation.cold_start import cold_start
from persona_assets.tables.evaluation import COLD_START


def test_golden_case(mart, cutoff):
    shop = mart(
        ("ann", "a", -3),
        ("cid", "b", -1, "view", 2),  # happened before the cut-off, known only after it
        ("ann", "a", 1),
        ("ann", "b", 1),
        ("ann", "b", 2, "return"),  # no interaction
        ("bob", "a", 3),
        ("cid", "c", 3),
        ("cid", "c", 4),
        ("ann", "z", 8),  # after the week
        ("ann", "y", 5, "view", 9),  # arrived after it
    )
    table = cold_start(shop, cutoff=cutoff)
    assert table.schema == COLD_START.polars_schema
    assert table.row(0, named=True) == {
        "cutoff": cutoff,
        "touches": 5,
        "touches_by_cold_users": 3,  # bob's and cid's
        "touches_of_cold_products": 3,  # b and twice c
        "users": 3,
        "cold_users": 2,
        "products": 3,
        "cold_products": 2,
        "cold_user_share": 3 / 5,
        "cold_product_share": 3 / 5,
    }
    again = cold_start(shop.sample(fraction=1, shuffle=True, seed=1), cutoff=cutoff)
    assert again.equals(table)


def test_a_quiet_week_has_no_shares(mart, cutoff):
    table = cold_start(mart(("ann", "a", -3)), cutoff=cutoff)
    assert table.select("touches", "users", "cold_products").row(0) == (0, 0, 0)
    assert table.select("cold_user_share", "cold_product_share").row(0) == (None, None)
    assert isinstance(table, pl.DataFrame)
