"""What the documents say of mappings is so."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from persona_assets.sources.inspection import inspect_files
from persona_assets.sources.mapping import ADDED_BY_US, REQUIRED, SETTINGS, TABLES, parsed
from persona_assets.sources.mapping_document import merged, read_document
from persona_assets.sources.presets import PRESETS
from persona_assets.sources.validation import check_files

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
TODAY = date(2024, 12, 1)
ACTIONS = ("view", "view", "view", "view", "view", "view", "cart", "view", "buy", "quickview")


@pytest.fixture
def readme_shop(tmp_path):
    """Two files of the kind that the README's draft is about."""
    folder = tmp_path / "exports"
    folder.mkdir()
    for month in (1, 2):
        rows = "".join(
            f"v{n % 83},{n % 41:05},{ACTIONS[n % 10]},{1 + n % 28:02}.{month:02}.2024 "
            f"{n % 24:02}:{n % 60:02}\n"
            for n in range(500)
        )
        (folder / f"events{month}.csv").write_text("visitor,sku,action,time\n" + rows)
    return folder


def test_readme_shows_the_draft_that_is_written(readme_shop, tmp_path):
    found = inspect_files(readme_shop, today=TODAY)
    shown = re.search(r"## Your own shop.*?```toml\n(.*?)```", README, re.S)[1]
    assert found.draft.toml.split("\n\n", 1)[1] == shown
    mapping = tmp_path / "shop.toml"
    answered = shown.replace("# consent = true", "consent = true")
    mapping.write_text(answered.replace("# quickview", "quickview"))
    result = check_files(readme_shop, mapping, today=TODAY)
    assert result.events["view"] > 0
    assert result.rejected["unused_event_type"].rows == 100


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_is_documented(key):
    assert re.search(rf"\b{key}\b", DOCUMENT)


@pytest.mark.parametrize("section", REQUIRED)
def test_every_column_is_documented_and_every_required_one_is_bold(section):
    row = next(line for line in DOCUMENT.splitlines() if line.startswith(f"| `[{section}]`"))
    ours = {c.name for c in TABLES[section].columns} - ADDED_BY_US
    named = {*re.findall(r"`([a-z_]+)`", row)}
    assert ours <= named
    assert {*re.findall(r"\*\*`([a-z_]+)`\*\*", row)} == {*REQUIRED[section]}


def test_every_preset_is_documented():
    rows = re.findall(r"^\| `([a-z0-9_]+)` \|", DOCUMENT, re.M)
    assert {*PRESETS} <= {*rows}


def _blocks():
    return re.findall(r"```toml\n(.*?)```", DOCUMENT, re.S)


@pytest.mark.parametrize("number", range(len(_blocks())))
def test_every_example_is_understood(number, tmp_path):
    """Each is put into a whole mapping; lines that are alternatives of one key go in one by one."""
    block = _blocks()[number]
    whole = block.startswith(("[", "extends"))
    lines = [line for line in block.splitlines() if " = " in line]
    texts = [block] if whole else [f"[events]\n{line}" for line in lines]
    for text in texts:
        for one in _without_alternatives(text):
            mapping = tmp_path / "one.toml"
            mapping.write_text(one)
            document = merged(_WHOLE, read_document(mapping))
            for ours in document["events"].get("constants", {}):
                document["events"].pop(ours, None)
            parsed(document, Path("document"))


_WHOLE = {
    "events": {
        "file": "x", "user_id": "a", "product_id": "b", "event_type": "c", "timestamp": "d",
        "order_id": "e", "quantity": "f", "constants": {"consent": True},
    },
}  # fmt: skip


def _without_alternatives(text):
    """A unit excludes a zone and a format, which an example shows beside it."""
    if "unit = " not in text or "zone = " not in text:
        return [text]
    lines = text.splitlines()
    unit = [line for line in lines if line.startswith("unit = ")]
    return ["\n".join(line for line in lines if line not in unit), "\n".join([lines[0], *unit])]


def test_readme_links_to_the_document():
    assert "docs/mapping.md" in README
    assert tomllib.loads(_blocks()[0])["events"]["time"]["zone"]
