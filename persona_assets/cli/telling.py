"""Telling somebody how a command's run ended.

Belongs here: when a command tells. Does not belong here: messages and sending (`notification/`),
runs of Dagster's daemon (`orchestration/notifying.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from persona_assets import settings as settings_module
from persona_assets.cli.output import say
from persona_assets.errors import FailedChecksError
from persona_assets.notification import notice
from persona_assets.notification.delivery import send
from persona_assets.run_record import CheckOutcome
from persona_assets.settings import FILE_NAME, Settings


@contextmanager
def of_failure() -> Iterator[None]:
    """Tell of whatever error ends the block, in a home that has run before, and raise it.

    What goes wrong before a home's first run goes wrong in front of whoever typed it.
    """
    settings = settings_module.load()
    known = (settings.home / FILE_NAME).is_file()
    try:
        yield
    except Exception as error:
        if known:
            checks = error.checks if isinstance(error, FailedChecksError) else ()
            told = notice.failure(settings.home, type(error).__name__, datetime.now(UTC), checks)
            _send(told, settings)
        raise


def of_warnings(
    settings: Settings, checks: Sequence[CheckOutcome], before: Sequence[CheckOutcome] | None
) -> None:
    """Tell of deliveries that are missing or unusual, unless an earlier run warned of them.

    Of the first run's warnings nothing is told (`before` is None): they are about the past.
    """
    if before is not None and (warned := notice.warned(checks, before)):
        _send(notice.warning(settings.home, datetime.now(UTC), warned), settings)


def _send(told: notice.Notice, settings: Settings) -> None:
    for trouble in send(told, settings.operation):
        say(trouble, label="warning:")
