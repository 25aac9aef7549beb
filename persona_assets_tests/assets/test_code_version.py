"""An asset's code version changes when code behind it changes, and only then.

Each case edits one file of a copy of the package and compares the versions of all assets.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "persona_assets"
PRINT_VERSIONS = """
import json
{first}
from persona_assets.definitions import ASSETS
versions = {{}}
for asset in ASSETS:
    for key, version in asset.code_versions_by_key.items():
        versions["/".join(key.path)] = version
print(json.dumps(versions))
"""

Versions = dict[str, str]


def versions(root: Path, first: str = "") -> Versions:
    """Code versions in a fresh process that imports the package below `root`."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_VERSIONS.format(first=first)],
        env=os.environ | {"PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("code")
    shutil.copytree(PACKAGE, root / "persona_assets", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture(scope="module")
def before(copy: Path) -> Versions:
    return versions(copy)


@pytest.fixture
def changed(copy: Path, before: Versions) -> Callable[[str, str, str], set[str]]:
    """changed(file, old, new) → the assets whose version moves with that edit."""

    def edit(name: str, old: str, new: str) -> set[str]:
        path = copy / "persona_assets" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        try:
            after = versions(copy)
        finally:
            path.write_text(text)
        return {asset for asset, version in after.items() if version != before[asset]}

    return edit


Changed = Callable[[str, str, str], set[str]]
RAW = {"raw/users", "raw/products", "raw/events", "raw/orders", "raw/search_logs"}


def test_module_that_is_imported_inside_a_function_counts(changed: Changed) -> None:
    """Sources are imported when they are opened; their code is behind every raw table."""
    moved = changed("sources/synthetic/behaviour.py", '"""', '"""Changed. ')
    assert moved >= RAW
    assert not {path for path in moved if path.startswith(("mart/", "features/", "models/"))}


def test_constant_of_another_module_counts(changed: Changed) -> None:
    moved = changed("tables/feature_store.py", "WINDOWS = (1, 7, 30)", "WINDOWS = (1, 7, 28)")
    assert {"feature_store/user_features", "feature_store/item_features"} <= moved
    assert "mart/sessions" not in moved


def test_constant_beside_the_asset_counts_for_that_asset_alone(changed: Changed) -> None:
    moved = changed("assets/experiments.py", '"candidate": "bpr"', '"candidate": "als"')
    assert moved == {"experiments/ab_test_simulation"}


def test_model_counts_for_itself_and_for_what_uses_all_models(changed: Changed) -> None:
    moved = changed("recommenders/als.py", "factors: int = 64", "factors: int = 32")
    assert "models/als_model" in moved
    assert "recommendations/top_k" in moved
    assert not moved & {"models/bpr_model", "models/popularity_model", "raw/events"}


def test_checks_and_schedules_change_no_version(changed: Changed) -> None:
    assert changed("checks/freshness.py", "days=4", "days=5") == set()


def test_what_was_imported_before_does_not_matter(copy: Path, before: Versions) -> None:
    others = ("sources.synthetic", "sources.online_retail", "report.html", "monitoring.drift")
    first = "\n".join(f"import persona_assets.{name}" for name in others)
    assert versions(copy, first) == before
