"""The graph over the lake of one folder, and ways to run it and to compare what it made.

Importing this builds the definitions of the home that PERSONA_HOME names: `conftest.py` sets it.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import dagster as dg
import pytest

from persona_assets import settings as settings_module
from persona_assets.definitions import build_defs
from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import render
from persona_assets.orchestration.partitions import Calendar
from persona_assets.orchestration.resources import instance as instance_module
from persona_assets.orchestration.resources.build import build_resources, resources_of
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.orchestration.runs.execute import execute
from persona_assets.orchestration.runs.plan import plan
from persona_assets.run_record import RunRecord
from persona_assets.settings import Settings
from persona_assets.sources.protocol import Source
from persona_assets.tables import TABLES

_FIRST = "dagster/asset_partition_range_start"
_LAST = "dagster/asset_partition_range_end"
RUN_CONFIG = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

Hashes = dict[str, dict[str, str]]
"""Table path → partition key → content hash."""
Evaluations = dict[tuple[str, str], dg.AssetCheckEvaluation]
"""Check name and partition key → result."""
EvaluationsOf = Callable[[dg.ExecuteInProcessResult, str], Evaluations]


def hashes_of(store: DeltaStore, groups: Sequence[str] = ()) -> Hashes:
    """What the lake holds; of all groups where none is named."""
    return {
        path: {key: render(rows, total) for key, (rows, total) in store.digests(table).items()}
        for path, table in TABLES.items()
        if (not groups or table.group in groups) and store.exists(table)
    }


def store_of(defs: dg.Definitions) -> DeltaStore:
    """The lake that the definitions read and write."""
    store: DeltaStore = resources_of(defs)["lake"].store
    return store


@dataclass(frozen=True)
class Graph:
    """The graph over the lake of one folder, with an instance that records its runs."""

    settings: Settings
    defs: dg.Definitions
    instance: dg.DagsterInstance

    @property
    def store(self) -> DeltaStore:
        return store_of(self.defs)

    def run(
        self,
        job: str,
        first: str | None = None,
        last: str | None = None,
        *,
        assets: Sequence[str] | None = None,
        must_succeed: bool = True,
    ) -> dg.ExecuteInProcessResult:
        """Run `job` for the partitions `first` to `last` (None: just `first`)."""
        tags = {}
        if last is not None:
            tags = {_FIRST: str(first), _LAST: last}
        result = self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=first if last is None else None,
            tags=tags,
            run_config=RUN_CONFIG,
            asset_selection=[dg.AssetKey(path.split("/")) for path in assets] if assets else None,
            raise_on_error=False,
        )
        assert result.success or not must_succeed, failures(result)
        return result

    def check(self, path: str, first: str | None = None, last: str | None = None) -> Evaluations:
        """Run only the checks of a table; evaluations by check name and partition key."""
        key = dg.AssetKey(path.split("/"))
        selection = dg.AssetSelection.checks_for_assets(key)
        tags = {_FIRST: str(first), _LAST: last or str(first)} if first else {}
        result = (
            dg.Definitions(
                assets=self.defs.assets,
                asset_checks=self.defs.asset_checks,
                jobs=[dg.define_asset_job("only_checks", selection=selection)],
                resources=self.defs.resources,
                executor=dg.in_process_executor,
            )
            .resolve_job_def("only_checks")
            .execute_in_process(
                instance=self.instance, tags=tags, run_config=RUN_CONFIG, raise_on_error=False
            )
        )
        found = evaluations(result, path)
        assert found, failures(result)
        return found

    def hashes(self, *groups: str) -> Hashes:
        return hashes_of(self.store, groups)


def evaluations(result: dg.ExecuteInProcessResult, path: str) -> Evaluations:
    """The check results of one table in a run, by check name and partition key."""
    return {
        (each.check_name, each.partition or ""): each
        for each in result.get_asset_check_evaluations()
        if "/".join(each.asset_key.path) == path
    }


def failures(result: dg.ExecuteInProcessResult) -> str:
    """What went wrong in a run, in words."""
    steps = [event for event in result.all_events if event.is_step_failure]
    checks = [each for each in result.get_asset_check_evaluations() if not each.passed]
    return "\n".join(
        [str(event.step_failure_data.error_display_string) for event in steps]
        + [f"{each.asset_key} {each.check_name} {each.description}" for each in checks]
    )


@contextmanager
def open_graph_at(folder: Path, source: Source | None = None, **changes: object) -> Iterator[Graph]:
    """The graph over `folder` of `source` (None: the small shop), with other settings."""
    settings = replace(settings_module.load(), home=folder, **changes)
    resources = build_resources(settings) | {"shop": ShopResource(settings, source)}
    with dg.DagsterInstance.ephemeral() as instance:
        yield Graph(settings, build_defs(settings, resources=resources), instance)


class OpenGraph(Protocol):
    """open_graph("name"[, source][, settings by name]) → the graph over a folder of its own."""

    def __call__(
        self, name: str = "home", source: Source | None = None, **changes: object
    ) -> Graph: ...


def opener(folder_of: Callable[[str], Path], opened: ExitStack) -> OpenGraph:
    """Opens graphs over the folders of their names; `opened` closes them."""

    def open_(name: str = "home", source: Source | None = None, **changes: object) -> Graph:
        return opened.enter_context(open_graph_at(folder_of(name), source, **changes))

    return open_


@contextmanager
def prepared(home: Path) -> Iterator[None]:
    """Within it, Dagster's instance is the one that `persona run` gives to `home`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
            patch.setenv(name, "")  # remembered, so that what `prepare` sets is taken back
            patch.delenv(name)
        instance_module.prepare(home)
        yield


