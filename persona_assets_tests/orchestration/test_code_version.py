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
        # With compiled files: what is kept of the source must know every edit, too.
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": ""},
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
def changed(copy: Path, before: Versions) -> Callable[..., set[str]]:
    """changed((file, old, new), …) → the assets whose version moves with these edits."""

    def edit(*edits: tuple[str, str, str]) -> set[str]:
        texts = {name: (copy / "persona_assets" / name).read_text() for name, _, _ in edits}
        try:
            for name, old, new in edits:
                path = copy / "persona_assets" / name
                assert old in path.read_text(), (name, old)
                path.write_text(path.read_text().replace(old, new, 1))
            after = versions(copy)
        finally:
            for name, text in texts.items():
                (copy / "persona_assets" / name).write_text(text)
        return {asset for asset, version in after.items() if version != before[asset]}

    return edit


def test_versions_from_kept_source_are_equal_and_a_damaged_file_is_read_anew(
    copy: Path, before: Versions
) -> None:
    [kept] = (copy / "persona_assets" / "orchestration").rglob("source_cache.*.json")
    written = kept.read_bytes()
    assert versions(copy) == before
    assert kept.read_bytes() == written
    for damaged in (written[: len(written) // 2], b'{"state": "of another form", "more": {}}'):
        kept.write_bytes(damaged)
        assert versions(copy) == before
        assert kept.read_bytes() == written


Changed = Callable[..., set[str]]
RAW = {
    "raw/users", "raw/products", "raw/user_history", "raw/product_history",
    "raw/events", "raw/orders", "raw/search_logs",
}  # fmt: skip


def of_groups(versions: Versions, *groups: str) -> set[str]:
    return {path for path in versions if path.startswith(groups)}


def test_words_change_no_version(changed: Changed) -> None:
    """Comments, documentation, meanings of columns, texts of errors, annotations."""
    assert (
        changed(
            ("recommenders/protocol.py", "from abc import", "# A comment.\nfrom abc import"),
            ("plotting.py", "\nimport", "\n# A comment.\nimport"),
            ("tables/mart.py", "one row per cleaned event", "a row for each cleaned event"),
            ("tables/mart.py", "when it happened", "instant of the event"),
            ("transforms/sessions.py", '"""', '"""Changed. '),
            ("transforms/cleaning.py", "give one number for each of them", "give one for each"),
            ("transforms/cleaning.py", "def _blank(column: str)", 'def _blank(column: "str")'),
            ("lake/store.py", '"""', '"""Changed. '),
        )
        == set()
    )


def test_checks_and_schedules_change_no_version(changed: Changed) -> None:
    assert (
        changed(
            ("orchestration/checks/freshness.py", "days=4", "days=5"),
            ("orchestration/automation.py", "15 2 * * *", "15 3 * * *"),
        )
        == set()
    )


def test_rows_of_a_cutoff_count_for_weekly_tables(changed: Changed, before: Versions) -> None:
    moved = changed(
        ("orchestration/weekly.py", 'pl.col("cutoff") == cutoff', 'pl.col("cutoff") <= cutoff')
    )
    assert {"recommendations/top_k", "evaluation/offline_metrics"} <= moved
    assert not moved & of_groups(before, "raw/", "mart/")


def test_length_of_the_history_counts_for_what_learns_from_it(
    changed: Changed, before: Versions
) -> None:
    moved = changed(("calendar.py", "HISTORY_WEEKS = 52", "HISTORY_WEEKS = 26"))
    assert {"models/als_model", "recommendations/top_k", "features/item_embeddings"} <= moved
    assert not moved & of_groups(before, "raw/", "mart/", "features/user_daily")


def test_task_that_models_are_told_counts_for_every_model(changed: Changed) -> None:
    moved = changed(("orchestration/resources/models_in_use.py", ".for_task(task)", ""))
    assert {"models/als_model", "models/popularity_model"} <= moved
    assert "recommendations/top_k" not in moved
    moved = changed(("orchestration/resources/models_in_use.py", ".store, task=task)", ".store)"))
    assert {"recommendations/top_k", "models/registry"} <= moved


def test_how_partitions_are_read_counts_for_every_table(changed: Changed, before: Versions) -> None:
    moved = changed(
        (
            "orchestration/resources/lake.py",
            "partitions, at=version, columns",
            "None, at=version, columns",
        )
    )
    assert moved == set(before)


def test_columns_that_are_read_count(changed: Changed) -> None:
    moved = changed(
        (
            "orchestration/assets/models.py",
            '"arrived_at", "weight", "session_id",',
            '"arrived_at", "weight",',
        )
    )
    assert "models/session_knn_model" in moved
    assert "features/item_embeddings" not in moved


def test_contract_counts_for_its_table_and_for_what_builds_on_it(changed: Changed) -> None:
    moved = changed(("tables/mart.py", '"first event")', '"first event", nullable=True)'))
    assert "mart/sessions" in moved
    assert not moved & {"mart/quarantine", "models/als_model"}


def test_module_that_is_imported_inside_a_function_counts(changed: Changed) -> None:
    """Sources are imported when they are opened; their code is behind every raw table."""
    moved = changed(
        (
            "sources/online_retail.py",
            "def events(",
            "def _unused() -> None:\n        pass\n\n    def events(",
        )
    )
    assert moved == RAW


def test_constant_of_another_module_counts(changed: Changed) -> None:
    moved = changed(("tables/feature_store.py", "WINDOWS = (1, 7, 30)", "WINDOWS = (1, 7, 28)"))
    assert {"feature_store/user_features", "feature_store/item_features"} <= moved
    assert "mart/sessions" not in moved


def test_constant_beside_the_asset_counts_for_that_asset_alone(changed: Changed) -> None:
    moved = changed(
        (
            "orchestration/assets/experiments.py",
            'EXPERIMENT = "recommender"',
            'EXPERIMENT = "models"',
        )
    )
    assert moved == {"experiments/ab_test_simulation", "experiments/planted_effects"}


def test_model_counts_for_itself_and_for_what_uses_all_models(changed: Changed) -> None:
    moved = changed(("recommenders/models/als.py", "factors: int = 64", "factors: int = 32"))
    assert "models/als_model" in moved
    assert "recommendations/top_k" in moved
    assert not moved & {"models/bpr_model", "models/popularity_model", "raw/events"}


def test_what_was_imported_before_does_not_matter(copy: Path, before: Versions) -> None:
    others = ("sources.synthetic", "sources.online_retail", "report.html", "monitoring.drift")
    first = "\n".join(f"import persona_assets.{name}" for name in others)
    assert versions(copy, first) == before
