"""Records of the logs that are lines of JSON.

Belongs here: what a record that cannot be read says. Does not belong here: what records hold
(`serving/collector/`, `serving/served/`).
"""

from typing import TypeVar

import msgspec

from persona_assets.errors import DataError

_Record = TypeVar("_Record")


def decoded(
    decoder: msgspec.json.Decoder[_Record], record: bytes, *, log: str, meant: str
) -> _Record:
    """What a record holds.

    Args:
        decoder: of records of this log.
        record: one of its lines.
        log: name of the log, for the error.
        meant: what a record of it is, with its article, for the error.

    Raises:
        DataError: it is none; its text is not repeated.
    """
    try:
        return decoder.decode(record)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(
            f"a record of the {log} is not {meant} ({type(error).__name__}); use the version of "
            "persona_assets that wrote it"
        ) from None
