"""The reference page of all tables, generated from their contracts: `make reference`.

Belongs here: rendering contracts as Markdown. A test fails when `docs/tables.md` is out of date.
"""

import sys
from collections.abc import Iterator

from persona_assets.tables import TABLES
from persona_assets.tables.contract import Column, Table


def markdown() -> str:
    """The page, one section a table."""
    lines = [
        "# Tables",
        "",
        "Generated from `persona_assets/tables` by `make reference`; change the contracts, not "
        "this page.",
        "",
        "| table | grain | partition |",
        "|---|---|---|",
        *(
            f"| [{table.path}](#{_anchor(table)}) | {table.grain} | "
            f"{f'`{table.partition}`' if table.partition else 'none'} |"
            for table in TABLES.values()
        ),
    ]
    for table in TABLES.values():
        lines += ["", *_section(table)]
    return "\n".join(lines) + "\n"


def _anchor(table: Table) -> str:
    return table.path.replace("/", "")


def _section(table: Table) -> Iterator[str]:
    yield f"## {table.path}"
    yield ""
    yield f"{table.grain[0].upper()}{table.grain[1:]}. Key: `{'`, `'.join(table.key)}`."
    yield ""
    yield "| column | type | meaning | rules |"
    yield "|---|---|---|---|"
    for column in table.columns:
        meaning = column.description.replace("|", "\\|")
        yield f"| `{column.name}` | {column.type} | {meaning} | {_rules(column)} |"


def _rules(column: Column) -> str:
    rules = []
    if column.nullable:
        rules.append("may be null")
    if column.pii:
        rules.append("**PII**")
    if column.allowed:
        rules.append("one of " + ", ".join(f"`{value}`" for value in column.allowed))
    if column.minimum is not None:
        rules.append(f"≥ {column.minimum:g}")
    if column.maximum is not None:
        rules.append(f"≤ {column.maximum:g}")
    if column.references:
        rules.append(f"in `{column.references}`")
    return "; ".join(rules)


if __name__ == "__main__":
    sys.stdout.write(markdown())
