"""What the routes share: everything that a running service holds open.

Belongs here: opening and closing it, and accepting events. Does not belong here: HTTP.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from persona_assets.errors import PersonaError
from persona_assets.lake import DeltaStore
from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.service_settings import ALL
from persona_assets.serving.api.following import Follower
from persona_assets.serving.api.keys import Keys, load
from persona_assets.serving.api.metrics import Metrics
from persona_assets.serving.api.rate_limit import RateLimit
from persona_assets.serving.collector.acceptance import Door, encoded, live
from persona_assets.serving.collector.contract import CollectedEvent, Reading, Rejected
from persona_assets.serving.collector.door_counts import DoorCounts
from persona_assets.serving.collector.replay import Replay
from persona_assets.serving.event_log.writer import EventLog
from persona_assets.serving.online.live_tail import LiveTail
from persona_assets.serving.online.opening import open_store
from persona_assets.serving.online.store import OnlineStore
from persona_assets.serving.recommending.live_arms import LiveArms, Served
from persona_assets.serving.recommending.other_models import OtherModels
from persona_assets.serving.recommending.recommender import Recommender
from persona_assets.serving.served.log import ServedLog
from persona_assets.settings import Settings
from persona_assets.transforms.pseudonyms import pseudonym

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Accepted:
    """What became of the events of a request.

    Attributes:
        events: that are durable now.
        ignored: that are no events of products or lists.
        rejected: that were not accepted, and why.
    """

    events: int
    ignored: int
    rejected: tuple[Rejected, ...]


@dataclass
class Service:
    """A running service.

    Attributes:
        settings: of the home.
        hash_key: secret of the keyed hashes of identifiers.
        keys: API keys.
        log: the event log, open for writing.
        tail: the live tail, open for writing.
        online: the online feature store.
        recommender: answers from the champion.
        served: the log of what was answered.
        metrics: what it measures of itself.
        limit: of each key.
        clock: now, in seconds since 1970 UTC.
        unready: questions whose answers are reasons not to be ready; empty: none. Other parts of
            the service add theirs.
    """

    settings: Settings
    hash_key: bytes
    keys: Keys
    log: EventLog
    tail: LiveTail
    online: OnlineStore
    recommender: Recommender
    served: ServedLog
    metrics: Metrics
    limit: RateLimit = field(default_factory=lambda: RateLimit(2_000))
    clock: Callable[[], float] = time.time
    unready: list[Callable[[], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.door = Door(self.hash_key, self.settings.service.event_consent == ALL)
        self.limit = RateLimit(self.settings.service.rate_limit)
        self.other_models = OtherModels(
            self.recommender.store, self.settings.exclude, self.recommender
        )
        self.live_arms = LiveArms(
            self.settings.home,
            self.recommender.store,
            self.settings.live_experiments,
            self.recommender,
            lambda: self.clock(),
        )
        self.metrics.watch(self.log)
        self.unready.append(lambda: self.log.counts().fault)
        # One thread: a writer elsewhere may hold the tail's lock, and answers must not wait for it.
        self._tail_thread = ThreadPoolExecutor(1, thread_name_prefix="live tail")
        self.follower = Follower(self.online, self.tail, self.recommender)
        self._replay = Replay(self.log, self.tail)
        self._counts = DoorCounts(self.log.folder)

    @classmethod
    def open(cls, settings: Settings, hash_key: bytes) -> "Service":
        """Open all that the service of a home needs.

        Raises:
            UserError: there are no API keys, another process serves the home, or an experiment was
                changed after its first exposure.
            DataError: the event log, the live tail or the plans of experiments are damaged.
        """
        keys = load(settings.service.api_keys, settings.home)
        metrics = Metrics()
        log = EventLog(settings.home / "event_log")
        try:
            served = ServedLog(settings.home, metrics.lists_lost.inc)
        except BaseException:
            log.close()
            raise
        try:
            if log.cut_off:
                _LOG.warning(
                    "%d bytes of a write that was cut off were removed from the end of the event "
                    "log; nobody was told that they were stored",
                    log.cut_off,
                )
            tail = LiveTail.of(settings.home)
            # Whatever engine the runs have: one process reads what serves.
            store = DeltaStore(settings.lake_root, PolarsEngine(), settings.storage_options)
            recommender = Recommender(
                store,
                tail,
                hash_key,
                settings.exclude,
                settings.event_weights,
                settings.category_cap,
            )
            # Without following: a request must not open a snapshot, which is read whole for that.
            online = open_store(settings.home, settings.online_url or None, follow=False)
            found = cls(settings, hash_key, keys, log, tail, online, recommender, served, metrics)
            found._replay.catch_up()
            recommender.start()
            found.live_arms.start()
            found.follower.start()
        except BaseException:
            log.close()
            served.close()
            raise
        return found

    async def accept(self, source: str, reading: Reading) -> Accepted:
        """Make the events of a request durable and let the next answer see them.

        Raises:
            LogUnavailableError: nothing was stored.
        """
        events = self.door.accepted(reading, int(self.clock() * 1_000_000))
        if events:
            logged = self.log.append([encoded(event) for event in events])
            end = await asyncio.wrap_future(logged)
            await asyncio.get_running_loop().run_in_executor(
                self._tail_thread, self._show, events, end
            )
        without = sum(not event.consent for event in events)
        for outcome, number in (
            ("accepted", len(events) - without),
            ("without_person", without),
            ("ignored", reading.ignored),
            ("rejected", len(reading.rejected)),
        ):
            if number:
                self.metrics.events.labels(source, outcome).inc(number)
                self._counts.add(outcome, number)
        rejected = sorted(reading.rejected, key=lambda each: each.index)
        return Accepted(len(events), reading.ignored, tuple(rejected))

    def live_arm(self, user_id: str | None, *, consent: bool) -> Served | None:
        """What a customer gets in a live experiment; None: in none, or without consent.

        Args:
            user_id: the shop's identifier; None: nobody knows who it is.
            consent: whether anything about the customer may be used.
        """
        if user_id is None or not consent or not self.settings.live_experiments:
            return None
        return self.live_arms.of(pseudonym(user_id, self.hash_key))

    def close(self) -> None:
        """Finish what was begun and let go of everything."""
        self.follower.close()
        self.live_arms.close()
        self.recommender.close()
        self._tail_thread.shutdown()
        self._replay.keep()
        self._counts.keep()
        self.log.close()
        self.served.close()

    def _show(self, events: Sequence[CollectedEvent], end: int) -> None:
        """Put events into the live tail; they are durable, so a failure is no error of theirs."""
        try:
            self.tail.append(filter(None, map(live, events)))
            self._replay.shown(end)
        except PersonaError as error:
            self.metrics.tail_failures.inc(len(events))
            _LOG.error("%s", error)
