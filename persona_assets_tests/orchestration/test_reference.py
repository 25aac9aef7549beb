from pathlib import Path

from persona_assets.definitions import ASSETS
from persona_assets.orchestration.reference import with_asset_table

PAGE = Path(__file__).parents[2] / "docs" / "assets.md"


def test_the_page_has_the_assets_that_the_graph_has():
    text = PAGE.read_text(encoding="utf-8")
    assert with_asset_table(text) == text, "run `make reference` and commit it"
    for asset in ASSETS:
        for key in asset.keys:
            assert f"| `{key.to_user_string()}` |" in text
