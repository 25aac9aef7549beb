"""The exceptions that the whole package raises on purpose.

Belongs here: the classes that tell a caller *whose* fault it is. Does not belong here: messages
(the raiser knows the column, the partition and the mend) or exit codes (`cli/`).
"""


class PersonaError(Exception):
    """Anything this package raises deliberately; its text ends with what to do."""


class UserError(PersonaError):
    """A setting, argument, path or mapping that the person at the keyboard can mend."""


class DataError(PersonaError):
    """Data that breaks a promise: a schema, a key, a partition or a contract."""


class InsufficientDataError(DataError):
    """Data that are in order, but hold too little for what is to be computed from them.

    Whoever computes tables skips that part and goes on; see `persona_assets.skipped`. The text is
    the reason alone, as it is read after "skipped, because".
    """


class InfrastructureError(PersonaError):
    """Storage, network or machine trouble; the same call may succeed later."""
