"""`persona check`: what is said of a shop's files before anything is made of them."""

import json
import sys
from datetime import date

import pytest

from persona_assets.cli.main import main
from persona_assets.errors import UserError
from persona_assets.sources.inspection import inspect_files
from persona_assets.sources.validation import (
    check_files,
    refuse_what_does_not_fit,
    what_is_wrong,
)

TODAY = date(2024, 6, 1)
MAPPING = """
[events]
file = "events*"
user_id = "who"
product_id = "sku"
event_type = "action"
timestamp = "time"
unit_price = "price"
"""
CONSENT = "[events.constants]\nconsent = true\n"
HEADER = "who,sku,action,time,price\n"
ROWS = """ann,1,view,2024-05-13T10:00:00Z,5
ann,1,view,2024-05-13T10:00:00Z,5
bob,2,purchase,2024-05-15T10:00:00Z,7
,2,purchase,2024-05-15T11:00:00Z,7
bob,2,purchase,rubbish,7
cy,2,purchase,2024-05-14T10:00:00Z,-1
"""


@pytest.fixture
def shop(tmp_path):
    """shop(rows, mapping) → a folder and its mapping."""

    def write(rows=ROWS, mapping=MAPPING + CONSENT):
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        (folder / "events.csv").write_text(HEADER + rows)
        path = tmp_path / "shop.toml"
        path.write_text(mapping)
        return folder, path

    return write


def test_every_row_is_accepted_or_rejected_by_one_rule(shop):
    result = check_files(*shop(), today=TODAY)
    assert result.to_dict() == {
        "range": ["2024-05-13", "2024-05-15"],
        "rows": 6,
        "accepted": 2,
        "rejected": {
            "exact_duplicate": 1,
            "missing_user": 1,
            "negative_price": 1,
            "unreadable_timestamp": 1,
        },
        "users": 2,
        "products": 2,
        "events": {"purchase": 1, "view": 1},
        "notes": list(result.notes),
    }
    assert result.rejected["unreadable_timestamp"].place == "events.csv row 5"
    assert result.rejected["unreadable_timestamp"].texts == {"rubbish": 1}
    assert result.rejected["missing_user"].texts == {}


def test_a_single_file_is_checked_as_the_events_whatever_file_the_mapping_names(shop):
    folder, mapping = shop(mapping=MAPPING.replace("events*", "other*") + CONSENT)
    assert check_files(folder / "events.csv", mapping, today=TODAY).rows == 6


def test_open_consent_is_noted_and_does_not_hide_the_rest(shop):
    result = check_files(*shop(mapping=MAPPING), today=TODAY)
    assert result.accepted == 2
    assert any("consent is neither mapped nor stated in [events]" in note for note in result.notes)


def test_a_mapping_that_sends_most_rows_into_quarantine_is_refused(shop):
    assert what_is_wrong(check_files(*shop(), today=TODAY), most_rejected=0.7) is None
    result = check_files(*shop(rows=ROWS.replace("view", "shrug")), today=TODAY)
    with pytest.raises(UserError, match=r"4 of 5 rows .* would be rejected: .*unknown_event_type"):
        refuse_what_does_not_fit(result, most_rejected=0.7)
    assert result.notes[0].startswith("the mapping does not fit the files")
    refuse_what_does_not_fit(result, most_rejected=1)


def test_a_mapping_that_sends_all_purchases_into_quarantine_is_refused(shop):
    rows = "".join(f"u{n},1,view,2024-05-13T10:00:00Z,5\n" for n in range(9))
    rows += "bob,2,purchase,2024-05-15T10:00:00Z,-7\n"
    result = check_files(*shop(rows=rows), today=TODAY)
    with pytest.raises(UserError, match="all 1 purchases would be rejected: negative_price 1"):
        refuse_what_does_not_fit(result, most_rejected=0.5)
    refuse_what_does_not_fit(result, most_rejected=1)


def test_overlapping_deliveries_and_unused_events_do_not_speak_against_a_mapping(shop):
    rows = "ann,1,view,2024-05-13T10:00:00Z,5\n" * 9 + "ann,,unused,2024-05-13T10:00:00Z,\n" * 9
    result = check_files(*shop(rows=rows), today=TODAY)
    assert result.rejected.keys() == {"exact_duplicate", "unused_event_type"}
    assert what_is_wrong(result, most_rejected=0.5) is None


