"""Lists are read with the shop's own identifiers, and only where the key is."""

import json
import os
import stat
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from persona_assets import hash_key
from persona_assets import settings as settings_module
from persona_assets.cli.main import main
from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore, key_record
from persona_assets.serving.lists import (
    all_lists,
    cutoff_of,
    recommended,
    served_lists,
    serving_model,
    with_customers,
)
from persona_assets.settings import Settings, SourceSettings
from persona_assets.tables.models import TOP_K
from persona_assets.tables.monitoring import SKIPPED
from persona_assets.tables.raw import PRODUCTS, USERS
from persona_assets.tables.serving import CHAMPION, SERVED
from persona_assets.transforms.pseudonyms import pseudonym

KEY = b"k" * 32
OLD, NEW = date(2025, 1, 6), date(2025, 1, 13)


def rows(cutoff: date, model: str, user: str, *products: str) -> pl.DataFrame:
    known = user if user == "*" else pseudonym(user, KEY)
    return pl.DataFrame(
        {
            "cutoff": [cutoff] * len(products),
            "model": [model] * len(products),
            "user_id": [known] * len(products),
            "rank": list(range(1, len(products) + 1)),
            "product_id": list(products),
            "score": [1 / rank for rank in range(1, len(products) + 1)],
        },
        schema=TOP_K.polars_schema,
    )


def filled(table, **columns) -> pl.DataFrame:
    """Rows of a table of which only some columns are said; the others are null."""
    frame = pl.DataFrame(columns)
    missing = [pl.lit(None).alias(name) for name in table.polars_schema if name not in columns]
    return frame.with_columns(missing).select(table.polars_schema.names()).cast(table.polars_schema)


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    store = DeltaStore(str(tmp_path / "home" / "lake"))
    lists = [
        rows(OLD, "als", "ann@shop", "p1", "p2"),
        rows(NEW, "als", "ann@shop", "p3", "p1"),
        rows(NEW, "popularity", "ann@shop", "p1", "p2"),
        rows(NEW, "popularity", "*", "p2", "p1", "p3"),
        rows(NEW, "als", "gone@shop", "p1"),
    ]
    store.overwrite(TOP_K, pl.concat(lists), partitions=[OLD, NEW])
    names = {"product_id": ["p1", "p2", "p3"], "name": ["Cup", None, '=HYPERLINK("x")']}
    store.overwrite(PRODUCTS, filled(PRODUCTS, **names, price=[2.5, 3.0, None]))
    store.overwrite(USERS, filled(USERS, user_id=["ann@shop", "new@shop"]))
    return store


def test_a_customer_is_found_by_the_shops_identifier(store: DeltaStore) -> None:
    found = recommended(store, " ann@shop ", KEY, cutoff=cutoff_of(store), model="als")
    assert (found.model, found.cutoff, found.known, found.notes) == ("als", NEW, True, ())
    assert found.items.select("product_id", "price", "rank").rows() == [
        ("p3", None, 1),
        ("p1", 2.5, 2),
    ]
    assert found.items["name"].to_list() == ['=HYPERLINK("x")', "Cup"]
    assert recommended(store, "ann@shop", KEY, cutoff=OLD, model="als").items.height == 2


def test_who_was_unknown_gets_what_popularity_has_for_anybody(store: DeltaStore) -> None:
    found = recommended(store, "new@shop", KEY, cutoff=NEW, model="als", k=2)
    assert (found.model, found.known) == ("popularity", False)
    assert found.items["product_id"].to_list() == ["p2", "p1"]
    assert "nothing of this customer was known before 2025-01-13" in found.notes[0]


def test_where_no_model_is_asked_for_the_champions_list_is_shown(store: DeltaStore) -> None:
    assert serving_model(store, NEW) == "popularity"
    row = {"model": ["als"], "parameters": ["{}"], "action": ["promotion"], "evidence": ["{}"]}
    store.overwrite(CHAMPION, filled(CHAMPION, **row))
    assert serving_model(store, NEW) == "als"
    store.overwrite(CHAMPION, filled(CHAMPION, **{**row, "model": ["ease"]}))
    assert serving_model(store, NEW) == "popularity"  # ease has no lists


