"""Delivered values in messages, without the people that may be in them.

Belongs here: what of a value a message may show. Does not belong here: the messages. A column that
was mapped by mistake may hold anybody, so every text of a delivery goes through here.
"""

import re

LONGEST_TEXT = 60
_ADDRESS = re.compile(r"[^\s@,;<>\"']+@[^\s@,;<>\"']+")
_TELEPHONE = re.compile(r"^\+[0-9 ()/-]{9,}$")


def hidden(value: str) -> str:
    """A value without addresses and telephone numbers, cut to 60 characters."""
    text = _ADDRESS.sub("(an e-mail address)", value)
    if _TELEPHONE.match(text):
        text = "(a telephone number)"
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def shown(value: str | None) -> str:
    """A value for a message, in quotation marks; see `hidden`."""
    return "empty" if value is None else repr(hidden(value))
