"""The exceptions that the whole package raises on purpose.

Belongs here: the classes that tell a caller *whose* fault it is. Does not belong here: messages
(the raiser knows the column, the partition and the remedy) or exit codes (`cli/`).
"""

from collections.abc import Sequence


class PersonaError(Exception):
    """Anything this package raises deliberately; its text ends with what to do."""


class UserError(PersonaError):
    """A setting, argument, path or mapping that the person at the keyboard can correct."""


class DataError(PersonaError):
    """Data that breaks a promise: a schema, a key, a partition or a contract."""


class FailedChecksError(DataError):
    """Asset checks failed; `checks` are their tables, names and partitions, and no data."""

    def __init__(self, text: str, checks: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.checks = tuple(checks)

    def __reduce__(self) -> tuple[type["FailedChecksError"], tuple[str, tuple[str, ...]]]:
        """It comes out of other processes whole."""
        return type(self), (str(self), self.checks)


class InsufficientDataError(DataError):
    """Data that are in order, but hold too little for what is to be computed from them.

    Whoever computes tables skips that part and goes on; see `persona_assets.skipped`. The text is
    the reason alone, as it is read after "skipped, because".
    """


class InfrastructureError(PersonaError):
    """Storage, network or machine trouble; the same call may succeed later."""
