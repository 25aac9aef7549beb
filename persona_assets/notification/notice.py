"""What is told of a run.

Belongs here: the message and its forms. Does not belong here: sending it (`delivery.py`), or when
(`cli/run.py`, `orchestration/notifying.py`).

A message leaves the machine, so it names runs, tables, checks and partitions, and nothing of the
data: no path, no description of a failure, no row.
"""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from persona_assets.run_record import CheckOutcome

TELLING = frozenset({"delivered", "volume", "event_names"})
"""Checks of which a warning is told as well: nobody sees a delivery that did not come."""
_NAMED = 20


@dataclass(frozen=True)
class Notice:
    """One message.

    Attributes:
        subject: what happened, in a few words.
        home: name of the home's folder.
        host: name of the machine.
        at: when it happened (UTC).
        error: class of the error; empty: none.
        run: Dagster's identifier of the run; empty: it had several.
        checks: `table check partition` of each check that tells something.
        advice: what to do.
    """

    subject: str
    home: str
    host: str
    at: datetime
    error: str = ""
    run: str = ""
    checks: tuple[str, ...] = ()
    advice: str = "see `persona report` or the runs in `persona ui`"

    def text(self) -> str:
        """The message for people, a line per fact."""
        lines = [f"{self.subject}: home {self.home} on {self.host}, {self.at:%Y-%m-%d %H:%M} UTC"]
        if self.error:
            lines.append(f"error: {self.error}")
        if self.run:
            lines.append(f"run: {self.run}")
        lines += [f"check: {each}" for each in self.checks[:_NAMED]]
        if (more := len(self.checks) - _NAMED) > 0:
            lines.append(f"and {more} more checks")
        return "\n".join([*lines, self.advice])

    def document(self) -> dict[str, Any]:
        """The message for programs; `text` is what Slack, Mattermost and Teams show."""
        return {
            "text": self.text(),
            "subject": self.subject,
            "home": self.home,
            "host": self.host,
            "at": self.at.isoformat(timespec="seconds"),
            "error": self.error,
            "run": self.run,
            "checks": list(self.checks),
        }


def failure(
    home: Path, error: str, at: datetime, checks: Iterable[str] = (), run: str = ""
) -> Notice:
    """The notice of a run that failed with an error of the class named `error`."""
    return Notice(
        "persona run failed", home.name, socket.gethostname(), at, error, run, tuple(checks)
    )


def warning(home: Path, at: datetime, checks: Iterable[str], run: str = "") -> Notice:
    """The notice of a run that went well, and of which some checks warn."""
    return Notice(
        "persona: a delivery is missing or unusual",
        home.name,
        socket.gethostname(),
        at,
        run=run,
        checks=tuple(checks),
    )


def failed(outcomes: Iterable[CheckOutcome]) -> list[str]:
    """Names of the checks that failed."""
    return [_name(each) for each in outcomes if each.outcome == "failed"]


def warned(outcomes: Iterable[CheckOutcome], before: Iterable[CheckOutcome]) -> list[str]:
    """Names of the checks of deliveries that warn now and did not before."""
    known = {(each.asset, each.check, each.partition, each.outcome) for each in before}
    return [
        _name(each)
        for each in outcomes
        if each.outcome == "warned"
        and each.check in TELLING
        and (each.asset, each.check, each.partition, each.outcome) not in known
    ]


def _name(outcome: CheckOutcome) -> str:
    return f"{outcome.asset} {outcome.check} {outcome.partition}".strip()
