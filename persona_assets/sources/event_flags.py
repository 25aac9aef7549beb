"""What happened, from columns that say yes or no: `bought`, `is_purchase`, `in_cart`.

Belongs here: which flags a mapping may name, and the event type that they make together. Does not
belong here: names of events in a column of their own (`event_names.py`).

```toml
event_type = {purchase = "bought", add_to_cart = "in_cart"}    # the first flag that says yes counts
[events.defaults]
event_type = "view"                                            # where none does
```
"""

from collections.abc import Mapping

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.toml_values import refuse_unknown, text_of
from persona_assets.sources.typed_columns import NO, YES
from persona_assets.tables.mart import EVENT_TYPES, UNUSED


def event_flags(value: Mapping[str, object], key: str, where: str) -> dict[str, str]:
    """The event type → their column that a mapping names.

    Args:
        value: what the mapping says.
        key: our column.
        where: the section, for errors.

    Raises:
        UserError: an unknown event type, or no column.
    """
    inside = f"{where}: {key}"
    refuse_unknown(value.keys(), (*EVENT_TYPES, UNUSED), inside, "event type")
    if not value:
        raise UserError(f'{inside} names no column; write {{purchase = "<their column>"}}')
    return {
        kind: text_of(each, kind, "the name of their column", inside)
        for kind, each in value.items()
    }


def flagged(flags: Mapping[str, pl.Expr]) -> pl.Expr:
    """The event type whose flag says yes, the first of several; null: none does.

    A text that is neither yes nor no is kept as it is, for the mart to reject with its text.

    Args:
        flags: event type → text without blanks around it and null words.
    """
    words = {
        kind: text.str.to_lowercase().str.replace(r"\.0+$", "") for kind, text in flags.items()
    }
    said = [pl.when(word.is_in(YES)).then(pl.lit(kind)) for kind, word in words.items()]
    unread = [pl.when(~word.is_in([*YES, *NO])).then(flags[kind]) for kind, word in words.items()]
    return pl.coalesce([*said, *unread])
