"""No change of what the plane does to a table's rows goes unnoticed: systematic mutants.

Every function of some plane modules is changed in every place that the mutations below know, one at
a time, and the code versions of all assets, which the fingerprint of a run is made of, are computed
from the changed source. A mutant that moves no version is one after which `persona run` would say
"Nothing changed".
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from persona_assets.definitions import DECLARED
from persona_assets.orchestration import code_version, source_cache, source_code
from persona_assets.orchestration.table_asset import TableAsset

MODULES = (
    "persona_assets.orchestration.weekly",
    "persona_assets.orchestration.daily",
    "persona_assets.orchestration.resources.models_in_use",
    "persona_assets.orchestration.assets.models",
    "persona_assets.orchestration.assets.feature_store",
)
OTHER = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
# What the UI alone is told: no row depends on it, and neither on the snapshot's own record.
TOLD = frozenset({"_told", "_digest", "_online_snapshot", "_online_features"})


def places(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything within the bodies of functions, decorators, annotations and words aside."""
    functions = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
    for function in functions:
        if function.name not in TOLD:
            for statement in function.body:
                yield from walk(statement)


def walk(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # documentation
    if isinstance(node, ast.Import | ast.ImportFrom):
        return
    yield node
    for name, child in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for each in child if isinstance(child, list) else [child]:
            if isinstance(each, ast.AST):
                yield from walk(each)


def mutate(node: ast.AST) -> bool:
    """Change `node` in place, if it is one that a mutation knows."""
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in OTHER:
            node.ops[0] = OTHER[type(op)]()
        case ast.BinOp(op=op) if type(op) in OTHER:
            node.op = OTHER[type(op)]()
        case ast.Constant(value=bool() as value):
            node.value = not value
        case ast.Constant(value=int() as value):
            node.value = value + 1
        case ast.Call(args=[_, *_]):
            node.args = node.args[:-1]
        case ast.Call(keywords=[_, *_]):
            node.keywords = node.keywords[:-1]
        case ast.IfExp() | ast.If():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.Return(value=value) if value is not None:
            node.value = ast.Constant(None)
        case _:
            return False
    return True


def mutants(module: str) -> Iterator[tuple[str, bytes]]:
    """What was changed, and the source after it."""
    tree = ast.parse(source_code.source(module))
    for number, place in enumerate(places(tree)):
        changed = copy.deepcopy(tree)
        node = next(each for at, each in enumerate(places(changed)) if at == number)
        if mutate(node):
            words = f"line {place.lineno}: {ast.unparse(place).splitlines()[0]}"
            yield words, ast.unparse(ast.fix_missing_locations(changed)).encode()


def versions() -> list[str]:
    """Of all tables, from the source as `source_code` now gives it."""
    for kept in (code_version._text, code_version._references):
        kept.cache_clear()
    return [replace(each).code_version for each in DECLARED if isinstance(each, TableAsset)]


@pytest.mark.parametrize("module", MODULES)
def test_no_mutant_of_the_plane_leaves_all_versions_as_they_were(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions, before = source_cache._definitions(), versions()
    source = source_code.source
    shown = source(module)
    monkeypatch.setattr(
        source_code, "source", lambda name: shown if name == module else source(name)
    )

    def of_shown() -> source_cache.Definitions:
        source_code._module.cache_clear()
        return definitions | {module: source_cache._read(module)}

    tried, survivors = 0, []
    try:
        # How the source is written does not matter, so that what is noticed below is the mutant.
        shown = ast.unparse(ast.parse(shown)).encode()
        made = of_shown()
        monkeypatch.setattr(source_cache, "_definitions", lambda: made)
        assert versions() == before
        for words, changed in mutants(module):
            shown = changed
            made, tried = of_shown(), tried + 1
            if versions() == before:
                survivors.append(words)
    finally:
        monkeypatch.undo()
        source_code._module.cache_clear()
        versions()
    assert tried >= 5
    assert survivors == [], f"{len(survivors)} of {tried} mutants of {Path(module).name}"
