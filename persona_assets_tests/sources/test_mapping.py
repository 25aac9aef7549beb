"""A mapping that is wrong must say where, and what to write instead."""

import pytest

from persona_assets.errors import UserError
from persona_assets.sources.value_settings import TimeReading
from persona_assets_tests.sources.mapping_files import read_mapping

EVENTS = """
[events]
file = "events*.csv"
user_id = "visitor"
product_id = "sku"
event_type = "action"
timestamp = "time"
"""
STATED = "[events.constants]\nconsent = true\n"


def mapping_of(folder, text):
    path = folder / "shop.toml"
    path.write_text(text)
    return read_mapping(path)


def test_full_mapping_is_understood(tmp_path):
    text = (
        EVENTS
        + 'quantity = "n"\n'
        + STATED
        + "unit_price = 2.5\n"
        + '[events.values.event_type]\ncart = "add_to_cart"\n[events.values.quantity]\nmany = 12\n'
        + '[events.time]\nzone = "Europe/Berlin"\nformat = "%d.%m.%Y"\n'
        + '[products]\nfile = "items.parquet"\nproduct_id = "id"\n'
    )
    mapping = mapping_of(tmp_path, text)
    events = mapping.tables["events"]
    assert events.file == "events*.csv"
    assert events.columns == {
        "user_id": "visitor",
        "product_id": "sku",
        "event_type": "action",
        "timestamp": "time",
        "quantity": "n",
    }
    assert events.constants == {"consent": "true", "unit_price": "2.5"}
    assert events.values == {"event_type": {"cart": "add_to_cart"}, "quantity": {"many": "12"}}
    assert events.time == TimeReading("Europe/Berlin", ("%d.%m.%Y",), None)
    assert mapping.tables["products"].time == TimeReading()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[events]\nfile = a.csv\n", r"is not TOML: .*\(at line 2, column 8\); correct"),
        ("[products]\nfile = 'a.csv'\n", r"has no section \[events\]; add it"),
        (EVENTS + STATED + "[product]\n", r"unknown section 'product'; did you mean 'products'\?"),
        (
            EVENTS + 'user = "x"\n' + STATED,
            r"\[events\]: unknown key 'user'; did you mean 'user_id'",
        ),
        (EVENTS + 'source_row = "x"\n' + STATED, r"unknown key 'source_row'; .*use one of file"),
        (
            EVENTS + "[events.constants]\nconsnt = true\n",
            r"\[events\.constants\]: unknown key 'consnt'",
        ),
        (EVENTS + STATED + "[events.values.acton]\na = 'b'\n", r"\[events\.values\]: unknown key"),
        (EVENTS + STATED + "[events.time]\ntz = 'UTC'\n", r"\[events\.time\]: unknown key 'tz'"),
        (EVENTS, r"consent is neither mapped nor stated, and is never assumed; map consent = "),
        (
            EVENTS.replace('product_id = "sku"\n', "") + STATED,
            r"\[events\]: product_id missing; map each to their column, as in product_id = ",
        ),
        (EVENTS.replace('file = "events*.csv"\n', "") + STATED, r"'file' is missing; give a file"),
        (
            EVENTS.replace('"sku"', "7") + STATED,
            r"'product_id' is 7; give the name of their column",
        ),
        (EVENTS + 'consent = "agreed"\n' + STATED, r"\['consent'\] are mapped .* and stated"),
        (EVENTS + STATED + "[events.values.quantity]\na = 1\n", r"translated for \['quantity'\]"),
        (
            EVENTS + STATED + "[events.values.event_type]\na = [1]\n",
            r"values\.event_type\.a is \[1\]",
        ),
        (EVENTS + "[events.constants]\nconsent = 2024-01-01\n", r"constants\.consent is datetime"),
        (EVENTS + STATED + "[events.time]\nunit = 'min'\n", r"time\.unit is 'min'; use one of"),
        (
            EVENTS + STATED + "[events.time]\nunit = 's'\nzone = 'UTC'\n",
            r"already says from which day",
        ),
        (
            EVENTS + STATED + "[events.time]\nzone = 'Europe/Berln'\n",
            r"no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'\?",
        ),
        ("events = 1\n", r"\[events\] is 1; make it a section"),
        (EVENTS + "time = 5\n" + STATED, r"\[events\.time\] is 5; make it a section"),
        (EVENTS + STATED + '[search_logs]\nfile = "s"\n', r"\[search_logs\]: user_id, timestamp"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as raised:
        mapping_of(tmp_path, text)
    assert str(tmp_path / "shop.toml") in str(raised.value)


def test_missing_mapping_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no mapping .*shop\.toml"):
        read_mapping(tmp_path / "shop.toml")
