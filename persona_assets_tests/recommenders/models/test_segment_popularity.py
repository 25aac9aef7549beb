from datetime import date

import polars as pl
import pytest

from persona_assets.errors import DataError, InsufficientDataError
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.segment_popularity import (
    CustomerSegmentPopularity,
    CustomerSegmentPopularityConfig,
    SegmentPopularity,
    SegmentPopularityConfig,
)
from persona_assets.recommenders.protocol import NO_SIDE_INFORMATION, SideInformation

CUTOFF = date(2024, 3, 4)
SIDE_INFORMATION = SideInformation(
    users=pl.DataFrame(
        {"user_id": ["a", "b", "c", "d", "late"], "country": ["UK", "UK", "FR", None, "FR"]}
    )
)


@pytest.fixture
def rows(mart):
    # UK: x 3, y 1; FR: y 4; unknown country: z 2.
    return mart(
        ("a", "x", "add_to_cart", 3, 14e-9),
        ("b", "y", "view", 1, 14e-9),
        ("c", "y", "add_to_cart", 4, 14e-9),
        ("d", "z", "purchase", 2, 14e-9),
    )


def scores(model, rows, user: str) -> dict:
    lists = model.recommend(
        model.fit(Interactions.known_at(CUTOFF, rows), side_information=SIDE_INFORMATION),
        [user],
        k=3,
    )
    return dict(lists.select("product_id", "score").iter_rows())


def test_shares_of_the_segment_are_shrunk_to_those_of_all(rows):
    model = SegmentPopularity(SegmentPopularityConfig(shrinkage=6.0))

    # Overall x .3, y .5, z .2 of 10.
    assert scores(model, rows, "a") == pytest.approx(
        {"x": (3 + 6 * 0.3) / 10, "y": (1 + 6 * 0.5) / 10, "z": 6 * 0.2 / 10}
    )
    assert scores(model, rows, "c") == pytest.approx(
        {"x": 6 * 0.3 / 10, "y": (4 + 6 * 0.5) / 10, "z": 6 * 0.2 / 10}
    )


@pytest.mark.parametrize("user", ["d", "stranger", "*"])
def test_without_a_known_segment_the_popularity_of_all_counts(rows, user):
    assert scores(SegmentPopularity(), rows, user) == pytest.approx({"x": 0.3, "y": 0.5, "z": 0.2})


def test_somebody_without_rows_gets_the_list_of_the_own_segment(rows):
    assert scores(SegmentPopularity(), rows, "late") == scores(SegmentPopularity(), rows, "c")


def test_without_shrinkage_others_only_break_ties(rows):
    model = SegmentPopularity(SegmentPopularityConfig(shrinkage=0.0))

    found = scores(model, rows, "c")

    assert list(found) == ["y", "x", "z"]
    assert found["y"] == pytest.approx(1)
    assert 0 < found["z"] < found["x"] < 1e-6


def test_a_list_depends_on_the_shared_rows_and_the_users_own(rows):
    model = SegmentPopularity()
    artefact = model.fit(Interactions.known_at(CUTOFF, rows), side_information=SIDE_INFORMATION)
    own = artefact.filter((pl.col("entity") == "product") | (pl.col("id") == "c"))

    assert model.recommend(own, ["c"], k=3).equals(model.recommend(artefact, ["c"], k=3))


def test_without_the_column_of_the_segment_it_is_named(rows):
    with pytest.raises(DataError, match="needs column 'country'") as raised:
        lacking = SideInformation(users=SIDE_INFORMATION.users.drop("country"))
        SegmentPopularity().fit(Interactions.known_at(CUTOFF, rows), side_information=lacking)
    assert not isinstance(raised.value, InsufficientDataError)


@pytest.mark.parametrize(
    "side_information",
    [
        NO_SIDE_INFORMATION,
        SideInformation(users=SIDE_INFORMATION.users.with_columns(country=pl.lit(None, pl.String))),
    ],
)
def test_where_nobodys_segment_is_known_there_is_nothing_to_learn(rows, side_information):
    with pytest.raises(InsufficientDataError, match="nobody's country"):
        SegmentPopularity().fit(
            Interactions.known_at(CUTOFF, rows), side_information=side_information
        )


SEGMENTED = SideInformation(
    users=pl.DataFrame({"user_id": ["a", "d", "c"], "customer_segment": ["Loyal", "Loyal", "Lost"]})
)


def test_customers_get_what_their_segment_interacts_with(rows):
    model = CustomerSegmentPopularity(CustomerSegmentPopularityConfig(shrinkage=6.0))
    artefact = model.fit(Interactions.known_at(CUTOFF, rows), side_information=SEGMENTED)
    lists = model.recommend(artefact, ["a", "stranger"], k=3)

    # Loyal: x 3, z 2; overall x .3, y .5, z .2 of 10.
    of_user = {
        user: dict(mine.select("product_id", "score").iter_rows())
        for (user,), mine in lists.partition_by("user_id", as_dict=True).items()
    }
    assert of_user["a"] == pytest.approx(
        {"x": (3 + 6 * 0.3) / 11, "y": 6 * 0.5 / 11, "z": (2 + 6 * 0.2) / 11}
    )
    assert of_user["stranger"] == pytest.approx({"x": 0.3, "y": 0.5, "z": 0.2})
    assert artefact.schema == model.artefact.polars_schema


def test_where_nobody_is_a_customer_there_is_nothing_to_learn(rows):
    nobody = SideInformation(users=SEGMENTED.users.clear())
    with pytest.raises(InsufficientDataError, match="nobody's customer segment is known"):
        CustomerSegmentPopularity().fit(
            Interactions.known_at(CUTOFF, rows), side_information=nobody
        )


def test_without_segments_the_table_to_materialize_is_named(rows):
    with pytest.raises(
        DataError,
        match=r"customer_segment_popularity needs column 'customer_segment'.*"
        r"segmentation/customer_segments",
    ):
        CustomerSegmentPopularity().fit(
            Interactions.known_at(CUTOFF, rows), side_information=SIDE_INFORMATION
        )
