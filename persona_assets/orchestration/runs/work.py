"""The runs that are due, one by one: each is chosen after the one before has finished.

Belongs here: which of the due partitions go into one Dagster run, and in which order. Does not
belong here: what is due (`due.py`), all runs of a home (`plan.py`), executing them (`execute.py`),
saying what was done (`summary.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from persona_assets.orchestration.runs.due import (
    Due,
    Present,
    Reason,
    due,
    following,
    no_longer_delivered,
)
from persona_assets.orchestration.runs.lineage import Node
from persona_assets.orchestration.runs.plan import PlannedRun


@dataclass
class Work:
    """What is to be done in a home, asked anew after each run.

    Attributes:
        nodes: the graph, in the order in which it is run.
        ask: what the partitions are compared with, as things are now.
        in_subprocess: jobs whose runs may go beside those of others.
        done: what was made so far, and why.
    """

    nodes: Sequence[Node]
    ask: Callable[[], Present]
    in_subprocess: frozenset[str] = frozenset()
    done: dict[str, dict[str, Reason]] = field(default_factory=dict)

    def runs(self) -> Iterator[PlannedRun]:
        """The due runs; each must be executed before the next is asked for.

        Only what is due by itself is run. What merely follows from it waits until it is known
        whether its inputs came out otherwise than before. Nothing is run twice.
        """
        while (found := self._next()) is not None:
            run, made = found
            for path, reasons in made.items():
                self.done.setdefault(path, {}).update(reasons)
            yield run

    def outlook(self) -> Due:
        """What is due, and all that may follow from it."""
        return following(self.nodes, self._due())

    def side_by_side(self, outlook: Due) -> bool:
        """Is there work for a second process?"""
        return any(node.path in outlook for node in self.nodes if node.job in self.in_subprocess)

    def no_longer_delivered(self) -> list[str]:
        """Days of raw tables whose rows the source has no more, and which keep what they have."""
        found = no_longer_delivered(self.nodes, self.ask())
        return sorted({key for keys in found.values() for key in keys})

    def _due(self) -> dict[str, dict[str, Reason]]:
        found = due(self.nodes, self.ask())
        steps: dict[str, dict[str, Reason]] = {}
        step_of = {node.path: node.step for node in self.nodes}
        for path, reasons in found.items():
            steps[step_of[path]] = {**reasons, **steps.get(step_of[path], {})}
        # Tables of one step are made together, those that were made so far not again.
        whole = {node.path: steps.get(node.step, {}) for node in self.nodes}
        left = {
            path: {key: why for key, why in reasons.items() if key not in self.done.get(path, {})}
            for path, reasons in whole.items()
        }
        return {path: dict(sorted(reasons.items())) for path, reasons in left.items() if reasons}

    def _next(self) -> tuple[PlannedRun, dict[str, dict[str, Reason]]] | None:
        wanted = self._due()
        waiting = following(self.nodes, wanted)
        for node in self.nodes:
            keys = [key for key in wanted.get(node.path, {}) if _can_run(node, [key], waiting, {})]
            if keys:
                return self._run_with(node, _first_range(node, keys), wanted, waiting)
        return None

    def _run_with(
        self, first: Node, keys: Sequence[str], wanted: Due, waiting: Due
    ) -> tuple[PlannedRun, dict[str, dict[str, Reason]]]:
        """A run of `first` and of what else of its job is due for the same partitions."""
        made: dict[str, dict[str, Reason]] = {}
        days: Sequence[str] = ()
        others = [node for node in self.nodes if node.job == first.job]
        for node in others[others.index(first) :]:
            due_keys = wanted.get(node.path, {})
            partitioned = node.partitions != ("",)
            asked: Sequence[str] = [""]
            if partitioned:
                asked = days or (keys if node is first else _first_range(node, list(due_keys)))
            if not asked or not set(asked) <= set(due_keys):
                continue
            # Its input may come out as it was before.
            spared = any(due_keys[key] is Reason.INPUT for key in asked)
            if _can_run(node, asked, waiting, {} if spared else made):
                made[node.path] = {key: due_keys[key] for key in asked}
                days = asked if partitioned else days
        made = {path: reasons for path, reasons in made.items() if self._whole_step(path, made)}
        parallel = first.job in self.in_subprocess and any(
            node.path in waiting for node in self.nodes if node.job not in self.in_subprocess
        )
        return PlannedRun(first.job, tuple(days), tuple(made), in_subprocess=parallel), made

    def _whole_step(self, path: str, made: Due) -> bool:
        step = next(node.step for node in self.nodes if node.path == path)
        return all(node.path in made for node in self.nodes if node.step == step)


def within(nodes: Sequence[Node], runs: Sequence[PlannedRun]) -> list[Node]:
    """`nodes` cut down to the assets and partitions of `runs`, in the order of these."""
    found = []
    for run in runs:
        for node in nodes:
            if node.job == run.job and (run.assets is None or node.path in run.assets):
                asked = set(run.partitions)
                kept = tuple(key for key in node.partitions if key in asked or key == "")
                found.append(replace(node, partitions=kept))
    return found


def _can_run(node: Node, keys: Sequence[str], waiting: Due, made: Due) -> bool:
    """Are all inputs of the partitions as they will be, or made by the same run?"""
    for path, window in node.windows.items():
        pending = [key for key in waiting.get(path, {}) if key not in made.get(path, {})]
        if not pending:
            continue
        for key in keys:
            first, end = window.of(key)
            if any(first <= each and (end is None or each < end) for each in pending):
                return False
    return True


def _first_range(node: Node, keys: Sequence[str]) -> list[str]:
    """The oldest of `keys` and those that follow it without a gap."""
    place = {key: number for number, key in enumerate(node.partitions)}
    ordered = sorted(keys, key=place.__getitem__)
    chosen = ordered[:1]
    for key in ordered[1:]:
        if place[key] != place[chosen[-1]] + 1:
            break
        chosen.append(key)
    return chosen
