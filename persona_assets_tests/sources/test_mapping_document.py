"""The file behind `--mapping`: presets, what extends them, stated consent, paths that are none."""

import pytest

from persona_assets.errors import UserError
from persona_assets.sources.mapping_document import merged
from persona_assets.sources.presets import PRESETS
from persona_assets_tests.sources.mapping_files import read_mapping


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_mapping_once_consent_is_stated(name):
    mapping = read_mapping(name, consent="all")
    assert mapping.tables["events"].constants["consent"] == "true"
    with pytest.raises(UserError, match="consent is neither mapped nor stated"):
        read_mapping(name)


def test_an_own_file_extends_a_preset_and_wins(tmp_path):
    own = tmp_path / "shop.toml"
    own.write_text(
        'extends = "retailrocket"\n[events]\nfile = "log.csv"\nquantity = "n"\n'
        '[events.values.event_type]\nwish = "unused"\n[events.constants]\nconsent = true\n'
    )
    events = read_mapping(own).tables["events"]
    assert events.file == "log.csv"
    assert events.columns["quantity"] == "n"
    assert events.columns["user_id"] == "visitorid"
    assert events.values["event_type"] == {
        "addtocart": "add_to_cart",
        "transaction": "purchase",
        "wish": "unused",
    }


def test_what_a_person_states_replaces_what_the_preset_maps_and_the_reverse():
    base = {"events": {"a": "A", "constants": {"b": "1"}, "values": {"a": {"x": "y"}}}}
    own = {"events": {"b": "B", "constants": {"a": "2"}}}
    assert merged(base, own) == {"events": {"b": "B", "constants": {"a": "2"}, "values": {}}}


def test_consent_is_not_stated_twice(tmp_path):
    own = tmp_path / "shop.toml"
    own.write_text('extends = "ga4"\n[events]\nconsent = "agreed"\n')
    with pytest.raises(UserError, match="already says who consented"):
        read_mapping(own, consent="all")
    with pytest.raises(UserError, match="--consent is 'some'"):
        read_mapping("ga4", consent="some")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'extends = "g4"\n', r"extends = 'g4' is no preset; did you mean 'ga4'\?"),
        (b"extends = 3\n", "extends = 3 is no preset"),
        (b"[events\xff]\n", "is not TOML: .*decode"),
        (b"\x00", "is not TOML"),
        (b"x = " + b"[" * 5000, "nested too deeply|is not TOML"),
    ],
)
def test_a_document_that_is_none_is_one_message(tmp_path, text, message):
    path = tmp_path / "shop.toml"
    path.write_bytes(text)
    with pytest.raises(UserError, match=message):
        read_mapping(path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("ga", r"there is no mapping ga; did you mean the preset 'ga4'\?"),
        (".", "is a folder; name the TOML file in it"),
        ("no\x00thing", r"mapping no\\x00thing cannot be read: embedded null"),
        ("no\udcffthing", r"there is no mapping no\\udcffthing"),
        ("x" * 300, "cannot be read: File name too long"),
    ],
)
def test_a_path_that_is_no_mapping_is_one_message(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        read_mapping(path)
