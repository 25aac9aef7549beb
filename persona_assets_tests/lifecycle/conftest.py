"""A shop of people who walk along a row of products, and a home in which models of it were trained.

What comes next is mostly plain to whoever looks at the order, and nearly even for who counts.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.evaluator import Evaluator
from persona_assets.lifecycle.registry import registry_row
from persona_assets.lifecycle.validation import week, weekly_task
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.protocol import Recommender
from persona_assets.tables import Table
from persona_assets.tables.evaluation import OFFLINE_METRICS
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.models import REGISTRY, TOP_K

USERS, PRODUCTS, WEEKS = 60, 40, 5
FIRST = date(2024, 1, 1)
CUTOFFS = [FIRST + timedelta(weeks=each) for each in range(2, WEEKS + 1)]
"""Trained ones; the weeks from all but the last are over."""
FILLERS = {
    "string": "x",
    "int64": 1,
    "float64": 0.5,
    "bool": False,
    "date": FIRST,
    "timestamp": datetime(2024, 1, 1, tzinfo=UTC),
    "vector": [0.5],
}
Rows = list[dict[str, Any]]


def frame(table: Table, rows: Rows) -> pl.DataFrame:
    """Rows of the contract; what a row does not say gets a legal filler."""
    filler = {
        column.name: column.allowed[0] if column.allowed else FILLERS[column.type]
        for column in table.columns
    }
    return pl.DataFrame([{**filler, **row} for row in rows], schema=table.polars_schema)


def interaction(user: int, product: int, at: datetime, arrived: datetime | None = None) -> dict:
    return {
        "event_date": at.date(),
        "event_id": f"{user}-{product}-{at.isoformat()}",
        "user_id": f"u{user:02d}",
        "product_id": f"p{product:02d}",
        "event_type": "view",
        "event_ts": at,
        "arrived_at": arrived or at,
        "weight": 1.0,
    }


def walk() -> pl.DataFrame:
    """Two products a week: mostly the next ones in the row (a ring), three in ten are any."""
    chance = random.Random(4)
    rows = [
        interaction(
            user,
            chance.randrange(PRODUCTS)
            if chance.random() < 0.3
            else (user * 7 + 2 * number + step) % PRODUCTS,
            datetime.combine(FIRST, datetime.min.time(), UTC)
            + timedelta(weeks=number, days=2 * step + user % 3, hours=user % 20),
        )
        for user in range(USERS)
        for number in range(WEEKS)
        for step in range(2)
    ]
    return frame(USER_ITEM_INTERACTIONS, rows)


@pytest.fixture(scope="session")
def shop() -> pl.DataFrame:
    """Rows of the mart over five weeks."""
    return walk()


@pytest.fixture(scope="session")
def interactions() -> Callable[..., pl.DataFrame]:
    """interactions((user, product, instant[, arrival]), …) → rows of the mart."""
    return lambda *rows: frame(USER_ITEM_INTERACTIONS, [interaction(*row) for row in rows])


def record(
    store: DeltaStore,
    shop: pl.DataFrame,
    models: Sequence[Recommender],
    cutoffs: Sequence[date] = CUTOFFS,
    *,
    untrained: Mapping[str, str] | None = None,
) -> None:
    """Registry, lists and metrics of these trainings, as the weekly assets leave them.

    `untrained` has the reasons of models that could not learn from the newest cut-off.
    """
    trainings = [
        registry_row(
            model, cutoff=cutoff, code_version="c", input_hash="i", artefact_hash="a",
            artefact_rows=1,
            not_trained=(untrained or {}).get(model.name) if cutoff == cutoffs[-1] else None,
        )
        for cutoff in cutoffs
        for model in models
    ]  # fmt: skip
    store.overwrite(REGISTRY, pl.concat(trainings), partitions=cutoffs)
    evaluated = [each for each in cutoffs if each < CUTOFFS[-1]]
    lists = [
        Evaluator(week(shop, cutoff=cutoff, exclude="seen")).lists(model, everyone=True)
        for cutoff in evaluated
        for model in models
    ]
    store.overwrite(TOP_K, pl.concat(lists), partitions=evaluated)
    rows = [{"cutoff": cutoff, "model": model.name} for cutoff in evaluated for model in models]
    store.overwrite(OFFLINE_METRICS, frame(OFFLINE_METRICS, rows), partitions=evaluated)


@dataclass(frozen=True)
class Home:
    """A home on disk: its folder, its lake, and the mart's rows."""

    path: Path
    store: DeltaStore
    shop: pl.DataFrame

    def train(self, *models: Recommender, untrained: Mapping[str, str] | None = None) -> None:
        """Train these, every week anew, and nothing else; `untrained`: not for the newest."""
        used = [each.for_task(weekly_task("seen")) for each in models]
        record(self.store, self.shop, used, untrained=untrained)


@pytest.fixture
def home(tmp_path: Path, shop: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home in which popularity and the directional model were trained weekly."""
    path = tmp_path / "home"
    path.mkdir()
    (path / "persona.toml").write_text(
        'exclude = "seen"\n[source]\nname = "synthetic"\nstart = 2024-01-01\nend = 2024-02-05\n'
        "[source.options]\nusers = 5\nproducts = 5\nseed = 1\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PERSONA_HOME", str(path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = DeltaStore(str(path / "lake"))
    days = shop["event_date"].unique().sort().to_list()
    store.overwrite(USER_ITEM_INTERACTIONS, shop, partitions=days)
    made = Home(path, store, shop)
    made.train(MODELS["popularity"], MODELS["directional"])
    yield made
