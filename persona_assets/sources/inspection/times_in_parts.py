"""Times that stand in several columns: a date and a time of day; year, month and day.

Belongs here: seeing which columns belong together, and the format that they have together. Does not
belong here: joining them (`sources/time_parts.py`), and times in one column (`times_found.py`).
"""

from collections.abc import Collection

import polars as pl

from persona_assets.sources.inspection.column_names import meanings
from persona_assets.sources.inspection.columns import share_of
from persona_assets.sources.inspection.roles import Column, KnownTable
from persona_assets.sources.time_parts import CALENDAR, CLOCK, DAY_ZERO

NEARLY_ALL = 0.9
OF_THE_DAY = r"^[0-9]{1,2}:[0-9]{2}"
"""Times of the day, whose day is in another column."""
_DIGITS = r"^(?:[01]?[0-9]|2[0-3])?[0-5]?[0-9](?:[0-5][0-9])?$"
_FORMATS = {
    r"^[0-9]{1,2}:[0-9]{2}$": "%H:%M",
    r"^[0-9]{1,2}:[0-9]{2}:[0-9]{2}$": "%H:%M:%S",
    r"^[0-9]{1,2}:[0-9]{2} ?[AaPp]\.?[Mm]\.?$": "%I:%M %p",
    r"^[0-9]{1,2}:[0-9]{2}:[0-9]{2} ?[AaPp]\.?[Mm]\.?$": "%I:%M:%S %p",
    r"^[0-9]{3,4}$": "%H:%M",
    r"^[0-9]{5,6}$": "%H:%M:%S",
}


def time_parts_of(table: KnownTable, when: Column | None, used: Collection[str]) -> dict[str, str]:
    """Part → column of theirs, of a time that stands in several; none where it does not.

    Args:
        table: the columns.
        when: the column that is the timestamp by its name or values; None: there is none.
        used: columns that are something else.
    """
    if when is None:
        return _calendar(table, used)
    if when.times is None or when.times.clock:
        return {}
    free = (each for each in table.columns if each.name not in used)
    clock = next((each for each in free if _is_of_the_day(each)), None)
    return {} if clock is None else {"date": when.name, "time": clock.name}


def format_with_clock(setting: str, values: pl.Series) -> str:
    """The setting of a date's reading with the time of day behind it; empty: it is left open.

    Args:
        setting: that of the date, as in `format = "%d.%m.%Y"`.
        values: times of day.
    """
    texts = values.drop_nulls()
    clock = next((each for pattern, each in _FORMATS.items() if share_of(texts, pattern) == 1), "")
    if not clock or not setting.startswith('format = "') or len(texts) < len(values):
        return ""
    return f'{setting[:-1]} {clock}"'


def _calendar(table: KnownTable, used: Collection[str]) -> dict[str, str]:
    """Columns, or names of folders, that are called year, month and day, and perhaps hour."""
    called = {each.name.rsplit(".", 1)[-1].lower(): each for each in table.columns
              if each.name not in used and each.profile.kind == "whole numbers"}  # fmt: skip
    if not {*CALENDAR} <= called.keys():
        return {}
    parts = {part: called[part].name for part in CALENDAR}
    for part in CLOCK:
        if part not in called:
            break
        parts[part] = called[part].name
    return parts


def _is_of_the_day(column: Column) -> bool:
    texts = column.profile.values.drop_nulls()
    if share_of(texts, OF_THE_DAY) >= NEARLY_ALL or share_of(texts, DAY_ZERO) >= NEARLY_ALL:
        return True
    several = bool((texts.str.len_chars() > 2).any())  # else an hour, or a count
    digits = share_of(texts, _DIGITS) == 1
    return "time" in meanings(column.name) and len(texts) > 0 and several and digits
