"""Decoding JSON against a type, with the field that is wrong.

Belongs here: turning msgspec's errors into fields. Does not belong here: any particular type.
"""

import re
from typing import TypeVar

import msgspec

from persona_assets.serving.collector.contract import UnreadableError

_T = TypeVar("_T")
_PATH = re.compile(r"^(?P<message>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)


def decoded(body: bytes | msgspec.Raw, type_: type[_T]) -> _T:
    """The JSON text as a value of a type; numbers may be written as texts, as many shops do.

    Raises:
        UnreadableError: it is no JSON, or not of the type.
    """
    try:
        return msgspec.json.decode(body, type=type_, strict=False)
    except msgspec.ValidationError as error:
        raise unreadable(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnreadableError("the body is not valid JSON in UTF-8") from None


def unreadable(error: msgspec.ValidationError) -> UnreadableError:
    """The error with its field; msgspec names types and bounds, and values of enumerations."""
    found = _PATH.match(str(error))
    path = (found and found["path"]) or ""
    message = (found and found["message"]) or "it cannot be read"
    missing = re.fullmatch(r"Object missing required field `([^`]*)`", message)
    if missing:
        return UnreadableError("it is missing", ".".join(filter(None, [_field(path), missing[1]])))
    if message.startswith("Invalid enum value"):  # it repeats the value
        message = "it is none of the known values"
    return UnreadableError(message, _field(path))


def _field(path: str) -> str:
    """`$.events[...].price` as `events[].price`."""
    return path.removeprefix("$").removeprefix(".").replace("[...]", "[]")
