"""A draft of the mapping, in which every guess has its evidence beside it.

Belongs here: the sections of a draft and their lines. Does not belong here: what is guessed
(`sections.py`), the words beside it (`evidence.py`), TOML (`toml_text.py`).

No value of a column that may identify somebody is in a draft. Consent stands in it as a comment
alone: only a person can say who consented.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from persona_assets.notation import share
from persona_assets.sources.inspection import evidence
from persona_assets.sources.inspection.column_names import role_of
from persona_assets.sources.inspection.draft_decisions import (
    consent_hints,
    states,
    status_decisions,
)
from persona_assets.sources.inspection.draft_settings import settings_of
from persona_assets.sources.inspection.event_names import event_type_of, is_our_own
from persona_assets.sources.inspection.flags import is_flag
from persona_assets.sources.inspection.known_exports import KnownExport
from persona_assets.sources.inspection.patterns import what_it_finds
from persona_assets.sources.inspection.roles import KNOWN_SHARE, Column, KnownTable
from persona_assets.sources.inspection.sections import Section
from persona_assets.sources.inspection.toml_text import array, key, line, remark, text

MOST_NAMES = 60
"""Names of events that a draft lists."""
MOST_LEFT = 40
"""Columns without a meaning that a draft lists."""
_NEED_CONSENT = ("events", "search_logs")


@dataclass(frozen=True)
class Draft:
    """A mapping that is still to be read by a person.

    Attributes:
        toml: its text, with `consent` left open.
        questions: what must be answered before it can be used, consent excepted.
        assumptions: what it states that nothing says.
    """

    toml: str
    questions: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()


def draft_of_sections(
    head: Sequence[str], sections: Sequence[Section], files: dict[str, tuple[str, ...]]
) -> Draft:
    """The draft of guessed sections.

    Args:
        head: remarks at the top.
        sections: the events first.
        files: section → its `file`.
    """
    lines = [*map(remark, head)]
    questions: list[str] = []
    assumptions: list[str] = []
    for section in sections:
        lines += ["", *_section(section, files[section.name])]
        for ours, choices in section.asked.items():
            what = f"[{section.name}] {ours}: {_of_what(choices)}"
            questions.append(what)
        questions += [*_undecided_times(section), *_nothing_known(section)]
        assumptions += _of_status(section)
        assumptions += _of_flags(section)
        assumptions += _of_words(section)
        assumptions += [
            f"[{section.name}] {ours} = {text(section.stated[ours][0])}: {section.stated[ours][1]}"
            for ours in sorted(section.assumed)
        ]
    return Draft("\n".join(lines) + "\n", tuple(questions), tuple(assumptions))


def draft_of_export(
    head: Sequence[str], export: KnownExport, files: dict[str, tuple[str, ...]]
) -> Draft:
    """The draft that extends a preset.

    Args:
        head: remarks at the top.
        export: the preset and what it does not know.
        files: section → `file`, where the preset's own does not mean the right files.
    """
    known = ", ".join(map(text, export.columns[:8]))
    lines = [*map(remark, head), ""]
    lines.append(line("extends", text(export.preset), f"recognised by its columns {known}"))
    lines += ["", "[events]"]
    if "events" in files:
        lines.append(_file(files["events"], export.table))
    if export.unknown:
        lines += ["", *_values(export.unknown, export.table.table.frame.height, {})]
    lines += _consent(export.table)
    for section in export.mapping.tables:
        if section != "events" and section in files:
            lines += ["", f"[{section}]", _file(files[section], export.table)]
    return Draft("\n".join(lines) + "\n")


def _section(section: Section, files: Sequence[str]) -> Iterator[str]:
    yield f"[{section.name}]"
    yield _file(files, section.table)
    yield from _columns(section)
    if _left(section) and not section.within_events:
        yield remark(f"not mapped: {_left(section)}")
    if section.name == "events":
        yield from _event_names(section)
    yield from status_decisions(section)
    yield from _stated(section)
    yield from settings_of(section)


def _file(patterns: Sequence[str], table: KnownTable) -> str:
    return line("file", array(patterns), what_it_finds(patterns, table.table.files))


def _columns(section: Section) -> Iterator[str]:
    if section.name in _KEYS and (key_of := section.column(_KEYS[section.name])) is not None:
        profile = key_of.profile
        if profile.filled < profile.rows or section.within_events:
            yield line("skip_without_key", "true", "rows without the identifier are skipped")
    for guess in section.guesses:
        if guess.ours == "timestamp" and section.parts:
            yield _parts(section)
            continue
        yield line(guess.ours, text(guess.column.name), evidence.of_guess(guess))
        for other in guess.others:
            yield remark(f"{guess.ours} = {text(other.name)}  # or: {evidence.of_column(other)}")
    if section.parts and section.column("timestamp") is None:
        yield _parts(section)
    if section.flags:
        flags = ", ".join(f"{kind} = {text(name)}" for kind, name in section.flags.items())
        yield line("event_type", f"{{{flags}}}", "guessed: flags; the first that says yes counts")
    for ours, choices in section.asked.items():
        yield from _question(ours, choices)


def _parts(section: Section) -> str:
    parts = ", ".join(f"{part} = {text(name)}" for part, name in section.parts.items())
    return line("timestamp", f"{{{parts}}}", "guessed: it stands in several columns")


def without_flag(section: Section) -> str:
    """What rows of which no flag says yes are taken for."""
    return "unused" if "view" in section.flags else "view"


def _event_names(section: Section) -> Iterator[str]:
    if section.flags:
        yield ""
        yield "[events.defaults]"
        yield line(
            "event_type",
            text(without_flag(section)),
            "assumed: rows of which no flag says yes; write view, or unused for no interaction",
        )
        return
    kinds = section.column("event_type")
    if kinds is None:
        return
    counts, unshown = kinds.event_names, kinds.unshown_names
    if unshown or not all(map(is_our_own, counts)):
        yield ""
        known = {name: event_type_of(name) for name in counts}
        yield from _values(counts, kinds.profile.filled, known, unshown)


_KEYS = {"products": "product_id", "users": "user_id"}


def _question(ours: str, choices: Sequence[Column]) -> Iterator[str]:
    if not choices:
        yield remark(f'{ours} = "…"  # DECIDE: no column looks like it; name it')
        return
    yield remark(f"DECIDE: which column is {ours}? Remove the # from one line:")
    for choice in choices:
        if ours == "event_type" and is_flag(choice):
            yield remark(
                f"event_type = {{view = {text(choice.name)}}}  # a flag; or add_to_cart, purchase. "
                "Other rows are of no known kind, unless [events.defaults] event_type says one"
            )
            continue
        yield remark(f"{ours} = {text(choice.name)}  # {evidence.of_column(choice)}")


def _of_what(choices: Sequence[Column]) -> str:
    names = " or ".join(text(choice.name) for choice in choices)
    return f"is it {names}?" if names else "no column looks like it"


def _left(section: Section) -> str:
    shown = [evidence.shown(each.name) for each in section.left[:MOST_LEFT]]
    more = f" and {len(section.left) - MOST_LEFT} more" if len(section.left) > MOST_LEFT else ""
    return ", ".join(shown) + more


def _values(
    counts: Mapping[str, int], rows: int, known: Mapping[str, str | None], unshown: int = 0
) -> Iterator[str]:
    yield "[events.values.event_type]  # their value = our value"
    unknown = []
    for name, found in counts.items():
        ours = known.get(name)
        if ours is None:
            unknown.append(name)
        elif not is_our_own(name):
            yield line(name, text(ours), f"guessed by its name; {found:,} of {rows:,} sampled rows")
    if unknown or unshown:
        these = "these event names" if unknown else "the names in this column"
        yield remark(f"DECIDE: {these} are unknown. Write view, add_to_cart, purchase or return,")
        yield remark("or unused for what is not an interaction with a product:")
    for name in unknown[:MOST_NAMES]:
        yield remark(f'{key(name)} = "unused"  # {counts[name]:,} of {rows:,} sampled rows')
    if len(unknown) > MOST_NAMES:
        yield remark(f"and {len(unknown) - MOST_NAMES:,} names more")
    if unshown:
        yield remark(
            f"{unshown:,} names are not shown, as they may be people's. If the column holds"
        )
        yield remark("people, it is not event_type: map another one, or state what happened, as in")
        yield remark('event_type = "purchase", in the constants below')


def _stated(section: Section) -> Iterator[str]:
    if section.name in _NEED_CONSENT:
        yield from _consent(section.table, section.name, opened=bool(section.stated))
    elif section.stated:
        yield ""
        yield f"[{section.name}.constants]"
    for ours, (value, why) in section.stated.items():
        how = "assumed" if ours in section.assumed else "guessed"
        yield line(ours, text(value), f"{how}: {why}")


def _consent(table: KnownTable, section: str = "events", *, opened: bool = False) -> Iterator[str]:
    yield ""
    yield f"[{section}.constants]"
    yield remark(
        "DECIDE: consent is never assumed. If everybody in these files has consented, remove"
    )
    yield remark("the # from the next line. Else map the column that says who has, in the section")
    yield remark(f'[{section}] above: consent = "their column"')
    yield remark("consent = true")
    yield from consent_hints(table)


def _nothing_known(section: Section) -> Iterator[str]:
    kinds = section.column("event_type")
    if section.name != "events" or kinds is None or kinds.known_events >= KNOWN_SHARE:
        return
    known = "few event names are" if kinds.known_events else "no event name is"
    people = " (or does the column hold people? Most are not shown)" * (kinds.unshown_names > 0)
    yield f"[events.values.event_type]: {known} known; say what each one means{people}"


def _of_status(section: Section) -> Iterator[str]:
    if section.stated.get("event_type", ("", ""))[0] == "purchase" and (found := states(section)):
        names = ", ".join(evidence.shown(each.name) for each in found)
        yield f"[{section.name}] every row is a purchase, whatever {names} says: see the draft"


def _of_flags(section: Section) -> Iterator[str]:
    if section.flags:
        names = " and ".join(map(text, section.flags.values()))
        yield (
            f"[{section.name}] event_type: rows of which {names} say no are "
            f"{without_flag(section)}: see the draft"
        )


def _of_words(section: Section) -> Iterator[str]:
    """Columns of numbers that hold other texts, too."""
    if section.within_events:
        return
    for guess in section.guesses:
        if guess.ours in _QUARANTINED and (said := evidence.of_words(guess.column)):
            yield f"[{section.name}] {guess.ours} = {text(guess.column.name)}: {said}"
    for column in section.left:
        if role_of(column.name)[0] in ("unit_price", "quantity") and column.profile.words:
            read = f"only {share(1 - column.profile.words, 1)} of its values are numbers"
            yield f"[{section.name}] {text(column.name)} is not mapped: {read}"


_QUARANTINED = ("unit_price", "quantity")


def _undecided_times(section: Section) -> Iterator[str]:
    for ours in ("timestamp", "valid_from"):
        column = section.column(ours)
        if column is not None and column.times is not None and column.times.reading is None:
            yield f"[{section.name}.time]: {column.times.problem}"
