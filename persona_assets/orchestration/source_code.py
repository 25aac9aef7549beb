"""What each top-level definition of the package says and refers to, read from its source.

Belongs here: parsing modules, leaving out what cannot change a result, and resolving names to the
definitions they stand for. Does not belong here: which definitions are behind an asset, or how
they make its version (`code_version.py`), or keeping what was read (`source_cache.py`).

The source is read, not the loaded modules: what a process happens to have imported already must not
matter, and imports inside functions count like those at the top.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "persona_assets"
_ROOT = Path(__file__).parents[2]
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (ast.FunctionDef, ast.ClassDef, ast.Lambda, *_COMPREHENSIONS)
# Whether a name is read or set shows in where it stands.
_SAYS_NOTHING = ("ctx", "type_comment", "kind")


@dataclass(frozen=True, order=True)
class Symbol:
    """A name at the top level of a module; `name` is empty for the module as a whole."""

    module: str
    name: str


@dataclass(frozen=True)
class Definition:
    """What a top-level name stands for.

    Attributes:
        text: its syntax without documentation, comments, annotations of functions, imports and the
            texts of errors; empty for a name that is only imported.
        references: names of the package that it uses.
    """

    text: str
    references: frozenset[Symbol]


def read_definition(symbol: Symbol) -> Definition:
    """What a name stands for; the package knows nothing behind names that it does not define."""
    module = _module(symbol.module)
    if symbol.name not in module.statements:
        imported = module.bound.get(symbol.name)
        return Definition("", frozenset([imported] if imported else []))
    parts = [_read(each, symbol.module) for each in module.statements[symbol.name]]
    return Definition(
        "\n".join(part.text for part in parts),
        frozenset[Symbol]().union(*(part.references for part in parts)) - {symbol},
    )


def read_names(module: str) -> frozenset[str]:
    """Every top-level name of a module of the package, imported ones included."""
    return frozenset(_module(module).bound)


def modules() -> list[str]:
    """Every module of the package, sorted by name."""
    files = (path.relative_to(_ROOT) for path in (_ROOT / PACKAGE).rglob("*.py"))
    return sorted(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files)


def source(module: str) -> bytes:
    """The source of a module of the package."""
    return _file(module).read_bytes()


@dataclass(frozen=True, eq=False)
class _Module:
    """Top-level names: what they stand for, and the statements that define those defined here."""

    bound: dict[str, Symbol]
    statements: dict[str, list[ast.stmt]]


@cache
def _module(name: str) -> _Module:
    body = ast.parse(source(name)).body
    statements: dict[str, list[ast.stmt]] = {}
    for statement in _effective(body):
        for each in _names(statement):
            statements.setdefault(each, []).append(statement)
    own = {each: Symbol(name, each) for each in statements}
    return _Module(dict(_imports(body)) | own, statements)


@cache
def is_module(name: str) -> bool:
    """Is this the name of a module of the package?"""
    return (name == PACKAGE or name.startswith(f"{PACKAGE}.")) and _file(name).exists()


def _file(module: str) -> Path:
    folder = _ROOT.joinpath(*module.split("."))
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def _effective(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that do something: no imports, no documentation, nothing for the type checker."""
    for statement in body:
        imports = isinstance(statement, ast.Import | ast.ImportFrom)
        if not (imports or _is_documentation(statement) or _for_type_checker(statement)):
            yield statement


def _is_documentation(statement: ast.AST) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _for_type_checker(statement: ast.AST) -> bool:
    return isinstance(statement, ast.If) and getattr(statement.test, "id", "") == "TYPE_CHECKING"


def _names(statement: ast.stmt) -> set[str]:
    """Names that a top-level statement binds or changes."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    # `TABLE[key] = value` changes what TABLE stands for.
    changed = {
        node.value.id
        for node in _in_scope(statement)
        if isinstance(node, ast.Subscript | ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
    }
    return _stored(statement) | changed


def _stored(node: ast.AST) -> set[str]:
    """Names that `node` binds in the scope in which it stands."""
    return {
        each.name if isinstance(each, ast.FunctionDef | ast.ClassDef) else each.id
        for each in _in_scope(node)
        if isinstance(each, ast.FunctionDef | ast.ClassDef)
        or (isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    }


def _in_scope(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and what is below it, but for scopes of their own."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        if each is node or not isinstance(each, _SCOPES):
            waiting.extend(ast.iter_child_nodes(each))


def _imports(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, Symbol]]:
    """Local name → what it stands for, of the imports among `nodes` (not those below them)."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for each in node.names:
                whole = each.name if each.asname else each.name.partition(".")[0]
                if is_module(whole):
                    yield each.asname or whole, Symbol(whole, "")
        elif isinstance(node, ast.ImportFrom) and node.module and is_module(node.module):
            for each in node.names:
                yield each.asname or each.name, _member(node.module, each.name)


