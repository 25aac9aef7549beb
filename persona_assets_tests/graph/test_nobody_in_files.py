"""Nobody and no order of a shop can be found in what a finished home and its commands leave.

Identifiers that cannot be mistaken are planted, in rows that are accepted and in rows of every kind
of defect; then all files are searched but those of the raw tables' rows.
"""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

PLANTED = ("Zq-Person", "Zq-Order")
MAPPING = """\
[events]
file = "events.csv"
user_id = "who"
product_id = "what"
event_type = "kind"
timestamp = "when"
unit_price = "price"
quantity = "pieces"
order_id = "order"
consent = "agreed"

[users]
file = "users.csv"
user_id = "who"
country = "country"

[products]
file = "products.csv"
product_id = "what"
name = "name"
category = "category"
price = "price"
"""


def deliver(folder: Path) -> Path:
    """A shop of 40 people, 15 products and 22 days, with defects of every kind among its rows."""
    chance = random.Random(20250101)
    people = [f"Zq-Person-{number:03d}@example.com" for number in range(40)]
    lines = ["who,what,kind,when,price,pieces,order,agreed"]
    start = datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(2400):
        who, what = chance.choice(people), f"p{chance.randrange(15)}"
        kind = chance.choice(["view", "view", "add_to_cart", "purchase"])
        when = start + timedelta(seconds=chance.randrange(22 * 86_400))
        order = f"Zq-Order-{number:05d}" if kind == "purchase" else ""
        cells = [who, what, kind, f"{when:%Y-%m-%dT%H:%M:%SZ}", "9.5", "1", order, "true"]
        defect = number % 40
        if defect < 5:  # no product, a bad number, an unknown product, no consent, a bad time
            place, text = [(1, ""), (4, "-3"), (1, "unheard-of"), (7, "false"), (3, "soon")][defect]
            cells[place] = text
        lines.append(",".join(cells))
        if defect == 6:
            lines.append(lines[-1])
    folder.mkdir()
    (folder / "events.csv").write_text("\n".join(lines) + "\n")
    users = [f"{who},{chance.choice(['DE', 'FR'])}" for who in people]
    (folder / "users.csv").write_text("who,country\n" + "\n".join(users) + "\n")
    products = [f"p{number},Thing {number},c{number % 3},{5 + number}" for number in range(15)]
    (folder / "products.csv").write_text("what,name,category,price\n" + "\n".join(products) + "\n")
    (folder / "shop.toml").write_text(MAPPING)
    return folder


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, start_persona: Callable[..., Any]
) -> tuple[Path, dict[str, str]]:
    """A home after its commands, and what each of them said."""
    shop = deliver(tmp_path_factory.mktemp("planted") / "shop")
    home = shop.parent / "home"
    mapping = str(shop / "shop.toml")
    run = ("run", "--source", "files", "--path", str(shop), "--mapping", mapping, "--weeks", "1")
    said = {}
    for arguments in (
        run,
        ("tune", "popularity", "--trials", "1"),
        ("promote", "popularity"),
        (*run, "--all"),
        ("maintenance",),
        ("models",),
        ("report", "--json"),
        ("check", "--path", str(shop), "--mapping", mapping, "--all", "--json"),
        ("benchmark", str(shop / "events.csv"), "--mapping", mapping, "--models", "popularity",
         "--json"),
        ("segment", str(shop / "events.csv"), "--mapping", mapping, "--json"),
    ):  # fmt: skip
        process = start_persona(home, *arguments)
        output, errors = process.communicate(timeout=1_200)
        name = f"{len(said)} {arguments[0]}"
        assert process.returncode == 0 or arguments[0] in ("benchmark", "promote"), errors
        said[name] = output + errors
    return home, said


def names_in(text: str | bytes) -> set[str]:
    """Planted identifiers in a text, however it writes them: also a part is one too many."""
    searched = text if isinstance(text, bytes) else text.encode(errors="replace")
    return {name for name in PLANTED if name.encode() in searched}


def texts_of(path: Path) -> Iterator[str | bytes]:
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield json.dumps(pl.read_parquet(path, hive_partitioning=False).to_dicts(), default=str)


def raw_rows(home: Path, path: Path) -> bool:
    """Is it a data file of a raw table, which holds the shop's own identifiers?"""
    parts = path.relative_to(home).parts
    return parts[:2] == ("lake", "raw") and "_delta_log" not in parts


def test_the_planted_identifiers_are_in_the_raw_tables(finished: Any) -> None:
    home, _ = finished
    raw = [path for path in home.rglob("*.parquet") if raw_rows(home, path)]
    found = {name for path in raw for text in texts_of(path) for name in names_in(text)}
    assert found == set(PLANTED)


def test_no_other_file_of_the_home_holds_one(finished: Any) -> None:
    home, _ = finished
    files = [path for path in home.rglob("*") if path.is_file() and not raw_rows(home, path)]
    groups = {path.relative_to(home).parts[0] for path in files}
    assert groups >= {"dagster", "lake", "online", "plots", "reports", "report.html"}
    found = {
        path.relative_to(home).as_posix(): names
        for path in files
        if (names := {name for text in texts_of(path) for name in names_in(text)})
    }
    assert found == {}


def test_no_command_says_one(finished: Any) -> None:
    _, said = finished
    assert {name: names for name, text in said.items() if (names := names_in(text))} == {}
