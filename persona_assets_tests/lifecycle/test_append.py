import json
from datetime import UTC, datetime

import polars as pl
import pytest

from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.append import append, held
from persona_assets.tables.lifecycle import CONFIGURATIONS


def rows(*models: str, parameters: str = "{}") -> pl.DataFrame:
    return pl.DataFrame(
        [
            ("d", datetime(2024, 1, 1, tzinfo=UTC), model, parameters, None, None)
            for model in models
        ],
        schema=CONFIGURATIONS.polars_schema,
        orient="row",
    )


@pytest.fixture
def store(tmp_path):
    return DeltaStore(str(tmp_path))


def test_rows_are_added_and_those_of_the_same_key_replaced(store):
    assert held(store, CONFIGURATIONS).is_empty()
    append(store, CONFIGURATIONS, rows("b", "c"))
    append(store, CONFIGURATIONS, rows("a", "c", parameters=json.dumps({"x": 1})))
    assert held(store, CONFIGURATIONS).select("model", "parameters").rows() == [
        ("a", '{"x": 1}'),
        ("b", "{}"),
        ("c", '{"x": 1}'),
    ]


@pytest.mark.parametrize("rivals", [1, 3])
def test_rows_of_a_rival_who_came_between_are_kept(store, monkeypatch, rivals):
    append(store, CONFIGURATIONS, rows("first"))
    honest = DeltaStore.overwrite
    waiting = [f"rival{number}" for number in range(rivals)]

    def interrupted(self, table, frame, **rest):
        if waiting:
            # A rival who read the same version commits just before.
            before = held(store, table)
            honest(self, table, pl.concat([before, rows(waiting.pop())]))
        return honest(self, table, frame, **rest)

    monkeypatch.setattr(DeltaStore, "overwrite", interrupted)
    append(store, CONFIGURATIONS, rows("mine"))
    monkeypatch.undo()
    assert set(held(store, CONFIGURATIONS)["model"]) == {
        "first",
        "mine",
        *(f"rival{number}" for number in range(rivals)),
    }


def test_a_rival_who_creates_the_table_is_noticed(store, monkeypatch):
    honest = DeltaStore.overwrite
    waiting = ["rival"]

    def interrupted(self, table, frame, **rest):
        if waiting:
            honest(self, table, rows(waiting.pop()))
        return honest(self, table, frame, **rest)

    monkeypatch.setattr(DeltaStore, "overwrite", interrupted)
    append(store, CONFIGURATIONS, rows("mine"))
    monkeypatch.undo()
    assert held(store, CONFIGURATIONS)["model"].to_list() == ["mine", "rival"]
