"""Promise 4: same inputs, seed and code give the same contents, in whatever home and process.

One run is this process's, in one folder; the other is the `persona` command's, in another, after
runs of it that were killed.
"""

from typing import Any

import pytest

from persona_assets.lake.content_hash import render
from persona_assets.tables import TABLES, collected, experiments, lifecycle, live_experiments
from persona_assets.tables.monitoring import SKIPPED
from persona_assets.tables.raw import MERCHANDISING_RULES

_OTHERS = (*lifecycle.TABLES, *collected.TABLES, *experiments.ON_REQUEST, SKIPPED)
MADE = {path: table for path, table in TABLES.items() if table not in _OTHERS}
"""What the graph makes; the others hold what people decide, or what a service collected."""


@pytest.mark.parametrize("path", list(MADE))
def test_table_is_the_same_in_two_homes(path: str, whole: Any, survivor: Any) -> None:
    digests = survivor.store.digests(TABLES[path])
    assert {key: render(*digest) for key, digest in digests.items()} == whole.hashes[path]


def test_every_table_was_made_and_has_rows(whole: Any) -> None:
    rows = {path: sum(whole.store.partition_rows(table).values()) for path, table in MADE.items()}
    # The shop of the tests has no rules.
    assert rows.pop(MERCHANDISING_RULES.path) == 0
    # Nor has it experiments on its customers.
    assert [rows.pop(table.path) for table in live_experiments.TABLES] == [0, 0, 0, 0]
    assert all(rows.values()), rows
