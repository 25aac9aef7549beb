from pathlib import Path

from persona_assets.tables import TABLES
from persona_assets.tables.reference import markdown

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def test_the_reference_page_is_what_the_contracts_say():
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run `make reference` and commit it"


def test_the_reference_page_names_every_table_and_every_column():
    page = markdown()
    for table in TABLES.values():
        assert f"## {table.path}\n" in page
        section = page.split(f"## {table.path}\n")[1].split("\n## ")[0]
        for column in table.columns:
            assert f"| `{column.name}` | {column.type} |" in section
