"""Files that are meant to break a draft, or to show somebody's data in it."""

import csv
import io
import json
import tomllib
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.sources.inspection import inspect_files
from persona_assets.sources.inspection.shown import as_json, as_text

TODAY = date(2024, 12, 1)
GOOD = {"user_id": "u1", "sku": "p1", "action": "view", "when": "2024-05-13T10:00:00Z"}
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
fixtures_between_examples = settings(
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def events_with(folder: Path, others: dict[str, str], action="view") -> Path:
    """A CSV of one event with further columns."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([*GOOD, *others])
    rows.writerow([*(GOOD | {"action": action}).values(), *others.values()])
    file = folder / "events.csv"
    file.write_text(text.getvalue(), encoding="utf-8", newline="")
    return file


def draft_of(file: Path) -> dict:
    found = inspect_files(file, today=TODAY)
    as_text(found, Path("shop.toml"))
    json.dumps(as_json(found)).encode()
    return tomllib.loads(found.draft.toml)


@fixtures_between_examples
@given(st.dictionaries(names, st.just("x"), max_size=5))
def test_any_name_of_a_column_gives_toml_or_one_message(tmp_path, others):
    file = events_with(tmp_path, others)
    try:
        events = draft_of(file)["events"]
    except UserError as error:
        known = ("two columns", "names of columns", "may be separated by")
        assert any(each in str(error) for each in known)
        return
    assert events["user_id"] == "user_id"
    assert events["event_type"] == "action"


@fixtures_between_examples
@given(names.filter(lambda name: name.strip()))
def test_any_name_of_an_event_gives_toml(tmp_path, name):
    draft_of(events_with(tmp_path, {}, action=name))


@fixtures_between_examples
@given(st.dictionaries(names, st.recursive(names, lambda below: st.lists(below, max_size=3) |
                       st.dictionaries(names, below, max_size=3)), max_size=4))  # fmt: skip
def test_any_nesting_gives_toml_or_one_message(tmp_path, others):
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(others | GOOD) + "\n", encoding="utf-8")
    try:
        assert draft_of(file)["events"]["user_id"] == "user_id"
    except UserError as error:
        assert str(file.name) in str(error)


@pytest.mark.parametrize(
    "name",
    ['a "b" c', "two\nlines", "a]", "x = 1", "# no comment", "[events]", "tab\there", "naïve 🛒",
     "\u202eevil", "a.b.c", "it's", "back\\slash", "\x7f", "'''", '"""'],
)  # fmt: skip
def test_odd_names_are_quoted(name, tmp_path):
    events = draft_of(events_with(tmp_path, {name + " price": "5.5"}))["events"]
    assert {key: events[key] for key in ("user_id", "product_id", "event_type", "timestamp")} == {
        "user_id": "user_id", "product_id": "sku", "event_type": "action", "timestamp": "when",
    }  # fmt: skip
    if "unit_price" in events:
        assert events["unit_price"] == (name + " price").strip()


def test_five_thousand_columns(tmp_path):
    file = events_with(tmp_path, {f"feature {n}": "0.5" for n in range(5000)})
    found = inspect_files(file, today=TODAY)
    assert tomllib.loads(found.draft.toml)["events"]["product_id"] == "sku"
    assert len(found.draft.toml) < 5000
    assert "and 4,944 columns more" in as_text(found, None)


def test_column_without_a_name_is_passed_over(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text(",user_id,sku,action,when\n0,u1,p1,view,2024-05-13T10:00:00Z\n")
    assert draft_of(file)["events"]["user_id"] == "user_id"


def test_links_that_lead_out_are_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = events_with(outside, {})
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "events.csv").symlink_to(secret)
    with pytest.raises(UserError, match="leads out of"):
        inspect_files(folder, today=TODAY)
    (folder / "events.csv").unlink()
    (folder / "below").symlink_to(outside)
    with pytest.raises(UserError, match="leads out of"):
        inspect_files(folder, today=TODAY)


PEOPLE = {
    "customer": [f"K-{n}-{7919 * n}" for n in range(40)],
    "E-Mail": [f"ann.{n}@example.org" for n in range(40)],
    "Vorname": ["Annegret"] * 40,
    "note": ["call Annegret on 0171"] * 40,
    "unknown thing": [f"Annegret {n}" for n in range(40)],
    "ip": [f"10.1.2.{n}" for n in range(40)],
    "order_no": [f"ORD{n}x" for n in range(40)],
}


