"""Names of events are understood as people write them, and never by resemblance alone."""

import pytest

from persona_assets.sources.event_names import as_mapping_lines, event_type_of, translation


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("view", "view"),
        ("Product Viewed", "view"),
        ("view_item", "view"),
        ("ADD-TO-CART", "add_to_cart"),
        ("addToCart", "add_to_cart"),
        ("Order Completed", "purchase"),
        ("PURCHASE", "purchase"),
        ("Order Refunded", "return"),
        ("remove_from_cart", "unused"),
        ("begin_checkout", "unused"),
        ("purchas", None),
        ("", None),
        ("vue", None),
    ],
)
def test_a_common_name_has_its_meaning_and_another_none(name, kind):
    assert event_type_of(name) == kind


def test_only_names_that_must_be_translated_are_in_the_translation():
    assert translation(["view", "PURCHASE", "wink"]) == {"PURCHASE": "purchase"}


def test_lines_of_a_mapping_leave_open_what_nobody_knows():
    lines = as_mapping_lines(["PURCHASE", "wink"])
    assert '"PURCHASE" = "purchase"' in lines
    assert '"wink" = "view | add_to_cart | purchase | return | unused"' in lines
