"""Texts that are a part of a time: a month, a week, a year, a time of day.

Belongs here: naming them, for messages. Does not belong here: reading times (`readings.py`).
"""

import re

_MONTH = r"[^\W\d_]{3,14}\.?"
_PARTS: tuple[tuple[str, str], ...] = (
    (r"[0-9]{4}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{4}|(19|20)[0-9]{2}(0[1-9]|1[0-2])"
     rf"|{_MONTH}[-/ ]*([0-9]{{4}}|[0-9]{{2}})|[0-9]{{4}}[-/ ]*{_MONTH}"
     "|[0-9]{4} ?[年년] ?[0-9]{1,2} ?[月월]",
     "a month without a day"),
    (r"[0-9]{4}[- ]?(W|KW|CW|wk)[- ]?[0-9]{1,2}|(W|KW|CW|wk)[- ]?[0-9]{1,2}[-/ ]+[0-9]{4}",
     "a week without a day"),
    (r"[0-9]{4}[-/ ]?Q[1-4]|Q[1-4][-/ ]?[0-9]{4}", "a quarter without a day"),
    (r"(19|20)[0-9]{2}", "a year without a day"),
    (r"[0-9]{1,2}[-/.][0-9]{1,2}\.?|[0-9]{1,2}\.? [^\W\d_]{3,14}", "a day without a year"),
    (r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?.*", "a time of day without a day"),
)  # fmt: skip
"""Pattern of a whole text → what it is; the first that fits."""


def what_is_lacking(text: str) -> str:
    """What of a time a text is, as in “a month without a day”; empty: nothing that is known."""
    return next(
        (what for pattern, what in _PARTS if re.fullmatch(pattern, text, re.IGNORECASE)), ""
    )
