"""A home that another version of the package wrote is refused with what to do, and that works."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets.lake import DeltaStore
from persona_assets.tables import TABLES
from persona_assets_tests.cli.conftest import contents

SHOP = (
    "run", "--source", "synthetic", "--start", "2025-01-01", "--end", "2025-01-29",
    "--users", "150", "--products", "80", "--seed", "7",
)  # fmt: skip


@pytest.fixture
def home(whole: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole.settings.home, tmp_path / "home"))


def rewrite(home: Path, path: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """The table as a version would have written it that knew another schema."""
    folder = home / "lake" / path
    rows = change(pl.read_delta(str(folder)))
    shutil.rmtree(folder)
    partition = TABLES[path].partition
    rows.write_delta(
        str(folder), delta_write_options={"partition_by": [partition]} if partition else {}
    )


def without(*columns: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.drop(columns)


def as_text(column: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(pl.col(column).cast(pl.String))


def test_tables_of_an_earlier_version_are_named_together_and_made_again_once_moved_aside(
    home: Path, whole: Any, refusal: Callable[..., str], start_persona: Callable[..., Any]
) -> None:
    earlier = {
        "mart/sessions": without("duration_s"),
        "feature_store/user_features": as_text("views_7d"),
        "models/popularity_model": lambda rows: rows.with_columns(mood=pl.lit("good")),
        "recommendations/top_k": without("rank"),
    }
    for path, change in earlier.items():
        rewrite(home, path, change)
    before = contents(home)
    message = refusal(home, *SHOP)
    assert contents(home) == before
    assert "4 tables of the lake" in message
    assert "mart/sessions (duration_s: stored nothing, contract" in message
    assert "views_7d: stored string, contract" in message
    assert "mood: stored string, contract nothing" in message
    for path in earlier:
        assert path in message
        shutil.move(home / "lake" / path, home.parent / path.replace("/", " "))
    process = start_persona(home, *SHOP)
    _, errors = process.communicate(timeout=1_200)
    assert process.returncode == 0, errors
    store = DeltaStore(str(home / "lake"))
    for path in earlier:
        assert store.digests(TABLES[path]) == whole.store.digests(TABLES[path]), path


def test_what_only_the_lake_knows_is_said_to_begin_anew(
    home: Path, refusal: Callable[..., str]
) -> None:
    rewrite(home, "raw/product_history", without("price"))
    rewrite(home, "mart/sessions", without("duration_s"))
    message = refusal(home, *SHOP)
    assert "(raw/product_history: what only the lake knows begins anew)" in message
