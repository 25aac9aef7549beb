"""What a snapshot holds, as its manifest says.

Belongs here: the manifest and its JSON. Does not belong here: the rows.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from persona_assets.errors import DataError
from persona_assets.serving.online.packing import AGAIN
from persona_assets.serving.online.views import OnlineView


@dataclass(frozen=True)
class Materialized:
    """One view in a snapshot.

    Attributes:
        view: its definition.
        rows: how many entities have a row.
        event_us: newest event time among them, µs since 1970 UTC.
        table: path of the table that they come from.
        table_version: Delta version of it that was read; −1: there was no table.
        partition: the partition that was read, as an ISO date; empty: there was none.
        content_hash: of the rows (`lake/content_hash.py`), but for when they arrived.
    """

    view: OnlineView
    rows: int
    event_us: int
    table: str
    table_version: int
    partition: str
    content_hash: str


@dataclass(frozen=True)
class Manifest:
    """A snapshot.

    Attributes:
        name: by which the pointer knows it; those made later have larger names.
        made_us: when it was made, µs since 1970 UTC.
        views: in it, by name.
        size: bytes of its file; 0 where it is no file.
        checksum: CRC-32 of its file.
    """

    name: str
    made_us: int
    views: Mapping[str, Materialized]
    size: int = 0
    checksum: int = 0

    @property
    def rows(self) -> int:
        """Rows of all views."""
        return sum(each.rows for each in self.views.values())

    def dumps(self) -> str:
        """The manifest as JSON."""
        return json.dumps(
            {
                "name": self.name,
                "made_us": self.made_us,
                "size": self.size,
                "checksum": self.checksum,
                "views": [
                    {**asdict(each), "view": each.view.as_json()} for each in self.views.values()
                ],
            },
            indent=1,
        )

    @classmethod
    def loads(cls, text: str | bytes, where: str) -> "Manifest":
        """The manifest that `dumps` gave.

        Raises:
            DataError: it is none; `where` names it.
        """
        try:
            stored: dict[str, Any] = json.loads(text)
            views = [
                Materialized(**{**each, "view": OnlineView.of_json(each["view"])})
                for each in stored.pop("views")
            ]
            return cls(**stored, views={each.view.name: each for each in views})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"the manifest of the online snapshot {where} cannot be read "
                f"({type(error).__name__}); {AGAIN}"
            ) from error