@pytest.mark.parametrize("swapped", [False, True])
def test_no_value_of_a_persons_column_is_in_any_output(swapped, tmp_path):
    columns = PEOPLE | {
        "sku": [f"p{n % 5}" for n in range(40)],
        "when": ["2024-05-13T10:00:00Z"] * 40,
    }
    # Names of events stand under a name that means something else, and the reverse.
    columns["action"] = PEOPLE["E-Mail"] if swapped else ["view"] * 40
    file = tmp_path / "events.parquet"
    pl.DataFrame(columns).write_parquet(file)
    found = inspect_files(file, today=TODAY)
    said = found.draft.toml + as_text(found, Path("shop.toml")) + json.dumps(as_json(found))
    for secret in ("Annegret", "example.org", "10.1.2.", "ORD1", "K-1-", "0171"):
        assert secret not in said


@pytest.mark.parametrize("rows", [60, 300])
def test_event_names_that_are_people_are_not_shown(rows, tmp_path):
    file = tmp_path / "events.csv"
    text = "".join(f"u{n},p1,Ann Smith {n},2024-05-13T10:00:00Z\n" for n in range(rows))
    file.write_text("user_id,sku,action,when\n" + text)
    found = inspect_files(file, today=TODAY)
    said = found.draft.toml + as_text(found, Path("shop.toml")) + json.dumps(as_json(found))
    assert "Smith" not in said


def test_odd_names_of_folders_and_files_are_quoted(tmp_path):
    folder = tmp_path / "in\n[users]"
    folder.mkdir()
    events_with(folder, {}).rename(folder / 'ev"en\nts.csv')
    events = draft_of(folder)
    assert [*events] == ["events"]
    assert events["events"]["file"] == 'ev"en\nts*.csv'


def said_of(found) -> str:
    """All that is written, printed and given as JSON."""
    return found.draft.toml + as_text(found, Path("shop.toml")) + json.dumps(as_json(found))


@pytest.mark.parametrize(
    ("kinds", "secret"),
    [
        ([("Ann Smith", "Bo Miller", "Cy Young")[n % 3] for n in range(60)], "Smith"),
        ([f"ann{n % 4}@example.org" for n in range(60)], "example.org"),
        (["view" if n % 3 else f"ann{n % 4}@example.org" for n in range(60)], "example.org"),
        (["view" if n % 3 else f"+49 171 23456{n % 7}" for n in range(60)], "171"),
        ([("view", "smith")[n % 30 < 20] for n in range(60)], None),
        ([f"smith {n // 3}" for n in range(60)], "smith"),  # of one person each
        (["Smith, Ann"] * 60, "Smith"),
    ],
    ids=["people", "addresses", "some addresses", "telephones", "events", "own names", "constant"],
)
@pytest.mark.parametrize("named", ["type", "action"])
def test_a_column_called_a_type_does_not_show_people(tmp_path, named, kinds, secret):
    file = tmp_path / "events.csv"
    rows = [
        f"u{n // 3},p{n % 5},{json.dumps(kind)},2024-05-13T10:00:{n:02}Z"
        for n, kind in enumerate(kinds)
    ]
    file.write_text("\n".join([f"user_id,sku,{named},when", *rows]) + "\n")
    said = said_of(inspect_files(file, today=TODAY))
    if secret is None:
        assert "smith" in said
    else:
        assert secret not in said
        assert "may be people" in said or "same value" in said or "e-mail" in said


HEADERLESS = {
    "dates": "ann,mug,x1,2024-05-13T10:00:00Z\nbob,cup,x2,2024-05-14T10:00:00Z\n",
    "numbers": "ann,mug,x1,17.5\nbob,cup,x2,3.5\n",
    "events": "ann,mug,view,web\nbob,cup,purchase,web\n",
    "a word that names columns": "ann,book,x1,2024-05-13T10:00:00Z\nbob,book,x2,2024-05-14\n",
}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("kind", HEADERLESS)
def test_a_first_row_of_values_is_no_header(tmp_path, kind, separator):
    file = tmp_path / "log.csv"
    file.write_text(HEADERLESS[kind].replace(",", separator))
    with pytest.raises(
        UserError, match=r"not column names; add a first row with 4 names"
    ) as raised:
        inspect_files(file, today=TODAY)
    assert "ann" not in str(raised.value)
    events_with(tmp_path, {})
    found = inspect_files(tmp_path, today=TODAY)
    assert [*found.unreadable] == ["log.csv"]
    assert tomllib.loads(found.draft.toml)["events"]["file"] == "events*.csv"


def test_a_header_with_names_that_are_numbers_is_a_header(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("user_id,sku,action,when,2023,7\nu1,p1,view,2024-05-13,2,5\n")
    assert draft_of(file)["events"]["user_id"] == "user_id"
