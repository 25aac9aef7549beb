"""Which names of events may be shown: a column that is called `type` may hold people.

Belongs here: what of such a column is shown. Does not belong here: whether it is one of events
(`roles.py`), and what a name means (`event_names.py`).

A known name is always shown. Where most rows have known names, so are the others, unless they look
like somebody's. Elsewhere a name is shown only if it is one of few, several people have it, and it
is not written as a person's is: names of events are shared, those of people are not.
"""

import re

import polars as pl

from persona_assets.sources.inspection.columns import ColumnProfile
from persona_assets.sources.inspection.event_names import event_type_of

MOST_UNCERTAIN = 20
"""Different values above which unknown names are shown only beside known ones."""
FEWEST_PEOPLE = 2
LONGEST_NAME = 60
_SOMEBODYS = re.compile(r"@|[0-9]{5}|(?:[0-9][-. ()/]*){7}|^[a-z]+://")
"""In addresses, numbers of telephones, customers and cards."""
_AS_PEOPLE_ARE_CALLED = re.compile(r"[^\W\d_a-z][^\W\d_]*[.']?(?:[- ,]+[^\W\d_a-z][^\W\d_]*[.']?)*")
"""Words with capitals and nothing else: `Ann`, `Smith, Ann`."""


def names_to_show(
    kinds: ColumnProfile, *, certain: bool, users: pl.Series | None
) -> dict[str, int]:
    """Names of events that may be shown → rows, the most frequent first.

    Args:
        kinds: the column.
        certain: whether most of its rows have known names.
        users: (rows,) who did it; None: no column says so.
    """
    few = kinds.distinct <= MOST_UNCERTAIN
    shared = {*_shared(kinds.values, users)} if few and not certain and users is not None else set()
    return {
        name: rows
        for name, rows in kinds.counts.items()
        if event_type_of(name) is not None
        or (_may_be_an_event(name) if certain else name in shared and _is_no_person(name))
    }


def _shared(kinds: pl.Series, users: pl.Series) -> pl.Series:
    """Names that several people have."""
    pairs = pl.DataFrame({"name": kinds, "user": users}).drop_nulls().unique()
    counts = pairs["name"].value_counts()
    return counts.filter(pl.col("count") >= FEWEST_PEOPLE)["name"]


def _may_be_an_event(name: str) -> bool:
    return len(name) <= LONGEST_NAME and _SOMEBODYS.search(name) is None


def _is_no_person(name: str) -> bool:
    return _may_be_an_event(name) and _AS_PEOPLE_ARE_CALLED.fullmatch(name) is None
