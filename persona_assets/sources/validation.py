"""What would become of a shop's files: so many rows into the mart, so many rejected, by rule.

Belongs here: running the mart's own cleaning over delivered events without a home, and deciding
whether a mapping fits them. Does not belong here: reading (`files.py`), the rules
(`transforms/cleaning.py`), printing (`cli/check.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl

from persona_assets.errors import UserError
from persona_assets.monitoring.rejections import MOST_UNKNOWN_NAMES, is_above
from persona_assets.notation import share
from persona_assets.sources.attribute_deliveries import product_history
from persona_assets.sources.event_names import as_mapping_lines
from persona_assets.sources.files import FilesSource
from persona_assets.sources.finding import unmatched
from persona_assets.sources.mapping import parsed
from persona_assets.sources.mapping_document import (
    for_path,
    printable,
    read_document,
    with_consent,
    without_consent,
)
from persona_assets.sources.sampling import Sample
from persona_assets.sources.shown_values import hidden
from persona_assets.tables.raw import PRODUCT_HISTORY
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean, rejected

DEFAULT_MOST_REJECTED = 0.5
"""A mapping that sends more than this share of the rows into quarantine is probably wrong."""

EXPECTED = ("exact_duplicate", "duplicate_event_id", "unused_event_type", "outside_partition")
"""Rules that say nothing against a mapping: deliveries overlap and are longer than the days that
were asked for, and a mapping names unused events."""

SAMPLE_ROWS = 200_000
"""Rows of the sample that a mapping is checked on: a rule that one row in a thousand breaks is
broken there by 200 ± 28 of them."""

SEED = 7
MOST_TEXTS = 5
MOST_NAMES = 12
"""Names of events that are shown: a shop has few, and each must be mapped."""
_UNKNOWN = "unknown_event_type"

_KEY = b"persona_assets: validation of files"
"""Identifiers never leave the process; the hash is only what the cleaning works with."""


@dataclass(frozen=True)
class Rejection:
    """The rows that one rule rejects.

    Attributes:
        rows: how many.
        column: the column that breaks the rule; None: the row as a whole.
        texts: the commonest offending texts and how often they occur; never of a person.
        place: file and row of the first.
    """

    rows: int
    column: str | None
    texts: Mapping[str, int]
    place: str


@dataclass(frozen=True)
class Validation:
    """What would become of the events of a shop's files.

    Attributes:
        first: first day of the range.
        last: last day of the range.
        rows: delivered events that were looked at.
        accepted: those that enter the mart.
        rejected: rule → the rows that it rejects, most first.
        users: different people in accepted rows.
        products: different products in accepted rows.
        events: event type → accepted rows.
        purchases: delivered rows that are purchases.
        notes: what reading the files had to say, and what is remarkable about the result.
    """

    first: date
    last: date
    rows: int
    accepted: int
    rejected: Mapping[str, Rejection]
    users: int
    products: int
    events: Mapping[str, int]
    purchases: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """The interface of `persona check --json`."""
        return {
            "range": [self.first.isoformat(), self.last.isoformat()],
            "rows": self.rows,
            "accepted": self.accepted,
            "rejected": {rule: one.rows for rule, one in self.rejected.items()},
            "users": self.users,
            "products": self.products,
            "events": dict(self.events),
            "notes": list(self.notes),
        }


def check_files(
    path: Path,
    mapping: str | Path,
    *,
    today: date,
    consent: str | None = None,
    everything: bool = True,
    start: date | None = None,
    end: date | None = None,
) -> Validation:
    """What would become of the files in a folder, or of one file, under a mapping.

    Where the mapping leaves consent open, rows are looked at as if everybody had consented, and a
    note says that a run will ask for it.

    Args:
        path: the folder, or the file of the events.
        mapping: path of a TOML file, or name of a preset.
        today: the caller's day in UTC.
        consent: see `mapping_document.read_document`.
        everything: every row; otherwise a sample of large files.
        start: first day; None: by the data.
        end: day after the last; None: by the data.

    Raises:
        UserError: the mapping is wrong or the files cannot be read with it.
    """
    document = read_document(mapping, consent=consent)
    lacking = without_consent(document)
    notes = tuple(
        f"consent is neither mapped nor stated in [{section}], which a run needs: everybody is "
        f'taken to have consented here; map consent = "<their column>", state it in '
        f"[{section}.constants], or pass --consent all"
        for section in lacking
    )
    folder, document = for_path(path, with_consent(document, lacking))
    source = FilesSource(
        folder,
        parsed(document, Path(printable(mapping))),
        start,
        end,
        today=today,
        sample=None if everything else Sample(SAMPLE_ROWS, SEED),
    )
    result = validate(source)
    wrong = what_is_wrong(result, most_rejected=DEFAULT_MOST_REJECTED)
    warning = () if wrong is None else (f"the mapping does not fit the files: {wrong}",)
    few = _told_names(result)
    if few and few not in (wrong or ""):
        warning = (*warning, few)
    sections = parsed(document, Path(printable(mapping))).tables.values()
    left = unmatched(folder, [f for each in sections for f in each.files]) if path.is_dir() else ()
    # Two sections of one file have the same to say of it.
    return replace(result, notes=tuple(dict.fromkeys((*warning, *notes, *left, *result.notes))))


def validate(source: FilesSource, *, most_rows: int | None = None) -> Validation:
    """Clean the events of a source as the mart does.

    Args:
        source: the files and their mapping.
        most_rows: of more rows, a seeded sample of so many is cleaned; None: all.

    Raises:
        UserError: the files cannot be read, or not with this mapping.
    """
    first, last = source.start, source.end - timedelta(days=1)
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    events = source.events(days)
    if most_rows is not None and events.height > most_rows:
        events = events.sample(most_rows, seed=SEED)
    # Read for their mistakes, which a run would stop at.
    source.users()
    source.orders(days)
    source.search_logs(days)
    arrived = datetime.combine(last + timedelta(days=1), time(), UTC)
    catalogue = product_history(PRODUCT_HISTORY.empty(), source, arrived)
    cleaned = clean(
        nw.from_native(events.lazy()),
        nw.from_native(catalogue.lazy()),
        key=_KEY,
        weights=DEFAULT_WEIGHTS,
    )
    rows = accepted(cleaned).collect("polars").to_native()
    refused = rejected(cleaned).collect("polars").to_native()
    kinds = rows["event_type"].value_counts().sort("count", "event_type", descending=[True, False])
    return Validation(
        first=first,
        last=last,
        rows=events.height,
        accepted=rows.height,
        rejected=_by_rule(refused, source.places()),
        users=rows["user_id"].n_unique(),
        products=rows["product_id"].n_unique(),
        events=dict(kinds.iter_rows()),
        purchases=events.filter(event_type="purchase").height,
        notes=source.notes,
    )


def what_is_wrong(result: Validation, *, most_rejected: float) -> str | None:
    """Why a mapping does not fit its files; None where it does.

    Args:
        result: what would become of the files.
        most_rejected: largest share of rows in quarantine that is put up with; rows that the rules
            in `EXPECTED` reject are not counted.
    """
    expected = sum(result.rejected[rule].rows for rule in EXPECTED if rule in result.rejected)
    counted = result.rows - expected
    lost = counted - result.accepted
    reasons = {rule: one for rule, one in result.rejected.items() if rule not in EXPECTED}
    told = "; ".join(_told(rule, one) for rule, one in list(reasons.items())[:3])
    names = _unknown_names(result)
    if counted and lost / counted > most_rejected:
        lost_rows = f"{lost:,} of {counted:,} rows ({share(lost, counted)}) would be rejected"
        return "; ".join(filter(None, (f"{lost_rows}: {told}", names)))
    if names and most_rejected < 1:
        return names
    if not result.accepted:
        return f"none of the {result.rows:,} rows would enter the mart: {told or 'all are unused'}"
    if result.purchases and "purchase" not in result.events and most_rejected < 1:
        return f"all {result.purchases:,} purchases would be rejected: {told}"
    return None


def refuse_what_does_not_fit(result: Validation, *, most_rejected: float) -> None:
    """Stops before any work where a mapping does not fit its files.

    Raises:
        UserError: most rows, or all purchases, would be rejected.
    """
    if reason := what_is_wrong(result, most_rejected=most_rejected):
        accept = ", or accept this with --most-rejected 1" if result.accepted else ""
        raise UserError(
            f"the mapping does not fit the files: {reason}. Correct the mapping (`persona check` "
            f"shows every rule with its texts){accept}"
        )


def _unknown_names(result: Validation) -> str | None:
    """Event names that nobody knows, with their rows and how to map them; None: a few at most."""
    unknown = result.rejected.get(_UNKNOWN)
    if unknown is None or not is_above(unknown.rows, result.rows, MOST_UNKNOWN_NAMES):
        return None
    return _told_names(result)


def _told_names(result: Validation) -> str | None:
    """Event names that nobody knows, with their rows and how to map them; None: there are none."""
    unknown = result.rejected.get(_UNKNOWN)
    if unknown is None:
        return None
    names = ", ".join(f"{name!r} {rows:,}" for name, rows in unknown.texts.items())
    return (
        f"{unknown.rows:,} of {result.rows:,} rows ({share(unknown.rows, result.rows)}) have "
        f"unknown event names (first: {unknown.place}): {names or 'none at all'}; say what "
        f"they are in [events.values.event_type]: {as_mapping_lines(unknown.texts)}"
    )


def _told(rule: str, one: Rejection) -> str:
    texts = f", as {', '.join(map(repr, list(one.texts)[:3]))}" if one.texts else ""
    return f"{rule} {one.rows:,} (first: {one.place}{texts})"


def _by_rule(refused: pl.DataFrame, places: pl.DataFrame) -> dict[str, Rejection]:
    placed = refused.join(places, on=["event_date", "source_row"], how="left")
    return {
        rule: Rejection(
            rows=rows.height,
            column=rows["column"][0],
            texts=_commonest(rows["value"], MOST_NAMES if rule == _UNKNOWN else MOST_TEXTS),
            place=rows.sort("delivered")["place"][0],
        )
        for (rule,), rows in sorted(
            placed.group_by("rule"), key=lambda group: (-group[1].height, group[0])
        )
    }


def _commonest(values: pl.Series, most: int) -> dict[str, int]:
    # Several addresses become one, so that their number says nothing of people either.
    texts = values.drop_nulls().map_elements(hidden, pl.String)
    counts = texts.value_counts().sort("count", values.name, descending=[True, False])
    return dict(counts.head(most).iter_rows())
