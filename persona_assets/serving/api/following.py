"""Keeping the online store and the live tail up to date while requests are answered.

Belongs here: opening newer snapshots, and forgetting of the tail what they and the lake know. Does
not belong here: either of them (`serving/online/`), the champion (`recommending/recommender.py`).

No request opens a snapshot or waits for one to be opened: it reads the newest that is open.
"""

import logging
import threading

from persona_assets.errors import PersonaError
from persona_assets.serving.online.live_event import LiveEvent
from persona_assets.serving.online.live_tail import LiveTail
from persona_assets.serving.online.store import OnlineStore
from persona_assets.serving.recommending.recommender import NotReadyError, Recommender
from persona_assets.tables.mart import EVENT_TYPES

LOOK_SECONDS = 5.0
"""Between two looks."""
WAIT_US = 7 * 86_400_000_000
"""How long an event stays in the tail that the lake does not get to know: one that the mart rejects
is never in it, and one of a day outside the calendar not before the calendar is longer."""
_VIEW = "user_features"
_LOG = logging.getLogger(__name__)


class Follower:
    """Follows the published snapshots.

    Args:
        online: opened with `follow=False`.
        tail: open for writing.
        recommender: whose histories of people replace those of the tail.
    """

    def __init__(self, online: OnlineStore, tail: LiveTail, recommender: Recommender) -> None:
        self._online = online
        self._tail = tail
        self._recommender = recommender
        self._why_not = ""
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look now, and every `LOOK_SECONDS` in a thread."""
        self.look()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the looking."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> int:
        """Open the newest snapshot, and let the tail forget; how many events it forgot.

        What cannot be read leaves the snapshot before in place, and is logged once.
        """
        try:
            self._online.refresh()
            forgotten = self._forget()
        except PersonaError as error:
            if str(error) != self._why_not:
                _LOG.warning("no newer snapshot is served: %s", error)
            self._why_not = str(error)
            return 0
        self._why_not = ""
        return forgotten

    def _forget(self) -> int:
        """Of the tail, forget what arrived before the snapshot's end and is in people's histories.

        Raises:
            DataError: nothing is published, or the tail is damaged.
        """
        manifest = self._online.manifest()
        daily = manifest.views.get(_VIEW) if manifest else None
        if daily is None:
            return 0
        try:
            in_mart = self._recommender.served.people.collected
        except NotReadyError:
            return 0

        def waits(event: LiveEvent) -> bool:
            return event.event_type in EVENT_TYPES and event.event_id not in in_mart

        limit = daily.event_us
        waiting = self._tail.oldest_arrival(limit - WAIT_US, limit, waits)
        return self._tail.forget_before(limit if waiting is None else waiting)

    def _run(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            self.look()
