"""The graph loads, whole and cheaply, and takes parts of others."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from persona_assets.definitions import ASSETS, build_defs, defs
from persona_assets.orchestration.resources.build import resources_of

HEAVY = {
    "dagster_pyspark", "evidently", "gensim", "implicit", "matplotlib", "pandas", "pyspark",
    "lightgbm", "mlflow", "numba", "optuna", "scipy", "sklearn",
}  # fmt: skip
"""Libraries that take from half a second to eight to import, so only those who use them do."""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """Top-level modules in a fresh process after importing the definitions."""
    # Over plain Dagster: what that imports is not ours to lighten.
    code = (
        "import sys, dagster; before = set(sys.modules); import persona_assets.definitions; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_definitions_validate() -> None:
    dg.Definitions.validate_loadable(defs)


def test_importing_the_definitions_imports_no_heavy_library(imported: set[str]) -> None:
    assert "persona_assets" in imported
    assert imported & HEAVY == set()


def test_resources_can_be_replaced_one_by_one() -> None:
    class Shop:
        pass

    mine = Shop()
    replaced = resources_of(build_defs(resources={"shop": mine}))
    assert replaced["shop"] is mine
    assert set(replaced) == {"lake", "shop", "online_store"}


def test_every_asset_of_the_groups_is_loaded_once() -> None:
    keys = [key for asset in ASSETS for key in asset.keys]
    assert len(keys) == len(set(keys))
    assert set(keys) == set(defs.resolve_asset_graph().materializable_asset_keys)
