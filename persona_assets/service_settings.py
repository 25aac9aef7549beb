"""Settings of the HTTP service: who may call it, how much, and what consent is taken for granted.

Belongs here: their names, types, defaults and validation; `settings/` reads the environment and
calls `service`. Does not belong here: what is done with them (`serving/api/`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from persona_assets.errors import UserError

API_KEYS, CONSENT = "PERSONA_API_KEYS", "PERSONA_EVENT_CONSENT"
RATE, BODY, DEMO = "PERSONA_RATE_LIMIT", "PERSONA_BODY_LIMIT", "PERSONA_DEMO"
NAMES = frozenset({API_KEYS, CONSENT, RATE, BODY, DEMO})
ON, OFF = "on", "off"
STATED, ALL = "stated", "all"


@dataclass(frozen=True)
class ServiceSettings:
    """How `persona serve` treats its callers.

    Attributes:
        api_keys: `off`, hashed keys as `serving/api/keys.py` reads them, or the path of a file of
            them; empty: the file `api_keys` of the home.
        event_consent: `stated`: an event or request that does not say that its person consented
            has no consent; `all`: the shop sends events of, and asks for, those alone who did.
        rate_limit: requests per second of each key.
        body_limit: bytes of a request's body.
        demo: `on`: the demo shop is at `/demo`; `off`: it is not; empty: it is where there are no
            keys, which is on this machine alone.
    """

    api_keys: str = field(default="", repr=False)
    event_consent: str = STATED
    rate_limit: int = 2_000
    body_limit: int = 1024 * 1024
    demo: str = ""

    def __post_init__(self) -> None:
        if self.event_consent not in (STATED, ALL):
            raise UserError(f"{CONSENT} is {self.event_consent!r}; use {STATED} or {ALL}")
        if self.demo not in ("", ON, OFF):
            raise UserError(f"{DEMO} is {self.demo!r}; use {ON} or {OFF}")
        if self.rate_limit < 1:
            raise UserError(f"{RATE} is {self.rate_limit}; give at least 1 request per second")
        if not 1_000 <= self.body_limit <= 16_000_000:
            raise UserError(f"{BODY} is {self.body_limit}; give 1000 to 16000000 bytes")

    @property
    def shows_demo(self) -> bool:
        """Is the demo shop served?"""
        return self.demo == ON or (not self.demo and self.api_keys == OFF)


def service(environment: Mapping[str, str]) -> ServiceSettings:
    """The settings that the environment gives, defaults for the rest.

    Raises:
        UserError: a value is unusable; the text names the variable.
    """
    values: dict[str, object] = {}
    for name, variable in (("rate_limit", RATE), ("body_limit", BODY)):
        if text := environment.get(variable):
            if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text):
                raise UserError(f"{variable}={text!r} is not a whole number; set one")
            values[name] = int(text)
    for name, variable in (("api_keys", API_KEYS), ("event_consent", CONSENT), ("demo", DEMO)):
        if text := environment.get(variable, "").strip():
            values[name] = text
    return ServiceSettings(**values)  # type: ignore[arg-type]
