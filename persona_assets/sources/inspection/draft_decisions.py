"""Columns that a person must decide about: a status beside purchases, and who may have consented.

Belongs here: which columns they are, and the comments that show their values and ask. Does not
belong here: what a draft maps by itself (`drafts.py`).

The values that are shown are few and come again and again: a state, a yes or no; never a person's.
"""

import unicodedata
from collections.abc import Iterator

from persona_assets.sources.inspection import evidence
from persona_assets.sources.inspection.column_names import speaks_of
from persona_assets.sources.inspection.columns import share_of
from persona_assets.sources.inspection.guesses import NEARLY_ALL
from persona_assets.sources.inspection.roles import Column, KnownTable
from persona_assets.sources.inspection.sections import Section
from persona_assets.sources.inspection.toml_text import key, remark, text
from persona_assets.sources.typed_columns import NO, YES

MOST_STATES = 30
MOST_ANSWERS = 6
LONGEST_VALUE = 40
_PLACES = r"^\p{Lu}{2,3}$"
"""What a column `state` holds where it is a part of a country."""

_STATES = {
    "return": "refund return retour erstatte ruckerstatt rembours devuelt devolv reembols reso "
    "rimbors geretourneerd terugbetaald zwrot",
    "unused": "cancel fail pending draft void declin reject expired abandon unpaid open on-hold "
    "storn abgebroch offen unbezahlt annul anul cancelad pendient echou geannuleerd",
    "purchase": "complete paid fulfil ship deliver closed process success captured settled "
    "bezahlt versandt versendet verschickt geliefert abgeschlossen erledigt paye expedi livre "
    "termine pagad enviad entregad complet pagat spedit consegnat betaald verzonden",
}
"""Event type → beginnings of the states that an order of the kind is in, without accents."""


def status_decisions(section: Section) -> Iterator[str]:
    """What to write where a column of states lies beside events that are all called purchases."""
    if section.stated.get("event_type", ("", ""))[0] != "purchase":
        return
    for column in states(section):
        rows = column.profile.filled
        yield ""
        yield remark(
            f"DECIDE: {evidence.shown(column.name)} may say which rows are no purchases. If so, "
            "take event_type out"
        )
        yield remark(
            f"of [{section.name}.constants], write event_type = {text(column.name)} in "
            f"[{section.name}] above,"
        )
        yield remark("take the # from these lines and say what each value is: purchase, unused")
        yield remark("(cancelled, not yet paid) or return (only where the quantity is negative):")
        yield remark(f"[{section.name}.values.event_type]")
        for value, found in column.profile.counts.items():
            meant = f"{key(value)} = {text(_meant(value, section) or '…')}"
            yield remark(f"{meant}  # {found:,} of {rows:,} sampled rows")


def states(section: Section) -> list[Column]:
    """The columns of states that the section does not map."""
    return [each for each in section.left if each.role == "status" and _are_states(each)]


def consent_hints(table: KnownTable) -> Iterator[str]:
    """The columns that may say who consented, each with its few values."""
    for column in table.columns:
        profile = column.profile
        if profile.kind == "empty" or not speaks_of(column.name, "consent"):
            continue
        few = _are_few(column, MOST_ANSWERS)
        values = ", ".join(f"{text(v)} {n:,}×" for v, n in profile.counts.items()) if few else ""
        said = f": {values}" if values else f" ({evidence.of_column(column)})"
        yield remark(f"a column that may say it: {text(column.name)}{said}")
        if few and not {each.lower() for each in profile.counts} <= {*YES, *NO}:
            yield remark('  of its values say which are "true": [events.values.consent]')


def _are_states(column: Column) -> bool:
    profile = column.profile
    places = share_of(profile.values.drop_nulls(), _PLACES) >= NEARLY_ALL
    again = 2 * profile.distinct <= profile.filled or any(map(_state, profile.counts))
    return profile.distinct > 1 and again and not places and _are_few(column, MOST_STATES)


def _meant(value: str, section: Section) -> str | None:
    """The event type to write for a state; a return can be one only if its quantity is negative."""
    state = _state(value)
    quantity = section.column("quantity")
    negative = quantity is not None and quantity.profile.values.str.starts_with("-").any()
    return "unused" if state == "return" and not negative else state


def _are_few(column: Column, most: int) -> bool:
    profile = column.profile
    if profile.distinct > most or profile.looks_like:
        return False
    return all(len(each) <= LONGEST_VALUE and "@" not in each for each in profile.counts)


def _state(value: str) -> str | None:
    letters = unicodedata.normalize("NFKD", value.replace("ß", "ss")).lower()
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    return next(
        (
            ours
            for ours, beginnings in _STATES.items()
            if any(plain.startswith(each) for each in beginnings.split())
        ),
        None,
    )
