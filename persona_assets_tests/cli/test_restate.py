"""A mistaken catalogue can be taken back; without that, past cut-offs keep what they knew."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from persona_assets import settings
from persona_assets.cli.restate import restate
from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore
from persona_assets.sources.attribute_deliveries import after_delivery
from persona_assets.tables.raw import (
    BEGINNING,
    PRODUCT_HISTORY,
    PRODUCTS,
    USER_HISTORY,
    USERS,
)

MONDAY, TUESDAY = datetime(2025, 3, 3, tzinfo=UTC), datetime(2025, 3, 4, tzinfo=UTC)


def catalogue(category: str) -> pl.DataFrame:
    rows = [{"product_id": "p", "category": category, "kind": "product"}]
    return pl.DataFrame(rows, schema=PRODUCTS.polars_schema)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeltaStore:
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))
    store = DeltaStore(settings.load().lake_root)
    people = pl.DataFrame([{"user_id": "ann"}], schema=USERS.polars_schema)
    products = after_delivery(PRODUCT_HISTORY.empty(), catalogue("mistaken"), MONDAY)
    store.overwrite(PRODUCT_HISTORY, products)
    store.overwrite(USER_HISTORY, after_delivery(USER_HISTORY.empty(), people, MONDAY))
    return store


def test_the_next_delivery_counts_as_known_from_the_beginning(store: DeltaStore) -> None:
    known = store.read(PRODUCT_HISTORY)
    corrected = after_delivery(known, catalogue("right"), TUESDAY)
    assert corrected["valid_from"].to_list() == [BEGINNING, TUESDAY]
    result = CliRunner().invoke(restate, ["products"], catch_exceptions=False)
    assert result.exit_code == 0
    restated = after_delivery(store.read(PRODUCT_HISTORY), catalogue("right"), TUESDAY)
    assert restated.select("category", "valid_from").rows() == [("right", BEGINNING)]
    assert store.read(USER_HISTORY).height == 1


def test_without_a_home_there_is_nothing_to_restate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "none"))
    with pytest.raises(UserError, match="there is no home at"):
        CliRunner().invoke(restate, ["users"], catch_exceptions=False)


def test_only_people_and_products_have_a_history(store: DeltaStore) -> None:
    result = CliRunner().invoke(restate, ["events"])
    assert result.exit_code == 2
    assert "'events' is not one of 'users', 'products'" in result.output
