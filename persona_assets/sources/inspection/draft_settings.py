"""How the values of a section are written, in a draft: times, numbers, lines of an order, files.

Belongs here: `[x.time]`, `[x.numbers]`, `[x.fill_down]` and `[x.format]`, with the evidence or the
choice. Does not belong here: columns and names of events (`drafts.py`).

What a column decides by itself is written down all the same: a later delivery may hold nothing but
days below the 13th.
"""

from collections.abc import Iterator

import polars as pl

from persona_assets.notation import counted
from persona_assets.sources.column_rules import filled_down
from persona_assets.sources.inspection.roles import Column
from persona_assets.sources.inspection.sections import Section
from persona_assets.sources.inspection.times_found import TimesFound
from persona_assets.sources.inspection.times_in_parts import format_with_clock
from persona_assets.sources.inspection.toml_text import array, line, remark, text
from persona_assets.sources.mapping import FillDown
from persona_assets.sources.null_words import NO_ORDER
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
    of_day = section.table.column(section.parts.get("time", ""))
    setting = _with_clock(times.setting, of_day)
    if not (setting or times.choices or times.problem or not times.zoned):
        return
    yield ""
    yield f"[{section.name}.time]"
    if times.reading is None:
        yield from _choices(times, of_day)
    elif setting:
        name, _, value = setting.partition(" = ")
        yield line(name, value, f"guessed: {times.evidence}")
    clock = times.clock or of_day is not None
    if not times.zoned and clock:
        yield remark(
            'zone = "Europe/Berlin"  # no zone is in the times: UTC, unless you say theirs'
        )
    elif not times.zoned and (times.reading is not None or times.choices):
        yield remark(
            "These are dates without a time of day. Set no zone: one such as Europe/Berlin would"
        )
        yield remark("move every date back by one day.")


def _with_clock(setting: str, of_day: Column | None) -> str:
    """The setting of a date's reading, with that of a time of day in another column."""
    return setting if of_day is None else format_with_clock(setting, of_day.profile.values)


def _choices(times: TimesFound, of_day: Column | None) -> Iterator[str]:
    if not times.choices:
        yield remark(f"DECIDE: {times.problem}")
        return
    yield remark(
        "DECIDE: all sampled values can be read in several ways. Remove the # from one line:"
    )
    for choice in times.choices:
        setting = _with_clock(choice.setting, of_day) or choice.setting
        yield remark(f"{setting}  # {choice.name}: {choice.example}")


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
            "DECIDE: 1,234 (or 1.234) may be a thousand or a little more than one, so it is not"
        )
        yield remark("read. Remove the # from one line:")
        yield remark('decimal = "."')
        yield remark('decimal = ","')
    elif notation.evidence:
        yield line("decimal", text(notation.decimal), f"guessed: {notation.evidence}")
    if len(several) > 1:
        yield remark(
            "DECIDE: there are several currencies. Nothing is converted, so they are not read."
        )
        yield remark("Deliver one, or, if these are the same one, remove the # from the next line:")
        yield remark(f"currency = {array(several)}")


_NUMBERS = ("quantity", "unit_price", "price", "results")


def _fill_down(section: Section) -> Iterator[str]:
    continued = _continued(section)
    if not continued:
        return
    sure = {ours: lines for ours, (lines, differ) in continued.items() if not differ}
    doubtful = {ours: both for ours, both in continued.items() if both[1]}
    said = ", ".join(f"{counted(lines, 'line')} without {ours}" for ours, lines in sure.items())
    by = f"guessed: {said}, while an earlier line of their order has it"
    yield ""
    if sure:
        yield f"[{section.name}.fill_down]"
        yield line("by", text("order_id"), by)
        yield line("columns", f"[{', '.join(map(text, sure))}]")
    for ours, (lines, differ) in doubtful.items():
        yield remark(
            f"DECIDE: {counted(lines, 'line')} without {ours} could be filled from the line above "
            "in the order,"
        )
        yield remark(
            f"but the lines of {counted(differ, 'such order')} have different ones. If it is "
            "still right,"
        )
        if sure:
            yield remark(f"add {text(ours)} to these columns")
        else:
            yield remark("remove the # from the next lines:")
            yield remark(f"[{section.name}.fill_down]")
            yield remark('by = "order_id"')
            yield remark(f"columns = [{text(ours)}]")


def _continued(section: Section) -> dict[str, tuple[int, int]]:
    """Our columns that lines of an order lack and a line above has.

    Returns:
        Column → the lines that would be filled, and the orders among them whose lines have
        different values, so that a line above says nothing of the next.
    """
    order = section.column("order_id")
    if order is None or section.name not in ("events", "orders"):
        return {}
    found = {}
    for ours in CONTINUED:
        column = section.column(ours)
        if column is None or column.profile.filled == column.profile.rows:
            continue
        lines = pl.DataFrame(
            [order.profile.values.alias("order_id"), column.profile.values.alias(ours)]
        ).filter(pl.col("order_id").is_not_null() & ~pl.col("order_id").str.contains(NO_ORDER))
        after = filled_down(lines, FillDown("order_id", (ours,)))[ours]
        filled = lines.filter(lines[ours].is_null() & after.is_not_null())
        empty = lines[ours].null_count()
        if empty and filled.height >= SMALLEST_SHARE * empty:
            of_these = lines.join(filled.select("order_id").unique(), on="order_id", how="semi")
            values = of_these.drop_nulls().group_by("order_id").agg(pl.col(ours).n_unique())
            found[ours] = (filled.height, int((values[ours] > 1).sum()))
    return found


def _format(section: Section) -> Iterator[str]:
    options = section.table.table.options
    if not options.encoding and not options.sheet and options.header_row is None:
        return
    yield ""
    yield f"[{section.name}.format]"
    if options.encoding:
        yield line(
            "encoding",
            text(options.encoding),
            "guessed: not UTF-8; check accented letters",
        )
    if options.sheet:
        yield line("sheet", text(options.sheet), "the sheet of these columns")
    if options.header_row is not None:
        yield line("header_row", str(options.header_row), "guessed: the rows above it are a title")
