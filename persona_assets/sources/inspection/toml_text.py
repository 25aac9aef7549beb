"""TOML as a person would write it: keys, texts, and a comment beside each line.

Belongs here: quoting whatever a shop's names hold, so that the result is TOML in any case. Does not
belong here: what is written.
"""

import json
import re
from collections.abc import Sequence

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What may not be in a comment, breaks lines for editors, or turns the direction of a text."""


def text(value: str) -> str:
    """A basic string, in double quotes."""
    return _UNPRINTABLE.sub(_escaped, json.dumps(value, ensure_ascii=False))


def key(name: str) -> str:
    """A key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else text(name)


def array(values: Sequence[str]) -> str:
    """A text, or an array of several."""
    return text(values[0]) if len(values) == 1 else f"[{', '.join(map(text, values))}]"


def line(name: str, value: str, comment: str = "") -> str:
    """`name = value  # comment`; `value` is TOML already."""
    return f"{key(name)} = {value}" + (f"  # {plain(comment)}" if comment else "")


def remark(words: str) -> str:
    """A line that is a comment."""
    return f"# {plain(words)}"


def plain(words: str) -> str:
    """Words for one line of a comment."""
    return _UNPRINTABLE.sub(_escaped, words)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
