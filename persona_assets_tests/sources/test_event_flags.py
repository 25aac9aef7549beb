"""What happened, from columns that say yes or no."""

from datetime import date

import pytest

from persona_assets.errors import UserError
from persona_assets.sources.files import FilesSource
from persona_assets.sources.mapping import parsed
from persona_assets.sources.validation import validate

TODAY = date(2024, 6, 1)


def source_of(folder, flags, rows, **more):
    (folder / "events.csv").write_text(
        "user,product,time,cart,bought\n"
        + "".join(f"ann,p{at},2024-05-13 10:{at:02}:00,{row}\n" for at, row in enumerate(rows))
    )
    events = {"file": "events.csv", "user_id": "user", "product_id": "product",
              "timestamp": "time", "event_type": flags, "constants": {"consent": True}}  # fmt: skip
    return FilesSource(folder, parsed({"events": events | more}, folder / "m.toml"), today=TODAY)


FLAGS = {"purchase": "bought", "add_to_cart": "cart"}


ANSWERS = [("1", "0"), ("True", "False"), ("yes", "no"), ("1.0", "0.0"), ("t", "")]


@pytest.mark.parametrize(("yes", "no"), ANSWERS)
def test_the_first_flag_that_says_yes_counts(tmp_path, yes, no):
    rows = [f"{no},{no}", f"{yes},{no}", f"{no},{yes}", f"{yes},{yes}"]
    source = source_of(tmp_path, FLAGS, rows, defaults={"event_type": "view"})
    kinds = source.events([date(2024, 5, 13)])["event_type"].to_list()
    assert kinds == ["view", "add_to_cart", "purchase", "purchase"]


def test_what_is_neither_yes_nor_no_is_rejected_with_its_text(tmp_path):
    rows = ["0,1", "0,1", "0,maybe", "0,0"]
    result = validate(source_of(tmp_path, FLAGS, rows, defaults={"event_type": "view"}))
    assert result.events == {"purchase": 2, "view": 1}
    assert result.rejected["unknown_event_type"].texts == {"maybe": 1}


def test_their_words_are_translated(tmp_path):
    rows = ["nein,ja", "ja,nein"]
    values = {"event_type": {"ja": "true", "nein": "false"}}
    source = source_of(tmp_path, FLAGS, rows, values=values)
    assert source.events([date(2024, 5, 13)])["event_type"].to_list() == ["purchase", "add_to_cart"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({}, "names no column"),
        ({"buy": "bought"}, "unknown event type 'buy'"),
        ({"view": ""}, "'view' is ''"),
    ],
)
def test_flags_that_cannot_be_are_refused(tmp_path, flags, said):
    with pytest.raises(UserError, match=said):
        source_of(tmp_path, flags, ["0,1"])
