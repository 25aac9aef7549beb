"""The shop as a resource: opened late, and its people's identifiers hidden by the right key."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.settings import PUBLIC_HASH_KEY, Settings, SourceSettings
from persona_assets.tables import raw


class PrivateShop:
    """A shop with real people."""

    identifiers_are_public = False


def test_nothing_is_opened_before_somebody_asks(tmp_path: Path) -> None:
    """The UI loads the graph without the shop's files being at hand."""
    missing = SourceSettings("files", date(2025, 1, 1), None, {"path": "/none", "mapping": "/none"})
    resource = ShopResource(Settings(home=tmp_path, source=missing))
    with pytest.raises(UserError):
        _ = resource.source


def test_public_identifiers_get_the_public_key_everywhere(tmp_path: Path, shop: Any) -> None:
    assert ShopResource(Settings(home=tmp_path), shop).hash_key == PUBLIC_HASH_KEY
    assert not (tmp_path / "hash_key").exists()


def test_private_identifiers_get_a_key_of_the_home_that_only_its_owner_can_read(
    tmp_path: Path,
) -> None:
    shop: Any = PrivateShop()
    key = ShopResource(Settings(home=tmp_path), shop).hash_key
    assert key != PUBLIC_HASH_KEY
    assert ShopResource(Settings(home=tmp_path), shop).hash_key == key
    assert (tmp_path / "hash_key").stat().st_mode & 0o077 == 0
    assert ShopResource(Settings(home=tmp_path / "other"), shop).hash_key != key


def test_key_of_the_settings_wins(tmp_path: Path, shop: Any) -> None:
    settings = replace(Settings(home=tmp_path), hash_key=b"0123456789abcdef")
    assert ShopResource(settings, shop).hash_key == b"0123456789abcdef"


def test_only_a_made_up_shop_has_a_planted_truth(tmp_path: Path, shop: Any) -> None:
    nobody, nothing = raw.USERS.empty(), raw.PRODUCTS.empty()
    private: Any = PrivateShop()
    settings = Settings(home=tmp_path)
    assert ShopResource(settings, private).planted_truth(nobody, nothing) is None
    truth = ShopResource(settings, shop).planted_truth(shop.users(), shop.products())
    assert truth is not None
    assert truth.product_ids == shop.products()["product_id"].sort().to_list()
    assert isinstance(shop.users(), pl.DataFrame)
