"""How the package's own errors end a Dagster step: which are retried."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from persona_assets.errors import DataError, UserError


@contextmanager
def permanent_failures() -> Iterator[None]:
    """Errors that another try cannot mend end the step at once, without retries.

    Infrastructure errors pass: the step's retry policy is for them.
    """
    try:
        yield
    except (DataError, UserError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