OpenGraphOfHome = Callable[[Path], AbstractContextManager[Graph]]


@contextmanager
def open_graph_of_home(home: Path) -> Iterator[Graph]:
    """The graph of a home as `persona run` has it."""
    settings = replace(settings_module.load(), home=home)
    with prepared(home), dg.DagsterInstance.get() as instance:
        yield Graph(settings, build_defs(settings, resources=build_resources(settings)), instance)


@dataclass(frozen=True)
class Whole:
    """A home in which everything was materialized by `execute`. Only to be looked at."""

    settings: Settings
    defs: dg.Definitions
    record: RunRecord
    hashes: Mapping[str, Mapping[str, str]]

    @property
    def store(self) -> DeltaStore:
        return store_of(self.defs)

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """The instance that recorded the runs."""
        with prepared(self.settings.home), dg.DagsterInstance.get() as instance:
            yield instance


def materialized(home: Path) -> Whole:
    """The whole graph of the small shop, materialized in `home`."""
    settings = replace(settings_module.load(), home=home)
    settings_module.save(settings)
    defs = build_defs(settings, resources=build_resources(settings))
    with prepared(settings.home):
        record = execute(settings, defs, plan(4, Calendar.of_source(settings.source)))
    return Whole(settings, defs, record, hashes_of(store_of(defs)))


class CopyTables(Protocol):
    """See `copy_tables`."""

    def __call__(
        self, store: DeltaStore, graph: Graph, *paths: str, days: Sequence[str] | None = None
    ) -> None: ...


def copy_tables(
    store: DeltaStore, graph: Graph, *paths: str, days: Sequence[str] | None = None
) -> None:
    """Give `graph` tables of `store` as if it had made them.

    Without `days`, all partitions of the tables are on its record.
    """
    for path in paths:
        shutil.copytree(store.uri(TABLES[path]), graph.store.uri(TABLES[path]))
        key = dg.AssetKey(path.split("/"))
        partitions = graph.defs.resolve_asset_graph().get(key).partitions_def
        for partition in (days or partitions.get_partition_keys()) if partitions else [None]:
            graph.instance.report_runless_asset_event(
                dg.AssetMaterialization(key, partition=partition)
            )