def test_the_command_prints_the_json_and_nothing_else(shop, monkeypatch, capsys):
    folder, mapping = shop()
    arguments = ["persona", "check", "--path", str(folder), "--mapping", str(mapping), "--json"]
    monkeypatch.setattr(sys, "argv", arguments)
    main()
    told = json.loads(capsys.readouterr().out)
    assert list(told) == [
        "range", "rows", "accepted", "rejected", "users", "products", "events", "notes",
    ]  # fmt: skip
    assert told["accepted"] + sum(told["rejected"].values()) == told["rows"]


def test_the_command_without_json_shows_texts_and_places_but_no_person(shop, monkeypatch, capsys):
    folder, mapping = shop()
    monkeypatch.setattr(
        sys, "argv", ["persona", "check", "--path", str(folder), "--mapping", str(mapping)]
    )
    main()
    printed = capsys.readouterr().out
    assert "rubbish" in printed
    assert "first: events.csv row 5" in printed
    assert not any(person in printed for person in ("ann", "bob", "cy"))


def test_files_that_cannot_be_read_are_one_message_and_exit_code_2(shop, monkeypatch, capsys):
    folder, _ = shop()
    for path, mapping in ((folder, folder), (folder / "none", "ga4"), (folder, "g4")):
        monkeypatch.setattr(
            sys, "argv", ["persona", "check", "--path", str(path), "--mapping", str(mapping)]
        )
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        assert (stopped.value.code, printed.out) == (2, "")
        assert printed.err.startswith("error: ")


def test_of_large_files_a_seeded_sample_is_looked_at_and_all_only_when_asked(shop, monkeypatch):
    monkeypatch.setattr("persona_assets.sources.validation.SAMPLE_ROWS", 10)
    rows = "".join(f"u{n},1,view,2024-05-13T10:00:{n:02d}Z,5\n" for n in range(40))
    folder, mapping = shop(rows=rows)
    (folder / "events2.csv").write_text(HEADER + rows.replace("u", "v"))
    first, again = (check_files(folder, mapping, today=TODAY, everything=False) for _ in "ab")
    assert first == again
    assert (first.rows, first.accepted) == (10, 10)
    assert "read 10 of 80 rows of [events]" in " ".join(first.notes)
    whole = check_files(folder, mapping, today=TODAY)
    assert whole.rows == 80
    assert not any("looked at" in note for note in whole.notes)


def test_a_misspelt_event_name_stops_before_any_work_and_is_shown_with_its_mapping(shop):
    rows = "".join(f"u{n},1,view,2024-05-13T10:00:00Z,5\n" for n in range(30))
    rows += "".join(f"u{n},1,purchas,2024-05-13T11:00:00Z,5\n" for n in range(3))
    result = check_files(*shop(rows=rows), today=TODAY)
    with pytest.raises(
        UserError,
        match=r"3 of 33 rows .* unknown event names .*'purchas' 3; .*"
        r"\[events\.values\.event_type\]: \"purchas\" = ",
    ):
        refuse_what_does_not_fit(result, most_rejected=0.5)
    one = check_files(*shop(rows=rows[: rows.index("u1,1,purchas")]), today=TODAY)
    assert what_is_wrong(one, most_rejected=0.5) is None  # a single slip stops nobody


def test_people_who_may_be_one_are_counted_and_not_named(tmp_path):
    rows = [("1001.0", 1), ("1001", 2), ("guest", 3)]
    lines = [f"{user},p1,view,2024-05-13T10:00:0{n}Z" for user, n in rows]
    (tmp_path / "events.csv").write_text("\n".join(["user,sku,type,time", *lines]) + "\n")
    mapping = tmp_path / "shop.toml"
    mapping.write_text(
        '[events]\nfile = "events.csv"\nuser_id = "user"\nproduct_id = "sku"\n'
        'event_type = "type"\ntimestamp = "time"\n[events.constants]\nconsent = true\n'
    )
    result = check_files(tmp_path, mapping, today=date(2024, 6, 1))
    assert result.users == 3
    note = next(each for each in result.notes if "spelled in two ways" in each)
    assert note.startswith(
        "of user_id, 1 are spelled in two ways such as 17850 and 17850.0 (2 rows)"
    )
    assert "1001" not in note
    found = inspect_files(tmp_path / "events.csv", today=date(2024, 6, 1))
    assert "1 in two spellings" in found.draft.toml
    assert "1001" not in found.draft.toml
