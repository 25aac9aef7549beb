"""What the UI shows of a table beside its rows: columns, where they come from, and the code.

Belongs here: metadata that follow from contracts, inputs and functions. Does not belong here: what
a run tells of the rows that it made (`resources/lake.py`).
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dagster as dg

from persona_assets.orchestration.inputs import Reads
from persona_assets.orchestration.outputs import asset_key
from persona_assets.tables.contract import Column, Table


def column_schema(table: Table) -> dg.TableSchema:
    """The contract's columns as the UI shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=table.key == (column.name,)
                ),
                tags={"pii": ""} if column.pii else None,
            )
            for column in table.columns
        ]
    )


def column_lineage(table: Table, reads: Mapping[str, Reads]) -> dg.TableColumnLineage:
    """Which columns of its inputs a table's columns are, as far as contracts say it.

    A column is an input's where it refers to it, where both contracts declare the same column
    (name, type and meaning), and where both have it as a part of the key or as what partitions
    them: people, products and cut-offs keep their names. What is computed from other columns has no
    entry: the transform says it, and contracts do not.
    """
    found: dict[str, list[dg.TableColumnDep]] = {}
    for column in table.columns:
        deps = [
            dg.TableColumnDep(asset_key(read.table), theirs.name)
            for read in reads.values()
            for theirs in read.table.columns
            if (read.columns is None or theirs.name in read.columns)
            and _is_the_same(column, table, theirs, read.table)
        ]
        if deps:
            found[column.name] = deps
    return dg.TableColumnLineage(found)


def _is_the_same(ours: Column, table: Table, theirs: Column, upstream: Table) -> bool:
    if ours.references == f"{upstream.path}.{theirs.name}":
        return True
    if (ours.name, ours.type) != (theirs.name, theirs.type):
        return False
    return (
        ours.description == theirs.description
        or (ours.name in table.key and theirs.name in upstream.key)
        or (ours.name == table.partition and theirs.name == upstream.partition)
    )


def code_references(
    function: Callable[..., Any], more: Iterable[object]
) -> dg.CodeReferencesMetadataValue:
    """Where the code behind an asset stands: its function, and what it was told of by name."""
    named = [each for each in more if inspect.isroutine(each) or inspect.isclass(each)]
    references: list[dg.LocalFileCodeReference | dg.UrlCodeReference] = [
        dg.LocalFileCodeReference(
            file_path=inspect.getfile(each),
            # Of a class only a search through its file would tell.
            line_number=each.__code__.co_firstlineno if inspect.isfunction(each) else None,
            label=each.__qualname__.rpartition(".")[2],
        )
        for each in (function, *named)
    ]
    return dg.CodeReferencesMetadataValue(code_references=references)
