"""How the values of a section are written, in a draft: times, numbers, lines of an order, files.

Belongs here: `[x.time]`, `[x.numbers]`, `[x.fill_down]` and `[x.format]`, with the evidence or the
choice. Does not belong here: columns and names of events (`drafts.py`).

What a column decides by itself is written down all the same: a later delivery may hold nothing but
days below the 13th.
"""

from collections.abc import Iterator

import polars as pl

from persona_assets.report.notation import counted
from persona_assets.sources.inspection import evidence
from persona_assets.sources.inspection.sections import Section, times_of_day
from persona_assets.sources.inspection.times_found import TimesFound
from persona_assets.sources.inspection.toml_text import array, line, remark, text
from persona_assets.sources.numbers import currencies, number_format

CONTINUED = ("user_id", "timestamp", "event_type")
"""Columns that belong to a whole order, and may stand in its first line alone."""
SMALLEST_SHARE = 0.5
"""Share of the empty cells that the line above must fill, in a sample of the lines."""


def settings_of(section: Section) -> Iterator[str]:
    """The lines of all settings that a section needs."""
    yield from _times(section)
    yield from _numbers(section)
    yield from _fill_down(section)
    yield from _format(section)


def _times(section: Section) -> Iterator[str]:
    column = section.column("timestamp") or section.column("valid_from")
    if column is None or column.times is None:
        return
    times = column.times
    clock = times_of_day(section)
    said = times.setting or times.choices or times.problem or not times.zoned
    if not said and clock is None:
        return
    yield ""
    yield f"[{section.name}.time]"
    if times.reading is None:
        yield from _choices(times)
    elif times.setting:
        name, _, value = times.setting.partition(" = ")
        yield line(name, value, f"guessed: {times.evidence}")
    if not times.zoned:
        yield remark(
            'zone = "Europe/Berlin"  # the times name no zone and count as UTC: say theirs'
        )
    if clock is not None:
        yield remark(
            f"{evidence.shown(clock.name)} holds times of the day, which are not read: one"
        )
        yield remark("column must hold both, or all events of a day are of its first moment")


def _choices(times: TimesFound) -> Iterator[str]:
    if not times.choices:
        yield remark(f"DECIDE: {times.problem}")
        return
    yield remark(
        "DECIDE: all sampled values can be read in several ways. Take the # from one line:"
    )
    for choice in times.choices:
        yield remark(f"{choice.setting}  # {choice.name}: {choice.example}")


def _numbers(section: Section) -> Iterator[str]:
    """How the section's numbers are written, where they are more than plain digits."""
    columns = [each.column.profile.values for each in section.guesses if each.ours in _NUMBERS]
    if not columns:
        return
    notation = number_format(columns)
    texts = pl.concat([column.drop_nulls().alias("text") for column in columns])
    several = list(currencies(texts))
    doubtful = notation.doubtful and bool(texts.str.contains("[0-9][.,][0-9]{3}([^0-9]|$)").any())
    if not notation.evidence and not doubtful and len(several) < 2:
        return
    yield ""
    yield f"[{section.name}.numbers]"
    if doubtful:
        yield remark(
            "DECIDE: 1,234 or 1.234 may be a thousand or a little more than one, and is not"
        )
        yield remark("read. Take the # from one line:")
        yield remark('decimal = "."')
        yield remark('decimal = ","')
    elif notation.evidence:
        yield line("decimal", text(notation.decimal), f"guessed: {notation.evidence}")
    if len(several) > 1:
        yield remark(
            "DECIDE: prices in several currencies are not read, since nothing is converted."
        )
        yield remark("Deliver one, or, if these mean the same, take the # from the next line:")
        yield remark(f"currency = {array(several)}")


_NUMBERS = ("quantity", "unit_price", "price", "results")


def _fill_down(section: Section) -> Iterator[str]:
    continued = _continued(section)
    if not continued:
        return
    said = ", ".join(f"{counted(rows, 'line')} without {ours}" for ours, rows in continued.items())
    yield ""
    yield f"[{section.name}.fill_down]"
    yield line("by", text("order_id"), f"guessed: {said}, in orders whose first line has it")
    yield line("columns", f"[{', '.join(map(text, continued))}]")


def _continued(section: Section) -> dict[str, int]:
    """Our columns that only the first line of an order has → the lines that have them not."""
    order = section.column("order_id")
    if order is None or section.name not in ("events", "orders"):
        return {}
    found = {}
    for ours in CONTINUED:
        column = section.column(ours)
        if column is None or column.profile.filled == column.profile.rows:
            continue
        lines = pl.DataFrame(
            [order.profile.values.alias("order"), column.profile.values.alias("value")]
        ).filter(pl.col("order").is_not_null())
        filled = lines.with_columns(pl.col("value").forward_fill().over("order"))
        empty = lines["value"].null_count()
        if empty and empty - filled["value"].null_count() >= SMALLEST_SHARE * empty:
            found[ours] = empty
    return found


def _format(section: Section) -> Iterator[str]:
    options = section.table.table.options
    if not options.encoding and not options.sheet:
        return
    yield ""
    yield f"[{section.name}.format]"
    if options.encoding:
        yield line("encoding", text(options.encoding), "guessed: not UTF-8; look at accents")
    if options.sheet:
        yield line("sheet", text(options.sheet), "the sheet of these columns")
