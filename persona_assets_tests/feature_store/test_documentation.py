"""What docs/feature_store.md shows runs."""

import re
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from persona_assets_tests.feature_store.conftest import at

PAGE = Path(__file__).parents[2] / "docs" / "feature_store.md"


def test_the_example_of_the_documentation_runs_in_a_home(store, tmp_path, monkeypatch):
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, object] = {}
    exec("".join(examples).replace('== "add_to_cart"', '== "view"'), found)
    carts, rows = found["carts"], found["rows"]
    assert isinstance(carts, pl.DataFrame)
    assert isinstance(rows, pl.DataFrame)
    assert_frame_equal(rows.select(carts.columns), carts)
    assert (tmp_path / "feature_store" / "manifests" / "carts.json").is_file()
    on_the_fifth = rows.filter(pl.col("timestamp") == at(5, 8))
    assert on_the_fifth["user_features__views_7d"].to_list() == [4]
    assert on_the_fifth["item_features__views_7d"].to_list() == [104]
    assert on_the_fifth["latest_interaction__event_type"].to_list() == ["view"]
