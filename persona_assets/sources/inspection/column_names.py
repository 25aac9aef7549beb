"""What a column's name says of its meaning.

Belongs here: from a name to the column of ours that it probably is. Does not belong here: the words
(`vocabulary.py`), what the values say (`columns.py`), and which of several columns is taken
(`roles.py`).
"""

import re
import unicodedata
from functools import cache
from itertools import pairwise

from persona_assets.sources.inspection.vocabulary import PARTS, WORDS
from persona_assets.sources.reading.headers import DATA
from persona_assets.sources.reading.paths import Field, ways

_MEANING = {word: meaning for meaning, words in WORDS.items() for word in words.split()}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TOKEN = re.compile(r"[^\W_]+")

KEYS = ("user_id", "product_id", "order_id", "event_id", "session")
UNKNOWN = "unknown"
EXACT = 3.0
"""Score of a name every word of which is understood."""
_GENERIC = frozenset(
    {"identifier", "name", "kind", "amount", "time", "day", "at", "status", "from", "since"}
)
"""Words that say little without the object that they are of."""


def looks_like_data(name: str) -> bool:
    """Whether a name is rather a value, which must not be shown."""
    return DATA.fullmatch(name) is not None


def words_of(name: str) -> list[str]:
    """The words of a name, of a path those of its last field, in lower case."""
    return _TOKEN.findall(_CAMEL.sub(" ", _fields(name)[-1]).replace("_", " ").lower())


@cache
def meanings(name: str) -> tuple[str, ...]:
    """What each word of a name means, `unknown` for one that is none of ours.

    Of a path, the last field's words count, and those of the fields around it where it is too
    general alone: `customer.id`.
    """
    found: list[str] = []
    for field in reversed(_fields(name)):
        found = [*_of_field(field), *found]
        if not {*found} <= _GENERIC:
            break
    # The identifier of a device stands for somebody; its name or kind (`mobile`) does not.
    device = "device" if "identifier" in found else UNKNOWN
    return tuple(device if each == "machine" else each for each in found)


def speaks_of(name: str, meaning: str) -> bool:
    """Whether a name, or any field on a path, has a word of a meaning: `privacy_info.storage`."""
    return any(meaning in _of_field(field) for field in _fields(name))


@cache
def role_of(name: str) -> tuple[str, float]:
    """The column of ours that a name means, and how sure that is (0: not at all; 3: a known name).

    Besides columns of the raw tables: `session`, `currency`, `person` (what describes a person),
    `total` (an amount that may be of a whole line or order), `identifier` and `none`.
    """
    found = meanings(name)
    role = _role(frozenset(found), len(found))
    unknown = found.count(UNKNOWN)
    score = EXACT - unknown - 0.25 * max(0, len(found) - unknown - 2)
    if role in KEYS and unknown and "identifier" not in found:
        score -= 1  # a `user_group` is no user
    return (role, score) if role != "none" and score > 1 else ("none", 0.0)


_NO_DAY = "identifier kind name status event session price amount total quantity person"
"""Words beside which `registered` or `signup` says what it is about, and not when it was."""
_RULES: tuple[tuple[frozenset[str], frozenset[str], str], ...] = tuple(
    (frozenset(any_of.split()), frozenset(none_of.split()), role)
    for any_of, none_of, role in (
        ("consent", "", "consent"),
        ("parent", "", "none"),
        ("currency", "", "currency"),
        ("country", "", "country"),
        ("quantity", "", "quantity"),
        ("valid since", "", "valid_from"),
        ("arrival", "", "arrived_at"),
        ("signup", _NO_DAY, "signup_date"),
        ("time day", "price amount total", "times"),
        ("results", "", "results"),
        ("total", "", "total"),
        ("price", "", "unit_price"),
        ("amount", "", "amounts"),
        ("brand", "", "brand"),
        ("category", "", "category"),
        ("query", "", "query"),
        ("person", "", "person"),
        ("event", "", "events"),
        ("status", "who", "status"),
        ("name", "order session who", "name"),
        ("session", "kind name", "session"),
        ("who device", "product kind name status", "user_id"),
        ("who", "product", "person"),
        ("product variant", "who kind name", "product_id"),
        ("order", "who kind name", "order_id"),
        ("kind", "who product order session", "kinds"),
        ("identifier", "who product order session", "identifier"),
    )
)
"""Meanings of which one must be there, those that must not, the role: the first that fits."""


def _role(there: frozenset[str], words: int) -> str:
    for any_of, none_of, role in _RULES:
        if there & any_of and not there & none_of:
            return _closer(role, there, words)
    return "none"


def _closer(role: str, there: frozenset[str], words: int) -> str:
    """The role itself, or, of several that one rule is about, the one that is meant."""
    if role == "valid_from" and "since" in there and there & {"who", "signup"}:
        return "signup_date"  # a customer since then, which is no change of what is known of them
    if role == "times":
        if "who" in there and not there & {"event", "order", "bought"}:
            return "signup_date"
        return next((ours for meaning, ours in _OF_TIMES.items() if meaning in there), "timestamp")
    if role == "total" and {"unit", "price"} <= there:
        return "unit_price"  # with tax, or without
    if role == "amounts":
        return "unit_price" if "unit" in there else "total"
    if role == "events":
        return "event_id" if "identifier" in there and "kind" not in there else "event_type"
    if role == "kinds":
        return "event_type" if words == 1 else "none"
    return role


_OF_TIMES = {"signup": "signup_date", "launch": "launch_date", "person": "none"}


def _of_field(field: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", field.replace("ß", "ss"))
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    tokens = _TOKEN.findall(_CAMEL.sub(" ", letters).lower())
    found = [meaning for token in tokens for meaning in _of_token(token)]
    if {*tokens} & _VALID and {*tokens} & _UNTIL:
        return [UNKNOWN]  # of a history, only the beginnings are read
    if tokens[:2] == ["stock", "code"]:
        return ["product", "identifier"]
    if tokens[:2] == ["distinct", "id"]:  # Mixpanel's and PostHog's
        return ["who", "identifier"]
    if any(pair in _OPTED_IN for pair in pairwise(tokens)):
        return [*found, "consent"]
    return found


_VALID = {"valid", "effective", "gueltig", "gultig"}
_UNTIL = {"to", "until", "till", "thru", "through", "end", "ends", "bis"}
_OPTED_IN = (("opt", "in"), ("opted", "in"))


def _of_token(token: str) -> list[str]:
    if token in _MEANING:
        return [_MEANING[token]]
    rest = token
    found: list[str] = []
    while rest:
        part = next(((text, meaning) for text, meaning in PARTS if rest.startswith(text)), None)
        if part is None:
            whole = _MEANING.get(rest)
            return [*found, whole] if whole else [UNKNOWN]
        found.append(part[1])
        rest = rest[len(part[0]) :]
    return found


def _fields(name: str) -> list[str]:
    """The names of the column and the fields on a path, or the one name."""
    path = ways(name)[-1]
    steps = [step.name for step in path.steps if isinstance(step, Field)]
    return [path.root, *steps]
