"""What is due is made, in an order that works, once, and nothing else: over random histories."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.lake.input_digests import InputDigests
from persona_assets.lake.provenance import Contents, PartitionRecord
from persona_assets.lake.windows import EVERYTHING, Window
from persona_assets.orchestration.resources.provenance import SOURCE
from persona_assets.orchestration.runs.due import Present, Reason
from persona_assets.orchestration.runs.lineage import Node
from persona_assets.orchestration.runs.plan import PlannedRun
from persona_assets.orchestration.runs.summary import kept_days, summary
from persona_assets.orchestration.runs.work import Work
from persona_assets.sources.delivered_versions import NOTHING

FIRST = date(2025, 1, 6)
DAYS = tuple((FIRST + timedelta(days=n)).isoformat() for n in range(21))
MONDAYS = (*DAYS[7::7], "2025-01-27")


def node(path: str, cadence: str, windows: Mapping[str, Window], step: str = "") -> Node:
    partitions = {"daily": DAYS, "weekly": MONDAYS, "unpartitioned": ("",)}[cadence]
    job = cadence if not path.startswith("raw/") else "daily"
    return Node(path, cadence, job, step or path, partitions, windows, "1", (), frozenset())


GRAPH = (
    node("raw/products", "unpartitioned", {}),
    node("raw/events", "daily", {}),
    node("mart/clean", "daily", {"raw/events": Window(1), "raw/products": EVERYTHING}, "mart"),
    node("mart/rejected", "daily", {"raw/events": Window(1), "raw/products": EVERYTHING}, "mart"),
    node("features/daily", "daily", {"mart/clean": Window(1)}),
    node("features/trailing", "daily", {"features/daily": Window(1, -2)}),
    node("models/model", "weekly", {"mart/clean": Window(7, -2, -1)}),
    node("models/lists", "weekly", {"models/model": Window(7)}),
    node("report/page", "unpartitioned", {"models/lists": EVERYTHING}),
)


@dataclass
class World:
    """A source, and tables that are sums of what they read."""

    source: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DAYS, 1))
    graph: tuple[Node, ...] = GRAPH
    records: dict[str, dict[str, PartitionRecord]] = field(default_factory=dict)
    executed: list[tuple[str, str]] = field(default_factory=list)

    def present(self) -> Present:
        delivered = {"raw/events": {day: str(n) for day, n in self.source.items()}}
        copies = {path: dict(records) for path, records in self.records.items()}
        return Present(
            copies, InputDigests(copies), {}, delivered | {"raw/products": {"": "products"}}
        )

    def work(self) -> Work:
        return Work(self.graph, self.present, frozenset())

    def run(self) -> Work:
        work = self.work()
        for planned in work.runs():
            self.execute(planned)
        return work

    def execute(self, planned: PlannedRun) -> None:
        for each in self.graph:
            if each.path in (planned.assets or ()):
                for key in planned.partitions if each.partitions != ("",) else [""]:
                    self.make(each, key)

    def make(self, each: Node, key: str) -> None:
        self.executed.append((each.path, key))
        contents = {path: Contents(self.records.get(path, {})) for path in each.windows}
        inputs = {path: contents[path].digest(*w.of(key)) for path, w in each.windows.items()}
        total = sum(
            int(record.digest, 16)
            for path, w in each.windows.items()
            for upstream, record in self.records.get(path, {}).items()
            if w.of(key)[0] <= upstream and (w.of(key)[1] is None or upstream < str(w.of(key)[1]))
        )
        if each.path == "raw/events":
            total, inputs = self.source[key], {SOURCE: str(self.source[key])}
        elif each.path == "raw/products":
            total, inputs = 5, {SOURCE: "products"}
        elif each.path == "features/daily":
            total //= 4  # not every change of an event changes what is computed from it
        record = PartitionRecord(1, f"{total % 2**64:016x}", "", each.code_version, "", inputs)
        self.records.setdefault(each.path, {})[key] = record

    def digests(self) -> dict[str, dict[str, str]]:
        return {
            path: {key: record.digest for key, record in records.items()}
            for path, records in self.records.items()
        }


def made_whole(world: World) -> dict[str, dict[str, str]]:
    """What one run over everything makes of the same source."""
    fresh = World(source=dict(world.source))
    for each in GRAPH:
        for key in each.partitions:
            fresh.make(each, key)
    return fresh.digests()


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("late rows"), st.sampled_from(DAYS), st.integers(1, 9)),
        st.tuples(st.just("lost"), st.sampled_from(GRAPH), st.integers(0, 20)),
        st.tuples(st.just("code"), st.sampled_from(GRAPH), st.integers(1, 3)),
    ),
    max_size=5,
)


@settings(max_examples=60)
@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_after_any_changes_tables_are_those_of_one_whole_run(histories: list[list[object]]) -> None:
    world = World()
    world.run()
    for changes in histories:
        for kind, what, number in changes:
            if kind == "late rows":
                world.source[what] = number
            elif kind == "lost":
                world.records[what.path].pop(what.partitions[number % len(what.partitions)], None)
            else:
                world.graph = tuple(
                    replace(each, code_version=str(number)) if each.step == what.step else each
                    for each in world.graph
                )
        world.executed.clear()
        world.run()
        assert world.digests() == made_whole(world)
        assert len(world.executed) == len(set(world.executed)), "something was made twice"
        world.executed.clear()
        world.run()
        assert not world.executed, "nothing changed, and yet something was made"


def test_the_first_load_is_a_run_per_job() -> None:
    world = World()
    planned = []
    work = world.work()
    for run in work.runs():
        planned.append(run)
        world.execute(run)
    assert [run.job for run in planned] == ["daily", "weekly", "unpartitioned"]
    assert planned[0].partitions == DAYS
    assert planned[0].assets == tuple(each.path for each in GRAPH[:6])
    assert planned[2].tags == {}


def test_a_late_day_makes_again_what_reads_it_and_nothing_else() -> None:
    world = World()
    world.run()
    world.executed.clear()
    world.source["2025-01-08"] = 9
    work = world.run()
    assert set(world.executed) == {
        ("raw/events", "2025-01-08"),
        ("mart/clean", "2025-01-08"),
        ("mart/rejected", "2025-01-08"),
        ("features/daily", "2025-01-08"),
        *(("features/trailing", f"2025-01-{day:02}") for day in (8, 9, 10)),
        *((f"models/{name}", day) for name in ("model", "lists") for day in MONDAYS[:2]),
        ("report/page", ""),
    }
    assert work.done["raw/events"] == {"2025-01-08": Reason.DELIVERED}
    assert work.done["features/trailing"]["2025-01-10"] is Reason.INPUT
    cadences = {each.path: each.cadence for each in GRAPH}
    assert summary(work.done, cadences) == [
        "raw: 1 day 2025-01-08 (delivered again)",
        "mart: 1 day 2025-01-08 (its input changed)",
        "features: 3 days 2025-01-08, 2025-01-09, 2025-01-10 (its input changed)",
        "models: 2 cut-offs 2025-01-13, 2025-01-20 (its input changed)",
        "report: page (its input changed)",
    ]


def test_a_result_that_is_as_before_makes_nothing_else_due() -> None:
    world = World()
    world.source["2025-01-08"] = 8
    world.run()
    world.executed.clear()
    world.source["2025-01-08"] = 9  # features/daily rounds: it comes out as before
    world.run()
    assert ("features/daily", "2025-01-08") in world.executed
    assert not [path for path, _ in world.executed if path == "features/trailing"]


def test_a_changed_model_makes_itself_and_what_reads_it_if_it_came_out_otherwise() -> None:
    world = World()
    world.run()
    world.executed.clear()
    world.graph = tuple(
        replace(each, code_version="2") if each.path == "models/model" else each for each in GRAPH
    )
    world.run()
    assert set(world.executed) == {("models/model", day) for day in MONDAYS}


def test_a_partition_whose_blocking_check_did_not_pass_is_made_again() -> None:
    world = World(
        graph=tuple(
            replace(each, blocking=frozenset({"contract"})) if each.path == "raw/events" else each
            for each in GRAPH
        )
    )
    world.run()
    held = world.records["raw/events"]
    for day in DAYS:
        held[day] = replace(held[day], checks={"contract": day != "2025-01-09"})
    work = world.work()
    assert work.outlook()["raw/events"] == {"2025-01-09": Reason.CHECKS}
    # What reads it waits for it.
    first = next(work.runs())
    assert (first.assets, first.partitions) == (("raw/events",), ("2025-01-09",))


def test_a_run_in_another_process_is_one_that_others_need_not_wait_for() -> None:
    world = World()
    work = Work(world.graph, world.present, frozenset({"weekly"}))
    runs = []
    for run in work.runs():
        runs.append(run)
        world.execute(run)
    assert [run.in_subprocess for run in runs] == [False, True, False]


def test_a_lost_table_that_comes_out_as_it_was_makes_nothing_else() -> None:
    world = World()
    world.run()
    world.executed.clear()
    del world.records["models/model"]
    world.run()
    assert set(world.executed) == {("models/model", day) for day in MONDAYS}


def test_a_day_whose_file_has_left_keeps_its_rows_and_is_named():
    world = World()
    world.run()
    before = world.digests()
    world.executed.clear()
    present = world.present()
    delivered = {**present.delivered["raw/events"], DAYS[3]: NOTHING}
    del delivered[DAYS[4]]  # after the source's last day, as it seems
    gone = replace(present, delivered={**present.delivered, "raw/events": delivered})
    work = Work(world.graph, lambda: gone, frozenset())
    assert list(work.runs()) == []
    assert work.no_longer_delivered() == [DAYS[3], DAYS[4]]
    assert world.digests() == before
    [line] = kept_days(work)
    assert line.startswith(f"2 days ({DAYS[3]}, {DAYS[4]}) have no rows in the files any more")
