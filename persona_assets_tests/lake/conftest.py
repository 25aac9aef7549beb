"""A lake in a folder of its own, rows for it, and processes that write to it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import pytest

from persona_assets.lake import DeltaStore
from persona_assets.lake.spark_engine import SparkEngine
from persona_assets.tables import Column, Table

SCRIPT = Path(__file__).with_name("writer_process.py")

FACTS = Table(
    "tests",
    "facts",
    grain="one row per day and number",
    key=("event_date", "number"),
    partition="event_date",
    columns=(
        Column("event_date", "date", "day"),
        Column("number", "int64", "number"),
        Column("name", "string", "name", nullable=True),
        Column("share", "float64", "share", nullable=True),
        Column("vector", "vector", "vector", nullable=True),
    ),
)
THINGS = Table("tests", "things", "one row per number", ("number",), FACTS.columns[1:])


@dataclass
class Writer:
    """One process of `writer_process.py`."""

    process: subprocess.Popen[str]

    def go(self) -> None:
        """Let it write; returns at once."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def commits(self) -> list[dict[str, Any]]:
        """What it wrote, once it has ended well."""
        output, errors = self.process.communicate(timeout=1_200)
        assert self.process.returncode == 0, errors
        return [json.loads(line) for line in output.splitlines()]


@dataclass
class Writers:
    """Starts writers; all are ready when `start` returns."""

    started: list[Writer] = field(default_factory=list)

    def start(self, root: Path, mode: str, jobs: list[tuple[str, list[date]]], times: int = 1):
        fresh = []
        for value, days in jobs:
            command = [sys.executable, str(SCRIPT), str(root), mode, str(times), value]
            process = subprocess.Popen(
                [*command, *[day.isoformat() for day in days]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            fresh.append(Writer(process))
        self.started += fresh
        for writer in fresh:
            assert writer.process.stdout is not None
            assert writer.process.stdout.readline() == "ready\n"
        return fresh


@pytest.fixture
def writers() -> Iterator[Writers]:
    found = Writers()
    yield found
    for writer in found.started:
        if writer.process.poll() is None:
            writer.kill()


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    return DeltaStore(str(tmp_path / "lake"))


@dataclass(frozen=True)
class Side:
    """A store over one engine, and the way to put rows where that engine computes."""

    store: DeltaStore
    lazy: Callable[[pl.DataFrame], nw.LazyFrame]


@pytest.fixture
def polars_side(tmp_path: Path) -> Side:
    return Side(DeltaStore(str(tmp_path / "lake")), lambda frame: nw.from_native(frame.lazy()))


@pytest.fixture
def spark_side(tmp_path: Path, spark: Any) -> Side:
    """The lake of `polars_side`, on Spark."""
    return Side(
        DeltaStore(str(tmp_path / "lake"), SparkEngine(lambda: spark)),
        lambda frame: nw.from_native(spark.createDataFrame(frame.to_arrow())),
    )


@pytest.fixture(params=["polars", "spark"])
def side(request: pytest.FixtureRequest) -> Side:
    """Each of the two engines."""
    found: Side = request.getfixturevalue(f"{request.param}_side")
    return found


@pytest.fixture(scope="session")
def facts() -> Table:
    """A partitioned table with every type that a digest treats on its own."""
    return FACTS


@pytest.fixture(scope="session")
def things() -> Table:
    """The same columns, unpartitioned."""
    return THINGS


@pytest.fixture(scope="session")
def rows() -> Callable[..., pl.DataFrame]:
    """Rows of `FACTS`: for each day the numbers given."""

    def make(days: dict[date, list[int]], name: str = "a") -> pl.DataFrame:
        return pl.DataFrame(
            [
                {"event_date": day, "number": number, "name": name, "share": 0.5, "vector": [1.0]}
                for day, numbers in days.items()
                for number in numbers
            ],
            schema=FACTS.polars_schema,
        )

    return make
