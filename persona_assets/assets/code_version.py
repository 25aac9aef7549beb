"""A code version that changes when, and only when, code behind an asset changes.

Belongs here: finding and digesting the source that an asset function leans on. No asset has to
remember to raise a number.

The source is read, not the loaded modules: what a process happens to have imported already must not
matter, and imports inside functions count like those at the top.
"""

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

_PACKAGE = "persona_assets"
_ROOT = Path(__file__).parents[2]
# The Dagster plane holds no logic: a changed check or schedule changes no table.
_PLANE = tuple(
    f"{_PACKAGE}.{name}" for name in ("assets", "checks", "resources", "partitions", "automation")
)


def code_version(function: Callable[..., object], *more: object) -> str:
    """Digest of the function, what its module defines for it, and all domain modules behind it.

    `more` are domain functions or classes that the function gets from elsewhere than its module.
    """
    digest = hashlib.blake2b(digest_size=6)
    statements, modules = _behind(function)
    for statement in statements:
        digest.update(ast.unparse(statement).encode())
    modules |= {_module_of(thing) for thing in more}
    for path in code_files(modules):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def code_files(modules: Iterable[str]) -> list[Path]:
    """Source files of those of `modules` that are domain modules, and of all that they import."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or not _is_domain(name):
            continue
        found.add(name)
        waiting.extend(_imported(name))
    return sorted(_file(name) for name in found)


def _behind(function: Callable[..., object]) -> tuple[list[ast.stmt], set[str]]:
    """The module's statements that the function depends on, itself first, and imported modules."""
    defined = _definitions(Path(inspect.getfile(function)))
    statements: dict[str, ast.stmt] = {}
    modules: set[str] = set()
    waiting = [function.__qualname__.partition(".")[0]]
    while waiting:
        name = waiting.pop(0)
        if name in statements or name not in defined:
            continue
        statement = statements[name] = defined[name]
        if isinstance(statement, ast.Import | ast.ImportFrom):
            modules |= set(_targets(statement, name))
        else:
            waiting.extend(
                sorted(node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
            )
    imports = (ast.Import, ast.ImportFrom)
    return [each for each in statements.values() if not isinstance(each, imports)], modules


@cache
def _definitions(path: Path) -> dict[str, ast.stmt]:
    """Name → the top-level statement of the file that defines it."""
    found: dict[str, ast.stmt] = {}
    for statement in ast.parse(path.read_bytes()).body:
        match statement:
            case ast.FunctionDef() | ast.ClassDef():
                found[statement.name] = statement
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = statement
            case ast.Import() | ast.ImportFrom():
                found |= {each.asname or each.name: statement for each in statement.names}
    return found


@cache
def _imported(name: str) -> frozenset[str]:
    """Modules that a module of the package imports, at its top or inside its functions."""
    tree = ast.parse(_file(name).read_bytes())
    return frozenset(
        target
        for statement in _statements(tree)
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for target in _targets(statement)
    )


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and all below it, but for what is imported for the type checker alone."""
    if isinstance(node, ast.If) and getattr(node.test, "id", None) == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _statements(child)


def _targets(statement: ast.Import | ast.ImportFrom, name: str | None = None) -> Iterator[str]:
    """The modules that an import statement names (for `name` alone, where it is given)."""
    for each in statement.names:
        if name is not None and name != (each.asname or each.name):
            continue
        if isinstance(statement, ast.Import):
            yield each.name
        elif statement.module:
            inner = f"{statement.module}.{each.name}"
            yield inner if _is_domain(inner) else statement.module


def _module_of(thing: object) -> str:
    module = inspect.getmodule(thing)
    return module.__name__ if module else ""


def _is_domain(name: str) -> bool:
    return name.startswith(f"{_PACKAGE}.") and not name.startswith(_PLANE) and _file(name).exists()


def _file(name: str) -> Path:
    folder = _ROOT.joinpath(*name.split("."))
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
