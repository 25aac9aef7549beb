"""What the package imports is what its metadata declare, and the other way round."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import persona_assets

ROOT = Path(persona_assets.__file__).parent
PROJECT = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_IMPORTED = {
    "dagster-webserver": "started by `persona ui`",
    "pandas": "what Evidently and PySpark exchange frames by",
}
"""Declared for another reason than an import."""
OF_AN_EXTRA = {"mlflow": "mlflow-skinny", "redis": "redis"}


def imported() -> set[str]:
    """Top-level modules from elsewhere that the package imports, inside functions too."""
    return {
        name
        for module in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        for name in names(node)
        if name not in sys.stdlib_module_names and name != "persona_assets"
    }


def names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module.partition(".")[0]


def declared() -> set[str]:
    return {plain(re.split(r"[^\w.-]", each, maxsplit=1)[0]) for each in PROJECT["dependencies"]}


def plain(distribution: str) -> str:
    """The name as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_what_is_imported_is_declared() -> None:
    distributions = packages_distributions()
    missing = {
        module
        for module in imported() - OF_AN_EXTRA.keys()
        if not {plain(each) for each in distributions.get(module, [])} & declared()
    }
    assert missing == set()


def test_what_is_declared_is_imported() -> None:
    distributions = packages_distributions()
    used = {plain(each) for module in imported() for each in distributions.get(module, [])}
    assert declared() - used - NOT_IMPORTED.keys() == set()
