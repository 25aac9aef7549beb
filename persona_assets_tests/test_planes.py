"""The two planes, and what the code never does, read from the source."""

import ast
from pathlib import Path

import dagster
import pytest

import persona_assets
from persona_assets.orchestration.dagster_internals import CHECKED_ON

ROOT = Path(persona_assets.__file__).parent
# What Dagster is allowed in: the graph, and the commands that run it.
PLANE = ("orchestration",)
PLANE_MODULES = ("cli/progress.py", "definitions.py")
INTERNALS = ("orchestration", "dagster_internals")
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


def test_dagster_s_internals_are_used_in_one_place_that_names_the_version() -> None:
    found = {
        (module.relative_to(ROOT).parts[:2], name)
        for module in MODULES
        for name in imported(module)
        if name.startswith("dagster") and "._" in name
    }
    assert found
    assert {place for place, _ in found} == {INTERNALS}
    # A new minor release may change any of them: read its source, then name it.
    assert CHECKED_ON.rpartition(".")[0] == dagster.__version__.rpartition(".")[0]


@pytest.mark.parametrize(
    "module",
    [each for each in MODULES if "orchestration" in each.parts],
    ids=lambda each: each.name,
)
def test_resources_are_typed_parameters(module: Path) -> None:
    """A key that is a text, or an attribute of `context.resources`, is seen by no type checker."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert not (node.attr == "resources" and getattr(node.value, "id", "") == "context")
        if isinstance(node, ast.Call):
            named = {each.arg for each in node.keywords}
            assert "required_resource_keys" not in named


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


def room(name: str) -> str:
    """Package or top-level module; `definitions` is the root of the plane."""
    return "orchestration" if name == "definitions" else name


def imports_between_rooms() -> dict[str, set[str]]:
    """Room → rooms that it imports, inside functions too; what only types need is left out."""
    found: dict[str, set[str]] = {}
    for module in MODULES:
        tree = ast.parse(module.read_text(encoding="utf-8"))
        own = room(module.relative_to(ROOT).parts[0].removesuffix(".py"))
        for_types = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        names = set()
        for node in ast.walk(tree):
            if id(node) in for_types:
                continue
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module == "persona_assets":
                names |= {f"persona_assets.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module or "")
        inside = {name.split(".")[1] for name in names if name.startswith("persona_assets.")}
        found.setdefault(own, set()).update({room(name) for name in inside} - {own})
    return found


def test_no_room_imports_one_that_imports_it() -> None:
    """What imports nothing that is left is taken away, until nothing, or a circle, is left."""
    rooms = imports_between_rooms()
    left = dict(rooms)
    while free := [each for each, others in left.items() if not others & left.keys()]:
        for each in free:
            del left[each]
    assert left == {}, "a circle is among these"
    assert {each for each, others in rooms.items() if "spark" in others} == {"orchestration"}
    assert {each for each, others in rooms.items() if "orchestration" in others} == {"cli"}
