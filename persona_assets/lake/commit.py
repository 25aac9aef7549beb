"""The metadata that each commit carries in the Delta log.

Belongs here: the record and its form as Delta's string metadata. Does not belong here: where the
values come from (the IO manager knows the run; a script may have none).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "persona/"
"""Namespace of our keys in a commit's custom metadata."""


@dataclass(frozen=True)
class Commit:
    """Who writes, and from what: kept in the Delta log so that a table can say what made it.

    `inputs` maps the path of each table read to the Delta version that was read.
    """

    run_id: str = ""
    asset: str = ""
    partitions: tuple[str, ...] = ()
    code_version: str = ""
    inputs: Mapping[str, int] = field(default_factory=dict)

    def metadata(self) -> dict[str, str]:
        """The record as Delta's flat map of strings."""
        return {
            f"{PREFIX}run_id": self.run_id,
            f"{PREFIX}asset": self.asset,
            f"{PREFIX}partitions": json.dumps(self.partitions),
            f"{PREFIX}code_version": self.code_version,
            f"{PREFIX}inputs": json.dumps(dict(sorted(self.inputs.items()))),
        }
