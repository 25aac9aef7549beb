"""The two planes, and what the code never does, read from the source."""

import ast
from pathlib import Path

import pytest

import persona_assets

ROOT = Path(persona_assets.__file__).parent
# What Dagster is allowed in: the graph, and the commands that run it.
PLANE = ("orchestration",)
PLANE_MODULES = ("cli/progress.py", "definitions.py")
MODULES = sorted(ROOT.rglob("*.py"))


def imported(module: Path) -> set[str]:
    """Top-level names of everything a module imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def in_plane(module: Path) -> bool:
    relative = module.relative_to(ROOT)
    return relative.parts[0] in PLANE or str(relative) in PLANE_MODULES


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_keeps_to_its_plane(module: Path) -> None:
    names = imported(module)
    roots = {name.partition(".")[0] for name in names}
    assert not roots & {"pickle", "cloudpickle", "joblib", "shelve", "marshal"}
    if in_plane(module):
        # Dagster reads annotations as objects; as texts they break configs and resources.
        assert "__future__" not in roots
    else:
        assert not {root for root in roots if root.startswith("dagster")}
        if module.relative_to(ROOT).parts[0] != "cli":
            plane = {
                f"persona_assets.{name.removesuffix('.py').replace('/', '.')}"
                for name in PLANE_MODULES
            }
            plane |= {f"persona_assets.{name}" for name in PLANE}
            assert not {name for name in names if any(name.startswith(each) for each in plane)}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_opens_with_what_belongs_in_it(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    called = {node.func.id for node in ast.walk(tree)
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    assert not called & {"eval", "exec"}
