"""Values of a TOML section, checked: the right type, known keys, one message that names the place.

Belongs here: what any section may get wrong. Does not belong here: what the keys of a mapping mean
(`mapping.py`, `value_settings.py`).

`where` is what messages call the section, as in `mapping shop.toml [events]`.
"""

from collections.abc import Collection, Hashable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from persona_assets.errors import UserError

Key = TypeVar("Key", bound=Hashable)


def refuse_unknown(given: Collection[str], known: tuple[str, ...], where: str, kind: str) -> None:
    """Check that every key is a known one.

    Raises:
        UserError: one is not; the text names the nearest.
    """
    for key in given:
        if key not in known:
            nearest = get_close_matches(key, known, n=1)
            hint = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise UserError(f"{where}: unknown {kind} {key!r}; {hint}use one of {', '.join(known)}")


def table_of(value: object, where: str) -> dict[str, object]:
    """A section's keys and values.

    Raises:
        UserError: it is something else.
    """
    if not isinstance(value, dict):
        raise UserError(f"{where} is {value!r}; make it a section of keys and values")
    return value


def subsection(
    body: dict[str, object], name: str, known: tuple[str, ...], where: str
) -> dict[str, object]:
    """The keys and values of `[section.name]`; none where there is no such section.

    Raises:
        UserError: it is no section, or has an unknown key.
    """
    inside = f"{where[:-1]}.{name}]"
    found = table_of(body.get(name, {}), inside)
    refuse_unknown(found, known, inside, "key")
    return found


def text_of(value: object, key: str, wanted: str, where: str) -> str:
    """A text that is not empty.

    Raises:
        UserError: it is none; the text says what is wanted.
    """
    if not isinstance(value, str) or not value:
        found = "is missing" if value is None else f"is {value!r}"
        raise UserError(f"{where}: {key!r} {found}; give {wanted}")
    return value


def texts_of(value: object, key: str, wanted: str, where: str) -> tuple[str, ...]:
    """A text, or a list of texts.

    Raises:
        UserError: it is neither.
    """
    listed = value if isinstance(value, list) else [value]
    return tuple(text_of(each, key, wanted, where) for each in listed)


def scalars_of(body: Mapping[Key, object], setting: str, where: str) -> dict[Key, str]:
    """Texts, numbers and yes/no as the text that a file would have.

    Raises:
        UserError: a value is none of these.
    """
    texts = {}
    for key, value in body.items():
        if isinstance(value, bool):
            texts[key] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            texts[key] = str(value)
        else:
            raise UserError(
                f"{where}: {setting}.{key} is {value!r}; give a text, a number or true/false"
            )
    return texts
