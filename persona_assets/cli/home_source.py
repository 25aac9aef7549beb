"""Which source a home belongs to: the one that its raw tables were filled from.

Belongs here: refusing to fill them from another, or to leave out days that they hold. Does not
belong here: reading sources (`sources/`), the arguments that name one (`run.py`).

A home belongs to nobody before rows of a source are in its lake: a wrong path, a file that had to
be corrected or a run that failed early is no reason for a new home.
"""

from datetime import date

from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore
from persona_assets.settings import Settings, SourceSettings
from persona_assets.sources import declared
from persona_assets.tables import raw


def refuse_other_source(before: Settings, source: SourceSettings) -> None:
    """Raise UserError where rows of another shop, or of days outside the calendar, would stay.

    Another mapping of the same path is no other shop: what it changes is computed anew.
    """
    held = before.source
    if same_shop(held, source) and _covers(source, held.start, held.end):
        return
    store = DeltaStore(before.lake_root, storage_options=before.storage_options)
    days = _days(store)
    if not days and not _has_rows(store):
        return
    where = (
        f"the home {before.home} holds source {held.name} from {held.start} to "
        f"{held.end or 'today'} ({dict(held.options)})"
    )
    if not same_shop(held, source):
        raise UserError(
            f"{where}; another source needs a home of its own, since two shops in one lake would "
            f"mix: set PERSONA_HOME to another folder, for instance "
            f"PERSONA_HOME=.persona-{source.name}"
        )
    if outside := [day for day in days if not _covers(source, day, None)]:
        raise UserError(
            f"{where}, and has rows of {len(outside)} day(s) from {outside[0]} to {outside[-1]} "
            f"outside the calendar from {source.start} to {source.end or 'today'}: they would stay "
            "in what is computed from all days; name a calendar that has them, or set PERSONA_HOME "
            "to another folder"
        )


def same_shop(held: SourceSettings, source: SourceSettings) -> bool:
    """Are both the same shop, by what the source says of itself?"""
    return held.name == source.name and declared(source.name).same_shop(held, source)


def _covers(source: SourceSettings, first: date, end: date | None) -> bool:
    """Does the calendar hold the day `first` and all up to `end` (exclusive)?"""
    if first < source.start:
        return False
    return source.end is None or (first < source.end and (end is None or end <= source.end))


def _days(store: DeltaStore) -> list[date]:
    """Days of which a raw table has rows."""
    found: set[date] = set()
    for table in raw.TABLES:
        if table.partition and store.exists(table):
            rows = store.partition_rows(table)
            found |= {date.fromisoformat(day) for day, count in rows.items() if count}
    return sorted(found)


def _has_rows(store: DeltaStore) -> bool:
    return any(
        store.exists(table) and any(store.partition_rows(table).values())
        for table in raw.TABLES
        if not table.partition
    )