def _member(module: str, name: str) -> Symbol:
    """`module.name`: a submodule, or a name of the module."""
    inner = f"{module}.{name}"
    return Symbol(inner, "") if is_module(inner) else Symbol(module, name)


@cache  # a statement may define several names, and is read once
def _read(statement: ast.stmt, module: str) -> Definition:
    reader = _Reader(_module(module).bound)
    reader.read(statement)
    return Definition(" ".join(reader.words), frozenset(reader.found))


class _Reader:
    """Writes a statement's syntax down and collects the package's names that it uses.

    Left out is what cannot change a result: documentation, annotations of functions, texts of
    errors and of help.
    """

    def __init__(self, bound: Mapping[str, Symbol]) -> None:
        self.words: list[str] = []
        self.found: set[Symbol] = set()
        self._bound = dict(bound)
        self._local: list[set[str]] = []  # names of the functions around, innermost last
        self._readers: dict[type, Callable[[Any], None]] = {
            ast.FunctionDef: self._function,
            ast.Lambda: self._scope,
            **dict.fromkeys(_COMPREHENSIONS, self._comprehension),
            ast.arg: lambda node: self.words.append(node.arg),
            ast.AnnAssign: self._annotated,
            ast.Raise: self._raise,
            ast.keyword: self._keyword,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            # Imports inside a function come before what they name is used.
            ast.Import: lambda node: self._bound.update(_imports([node])),
            ast.ImportFrom: lambda node: self._bound.update(_imports([node])),
        }

    def read(self, node: ast.AST) -> None:
        """Write `node` and everything below it."""
        special = self._readers.get(type(node))
        if special is not None:
            special(node)
        elif not (_is_documentation(node) or _for_type_checker(node)):
            self._plain(node)

    def _plain(self, node: ast.AST, leave_out: tuple[str, ...] = ()) -> None:
        self.words.append(type(node).__name__)
        for field in node._fields:
            if field not in _SAYS_NOTHING and field not in leave_out:
                self._value(getattr(node, field, None))

    def _value(self, value: object) -> None:
        if isinstance(value, ast.AST):
            self.read(value)
        elif isinstance(value, list):
            self.words.append("[")
            for each in value:
                self._value(each)
            self.words.append("]")
        else:
            self.words.append(repr(value))

    def _function(self, node: ast.FunctionDef) -> None:
        # How a function becomes an asset (reads, partitions) is digested by value.
        node.decorator_list = [each for each in node.decorator_list if not _makes_asset(each)]
        self._scope(node, leave_out=("returns",))

    def _scope(self, node: ast.FunctionDef | ast.Lambda, leave_out: tuple[str, ...] = ()) -> None:
        arguments = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        body = node.body if isinstance(node.body, list) else [node.body]
        self._local.append(arguments.union(*map(_stored, body)))
        self._plain(node, leave_out)
        self._local.pop()

    def _comprehension(self, node: ast.ListComp) -> None:
        self._local.append(set().union(*(_stored(each.target) for each in node.generators)))
        self._plain(node)
        self._local.pop()

    def _annotated(self, node: ast.AnnAssign) -> None:
        # In a class, annotations make fields.
        self._plain(node, leave_out=("annotation",) if self._local else ())

    def _keyword(self, node: ast.keyword) -> None:
        if node.arg != "help":  # of a source's option, for whom it is read by
            self._plain(node)

    def _raise(self, node: ast.Raise) -> None:
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        self.words.append("Raise")
        self._value(raised)

    def _name(self, node: ast.Name) -> None:
        self.words.append(node.id)
        if symbol := self._meant(node.id):
            self.found.add(symbol)

    def _meant(self, name: str) -> Symbol | None:
        """The package's name that `name` stands for here; None: a local or foreign one."""
        local = any(name in names for names in self._local)
        return None if local else self._bound.get(name)

    def _attribute(self, node: ast.Attribute) -> None:
        chain: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            chain.append(base.attr)
            base = base.value
        self.words.extend((".", *chain))
        symbol = self._meant(base.id) if isinstance(base, ast.Name) else None
        if symbol is None:
            self.read(base)
            return
        names = list(chain)
        while names and not symbol.name:
            symbol = _member(symbol.module, names.pop())
        self.words.append(ast.unparse(base))
        self.found.add(symbol)


def _makes_asset(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "table_asset"
