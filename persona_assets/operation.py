"""Settings of everyday operation: how far back the scheduler looks, what is alarming, who is told.

Belongs here: their names, types, defaults and validation; `settings/` reads the environment and
calls `operation`. Does not belong here: what is done with them (`orchestration/`,
`orchestration/checks/`, `notification/`). None of them changes what a table holds.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from persona_assets.errors import UserError

LOOK_BACK, QUARANTINE = "PERSONA_LOOK_BACK_DAYS", "PERSONA_QUARANTINE_LIMIT"
HISTORY = "PERSONA_HISTORY_DAYS"
URL, EMAIL, SMTP = "PERSONA_NOTIFY_URL", "PERSONA_NOTIFY_EMAIL", "PERSONA_SMTP_URL"
NAMES = frozenset({LOOK_BACK, HISTORY, QUARANTINE, URL, EMAIL, SMTP})


@dataclass(frozen=True)
class Operation:
    """How a home is kept running.

    Attributes:
        look_back_days: age of the oldest partition that the scheduler makes again by itself.
        history_days: age at which maintenance deletes failed Dagster runs, reports and failure
            logs.
        quarantine_limit: share of a day's rows in quarantine above which nothing may follow.
        notify_url: where a JSON message is posted when a run fails; it may hold a token.
        notify_email: to whom a message is sent.
        smtp_url: by which server: `smtp://user:password@host:587` or `smtps://…`.
    """

    look_back_days: int = 365
    history_days: int = 90
    quarantine_limit: float = 0.5
    notify_url: str = field(default="", repr=False)
    notify_email: str = ""
    smtp_url: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.look_back_days < 1:
            raise UserError(f"{LOOK_BACK} is {self.look_back_days}; give at least 1 day")
        if self.history_days < 1:
            raise UserError(f"{HISTORY} is {self.history_days}; give at least 1 day")
        if not 0 <= self.quarantine_limit <= 1:
            raise UserError(f"{QUARANTINE} is {self.quarantine_limit}; give a share from 0 to 1")
        if self.notify_url and not _is_address(self.notify_url, "http", "https"):
            raise UserError(f"{URL} is not an http:// or https:// address; correct or unset it")
        if self.notify_email and "@" not in self.notify_email:
            raise UserError(
                f"{EMAIL} is {self.notify_email!r}, which is not an address; correct it"
            )
        if bool(self.notify_email) != bool(self.smtp_url):
            raise UserError(f"{EMAIL} and {SMTP} belong together; set both or neither")
        if self.smtp_url and not _is_address(self.smtp_url, "smtp", "smtps"):
            raise UserError(f"{SMTP} is not an smtp://host:port or smtps://host:port; correct it")


def operation(environment: Mapping[str, str]) -> Operation:
    """The settings that the environment gives, defaults for the rest.

    Raises:
        UserError: a value is unusable; the text names the variable.
    """
    values: dict[str, object] = {}
    for name, variable in (("look_back_days", LOOK_BACK), ("history_days", HISTORY)):
        if text := environment.get(variable):
            if not re.fullmatch(r"\s*[0-9]{1,5}\s*", text):
                raise UserError(
                    f"{variable}={text!r} is not a whole number of days up to 99999; set e.g. 365"
                )
            values[name] = int(text)
    if text := environment.get(QUARANTINE):
        values["quarantine_limit"] = _share(text)
    texts = {"notify_url": URL, "notify_email": EMAIL, "smtp_url": SMTP}
    given = {name: environment.get(variable, "").strip() for name, variable in texts.items()}
    return Operation(**values, **given)  # type: ignore[arg-type]


def _is_address(url: str, *schemes: str) -> bool:
    """Has the URL one of these schemes, a host, and a port that can be?"""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is not a number or too large a one
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if math.isnan(share):
        raise UserError(f"{QUARANTINE}={text!r} is not a number; set a share from 0 to 1, e.g. 0.5")
    return share
