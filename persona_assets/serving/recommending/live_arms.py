"""The arms of live experiments, loaded beside the champion, and who gets which.

Belongs here: keeping arms up to date, storing plans before anybody is exposed, and one person's
arm. Does not belong here: the rule of the assignment (`live_experiments/`), ranking (`ranking.py`).
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from persona_assets.errors import InsufficientDataError, PersonaError, UserError
from persona_assets.experiments.arms import competing_arms
from persona_assets.lake import DeltaStore
from persona_assets.live_experiments import stored_plans
from persona_assets.live_experiments.assignment import arm_of
from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.live_experiments.stored_plans import StoredPlan
from persona_assets.serving.recommending.recommender import Recommender
from persona_assets.serving.recommending.served_model import ServedModel, with_training
from persona_assets.tables.evaluation import MODEL_COMPARISON
from persona_assets.tables.models import REGISTRY

_LOG = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
"""Between two looks at whether the champion was exchanged or an experiment began."""


@dataclass(frozen=True, eq=False)
class Served:
    """What one person gets in an experiment.

    Attributes:
        experiment: its name.
        arm: of that experiment.
        model: of that arm.
    """

    experiment: str
    arm: str
    model: ServedModel


@dataclass(frozen=True, eq=False)
class _Running:
    experiment: LiveExperiment
    arms: Mapping[str, str]
    models: Mapping[str, ServedModel]


class LiveArms:
    """The experiments of a running service.

    An experiment runs from its start to its end, once all its arms are loaded: not before, or those
    who came early would be in some arms alone. A newer training of an arm replaces the older one;
    one that cannot be loaded leaves it in place. Where layers overlap, a person whom two
    experiments take is served by the one that started first, so that none that runs loses people.

    Args:
        home: where plans are stored.
        store: the lake.
        experiments: as declared.
        recommender: of the champion, whose cut-off, histories and catalogue arms share.
        clock: now, in seconds since 1970 UTC.

    Raises:
        UserError: a declaration was changed after its first exposure.
        DataError: the stored plans cannot be read.
    """

    def __init__(
        self,
        home: Path,
        store: DeltaStore,
        experiments: Sequence[LiveExperiment],
        recommender: Recommender,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._home, self._store, self._recommender = home, store, recommender
        self.clock = clock
        self._experiments = sorted(experiments, key=lambda each: (each.start, each.name))
        self._plans = stored_plans.load(home) if experiments else {}
        stored_plans.refuse_changed(experiments, self._plans)
        self._running: tuple[_Running, ...] = ()
        self._said: dict[str, str] = {}
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Load arms now and look again every `LOOK_SECONDS`; nothing where none is declared."""
        if self._experiments:
            self.look()
            self._thread = threading.Thread(target=self._run, name="experiments", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the looking."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> None:
        """Bring the arms of what runs today up to date. What hinders one is logged once."""
        before = {each.experiment.name: each for each in self._running}
        found = []
        for each in self._experiments:
            if not each.start <= self._today() < each.end:
                continue
            try:
                found.append(self._loaded(each, before.get(each.name)))
                self._said.pop(each.name, None)
            except PersonaError as error:
                if each.name in before:
                    found.append(before[each.name])
                self._warn(each.name, error)
        self._running = tuple(found)

    def of(self, user_id: str) -> Served | None:
        """What a person gets who consents; None: the champion, in no experiment.

        Somebody of whom nothing is known gets the same list in all arms, and is in none.
        The first one who gets anything fixes the plan. A plan that cannot be stored keeps everybody
        out of its experiment.

        Args:
            user_id: keyed hash of the person.
        """
        running = self._running
        if not running or not self._knows(user_id):
            return None
        for each in running:
            declared = each.experiment
            if not declared.start <= self._today() < declared.end:
                continue
            arm = arm_of(declared, each.arms, user_id)
            if arm is not None and self._is_fixed(declared.name):
                return Served(declared.name, arm, each.models[arm])
        return None

    def _loaded(self, declared: LiveExperiment, before: _Running | None) -> _Running:
        """The experiment with models of the champion's cut-off, its plan stored.

        Raises:
            NotReadyError: nothing serves yet.
            UserError: an arm's model was not trained.
            InsufficientDataError: arms are not named, and there is no challenger.
            DataError: a table or an artefact cannot be read.
            InfrastructureError: the plan cannot be stored.
        """
        champion = self._recommender.served
        plan = self._plans.get(declared.name)
        if plan is not None and plan.exposed:
            arms = plan.arms
        elif before is not None:
            arms = before.arms
        else:
            arms = declared.arms or self._default_arms(champion)
        ordered = {arm: arms[arm] for arm in declared.ordered(arms)}
        models = {arm: self._model(name, champion, before) for arm, name in ordered.items()}
        self._plan(declared, ordered)
        return _Running(declared, ordered, models)

    def _default_arms(self, champion: ServedModel) -> Mapping[str, str]:
        if not self._store.exists(MODEL_COMPARISON):
            raise InsufficientDataError(
                f"it names no arms, and {MODEL_COMPARISON.path}, which says who the best "
                "challengers are, was not made yet; name them, or let `persona run` make it"
            )
        return competing_arms(champion.name, self._store.read(MODEL_COMPARISON))

    def _model(self, name: str, champion: ServedModel, before: _Running | None) -> ServedModel:
        if name == champion.name:
            return champion
        for held in () if before is None else before.models.values():
            if held.name == name and held.state == champion.state:
                return held
        trained = self._store.read(REGISTRY, [champion.cutoff]).filter(
            pl.col("model") == name, pl.col("not_trained").is_null()
        )
        if trained.is_empty():
            raise UserError(
                f"its model {name!r} was not trained for {champion.cutoff}, of which the champion "
                "is; name another arm, or let `persona run` train it"
            )
        return with_training(champion, self._store, trained.row(0, named=True))

    def _plan(self, declared: LiveExperiment, arms: Mapping[str, str]) -> None:
        """Store the plan of an experiment that nobody was exposed to yet."""
        fresh = StoredPlan(declared.as_plan(), arms)
        with self._lock:
            plan = self._plans.get(declared.name)
            if plan is None or not (plan.exposed or plan == fresh):
                self._save(declared.name, fresh)

    def _is_fixed(self, name: str) -> bool:
        """Does the plan say that somebody is exposed? It is made to, where it did not."""
        if self._plans[name].exposed:
            return True
        try:
            with self._lock:
                if not self._plans[name].exposed:
                    self._save(name, replace(self._plans[name], exposed=True))
        except PersonaError as error:
            self._warn(name, error)
            return False
        return True

    def _save(self, name: str, plan: StoredPlan) -> None:
        plans = {**self._plans, name: plan}
        stored_plans.save(self._home, plans)
        self._plans = plans

    def _warn(self, name: str, error: PersonaError) -> None:
        if self._said.get(name) != str(error):
            self._said[name] = str(error)
            _LOG.warning("experiment %s: %s", name, error)

    def _knows(self, user_id: str) -> bool:
        in_mart = user_id in self._recommender.served.people.rows
        return in_mart or bool(self._recommender.tail.events_of(user_id, most=1))

    def _today(self) -> date:
        return datetime.fromtimestamp(self.clock(), UTC).date()

    def _run(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            self.look()
