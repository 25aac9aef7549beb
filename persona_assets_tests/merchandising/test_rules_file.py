"""Rules are read from CSV and TOML alike, and what is wrong with one is named."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.merchandising.consistency import mistakes
from persona_assets.merchandising.rules_file import read_rules

CSV = """rule_id,action,product_id,category,position,context,valid_from,valid_to
top,pin,4711,,1,home,2026-12-01,2026-12-24T18:00:00+01:00
,block,,knives,,,,
out,unavailable,0815,,,,,
"""
TOML = """
[[rule]]
rule_id = "top"
action = "pin"
product_id = "4711"
position = 1
context = "home"
valid_from = 2026-12-01
valid_to = 2026-12-24T18:00:00+01:00

[[rule]]
rule_id = "line 3"
action = "block"
category = "knives"

[[rule]]
rule_id = "out"
action = "unavailable"
product_id = "0815"
"""


def written(folder: Path, text: str, name: str = "rules.csv") -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_csv_and_toml_say_the_same(tmp_path: Path) -> None:
    found = read_rules(written(tmp_path, CSV))
    assert found.equals(read_rules(written(tmp_path, TOML, "rules.toml")))
    first = found.row(0, named=True)
    assert first["valid_from"] == datetime(2026, 12, 1, tzinfo=UTC)
    assert first["valid_to"] == datetime(2026, 12, 24, 17, tzinfo=UTC)
    assert (first["product_id"], first["position"]) == ("4711", 1)
    assert found["product_id"].to_list() == ["4711", None, "0815"]


def test_without_a_file_there_are_no_rules() -> None:
    assert read_rules("").is_empty()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a,hide,1,,,,,", "action is 'hide'"),
        ("a,pin,1,,,,,", "a pin needs a product_id and a position"),
        ("a,pin,1,,0,,,", "position is '0'"),
        ("a,pin,,shoes,1,,,", "a pin needs"),
        ("a,block,1,shoes,,,,", "one of them"),
        ("a,block,,,,,,", "one of them"),
        ("a,block,1,,,home,,", "block holds everywhere"),
        ("a,exclude,1,,3,,,", "a position is of a pin alone"),
        ("a,exclude,1,,,attic,,", "context is 'attic'"),
        ("a,exclude,1,,,,yesterday,", "valid_from is 'yesterday'"),
        ("a,exclude,1,,,,2026-01-01T10:00:00,", "with its zone"),
        ("a,exclude,1,,,,2026-01-02,2026-01-01", "would never hold"),
        ("a,exclude,1", "not as many fields"),
        ("out,exclude,1,,,,,\nout,exclude,2,,,,,", "out is there twice"),
    ],
)
def test_what_is_wrong_with_a_rule_is_named(tmp_path: Path, line: str, why: str) -> None:
    header = CSV.splitlines()[0]
    with pytest.raises(UserError, match=why) as raised:
        read_rules(written(tmp_path, f"{header}\n{line}\n"))
    assert "rules.csv" in str(raised.value)


def test_what_is_no_file_of_rules_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown field 'colour'"):
        read_rules(written(tmp_path, "action,colour\nblock,red\n"))
    with pytest.raises(UserError, match="not valid TOML"):
        read_rules(written(tmp_path, "[[rule", "rules.toml"))
    with pytest.raises(UserError, match="correct PERSONA_RULES"):
        read_rules(str(tmp_path / "no such file.csv"))


def test_unknown_products_contradictions_and_rules_that_are_over_are_found(tmp_path: Path) -> None:
    text = """rule_id,action,product_id,category,position,context,valid_from,valid_to
a,pin,1,,1,home,,
b,pin,2,,1,,,
c,pin,3,,1,cart,,2026-01-01
d,pin,4,,2,,2026-02-01,
e,exclude,4,,,,,2026-02-01
f,exclude,1,,,home,,
g,block,9,,,,,
h,block,,knives,,,,
"""
    rows = read_rules(written(tmp_path, text))
    found = mistakes(rows, ["1", "2", "3", "4"], ["shoes"], datetime(2026, 1, 15, tzinfo=UTC))
    assert found == {
        "a product that the catalogue does not have": ["g"],
        "a category that the catalogue does not have": ["h"],
        "over": ["c"],
        "contradicting": ["a", "f", "b", "c"],
    }
    assert mistakes(rows.filter(pl.col("rule_id") == "b"), ["2"], [], datetime.now(UTC)) == {}