def test_what_shoppers_get_is_read_with_names_and_prices(store: DeltaStore) -> None:
    with pytest.raises(UserError, match=r"recommendations/served has no rows; `persona run`"):
        served_lists(store)
    store.overwrite(SERVED, rows(NEW, "als", "ann@shop", "p3", "p1"))
    assert served_lists(store).select("product_id", "name", "price").rows() == [
        ("p3", '=HYPERLINK("x")', None),
        ("p1", "Cup", 2.5),
    ]


def test_a_model_without_lists_says_why(store: DeltaStore) -> None:
    skipped = {
        "table": ["models/bpr"],
        "partition": [str(NEW)],
        "part": [""],
        "reason": ["it has no purchases"],
    }
    store.overwrite(SKIPPED, pl.DataFrame(skipped, schema=SKIPPED.polars_schema))
    with pytest.raises(UserError, match=r"no lists of bpr of 2025-01-13.*als, popularity"):
        recommended(store, "ann@shop", KEY, cutoff=NEW, model="bpr")
    with pytest.raises(UserError, match="als"):
        recommended(store, "ann@shop", KEY, cutoff=NEW, model="alz")
    with pytest.raises(UserError, match="2025-01-06, 2025-01-13"):
        cutoff_of(store, date(2025, 1, 20))
    with pytest.raises(UserError, match="there are no lists yet"):
        cutoff_of(DeltaStore(f"{store.root}-of-nobody"))


def test_joined_back_every_row_has_its_customer(store: DeltaStore) -> None:
    lists = all_lists(store, NEW)
    found = with_customers(store, lists, KEY)
    assert found.height == lists.height == 8
    assert "user_id" not in found.columns
    assert found.filter(pl.col("customer") == "ann@shop").height == 4
    assert found.filter(pl.col("customer") == "*").height == 3
    assert found["customer"].null_count() == 1  # gone@shop is in no raw table any more


@pytest.fixture
def home(store: DeltaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the store, of a shop whose files are elsewhere."""
    home = tmp_path / "home"
    source = SourceSettings("files", OLD, NEW, {"path": "/nowhere", "mapping": "/nowhere.toml"})
    settings_module.save(Settings(home=home, source=source))
    (home / hash_key.FILE_NAME).write_bytes(KEY)
    key_record.require(store, KEY, "the test")
    monkeypatch.setenv("PERSONA_HOME", str(home))
    return home


def run(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["persona", *arguments])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def test_the_command_prints_names_or_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recommend", "ann@shop", "--model", "als") == 0
    assert "Cup" in capsys.readouterr().out
    assert run("recommend", "stranger", "--json", "--k", "1") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["known"], found["model"], len(found["items"])) == (False, "popularity", 1)
    assert found["items"][0] == {
        "rank": 1, "product_id": "p2", "name": None, "price": 3.0, "score": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_exports_are_their_owners_and_hold_no_formulas(home: Path, form: str) -> None:
    out = home.parent / f"lists.{form}"
    assert run("export", "top_k", "--format", form, "--out", str(out), "--model", "als") == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    found = pl.read_csv(out) if form == "csv" else pl.read_parquet(out)
    assert found["customer"].to_list().count("ann@shop") == 2
    name = found.filter(pl.col("product_id") == "p3")["name"][0]
    assert name == ('\'=HYPERLINK("x")' if form == "csv" else '=HYPERLINK("x")')
    assert {path.name for path in home.parent.iterdir()} == {"home", out.name}


def test_without_the_key_nobody_is_named(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = home.parent / "lists.csv"
    monkeypatch.setenv("PERSONA_HASH_KEY", "another-key-of-enough-bytes")
    assert run("export", "top_k", "--format", "csv", "--out", str(out)) == 2
    assert run("recommend", "ann@shop") == 2
    assert not out.exists()
    assert "fingerprint" in capsys.readouterr().err
    assert run("export", "top_k", "--format", "csv", "--out", str(out), "--hashed") == 0
    assert "ann@shop" not in out.read_text()
    assert pseudonym("ann@shop", KEY) in out.read_text()
    assert run("export", "top_k", "--format", "csv", "--out", os.fspath(home)) == 2
