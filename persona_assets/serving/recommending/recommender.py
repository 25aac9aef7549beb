"""What serves, kept up to date while the service runs.

Belongs here: loading it again when the lake has something newer, and asking it with what the live
tail knows. Does not belong here: loading itself (`served_model.py`), ranking (`ranking.py`).
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from persona_assets.errors import PersonaError
from persona_assets.lake import DeltaStore
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.recommenders.neighbours import Neighbours
from persona_assets.serving.online.live_tail import LiveTail
from persona_assets.serving.recommending.context_popularity import NO_CONTEXT, Wanted
from persona_assets.serving.recommending.ranking import (
    Person,
    Ranked,
    Recommendation,
    beside,
    left_out,
    ranked,
)
from persona_assets.serving.recommending.served_model import ServedModel, load, state_of
from persona_assets.transforms.pseudonyms import pseudonym

_LOG = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
"""Between two looks at whether the lake has something newer."""
LIVE_EVENTS = 200
"""Newest live events of a person that an answer looks at."""


@dataclass(frozen=True)
class Beholder:
    """Who looks at a list beside a product, and where.

    Attributes:
        user_id: the shop's identifier; None: nobody knows who it is.
        consent: whether anything about the customer may be used.
        placement: place in the page, as the shop names it.
    """

    user_id: str | None = None
    consent: bool = True
    placement: str | None = None


NOBODY = Beholder()


class NotReadyError(PersonaError):
    """Nothing can be recommended yet; the text says why."""


@dataclass
class Recommender:
    """Answers from the newest champion, which is exchanged while requests go on.

    Attributes:
        store: the lake.
        tail: of events that the lake does not know.
        key: of the hashes of people.
        exclude: the rule of lists.
        weights: of event types.
        category_cap: most products of one category in a person's list; 0: no cap.
        clock: now, in seconds since 1970 UTC.
    """

    store: DeltaStore
    tail: LiveTail
    key: bytes
    exclude: Exclusion
    weights: Mapping[str, float]
    category_cap: int = 0
    clock: Callable[[], float] = time.time
    _served: ServedModel | None = None
    _why_not: str = "nothing was loaded yet"
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Load what serves, and look for newer every `LOOK_SECONDS` in a thread."""
        self.refresh()
        self._thread = threading.Thread(target=self._look, name="champion", daemon=True)
        self._thread.start()

    def refresh(self) -> bool:
        """Load what serves if the lake has something newer; was it exchanged?

        A request that is under way ends with what it began with. What cannot be loaded leaves what
        serves in place.
        """
        try:
            if self._served is not None and state_of(self.store) == self._served.state:
                return False
            self._served = load(self.store, self.exclude)
        except PersonaError as error:
            if str(error) != self._why_not:
                _LOG.warning("nothing newer is served: %s", error)
            self._why_not = str(error)
            return False
        return True

    def close(self) -> None:
        """End the looking."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def unready(self) -> str:
        """Why nothing can be recommended; empty: it can."""
        return "" if self._served is not None else self._why_not

    @property
    def served(self) -> ServedModel:
        """What serves.

        Raises:
            NotReadyError: nothing does.
        """
        if self._served is None:
            raise NotReadyError(self._why_not)
        return self._served

    def recommend(
        self,
        user_id: str | None,
        k: int,
        *,
        consent: bool = True,
        looked_at: tuple[str, int] | None = None,
        model: ServedModel | None = None,
        context: str | None = None,
        placement: str | None = None,
        within: Wanted = NO_CONTEXT,
    ) -> tuple[ServedModel, Ranked]:
        """The list of a customer, and what made it.

        Args:
            user_id: the shop's identifier; None: nobody knows who it is.
            k: at most so many products.
            consent: whether anything about the customer may be used.
            looked_at: see `ranking.ranked`.
            model: another model than what serves (`other_models.py`).
            context: page that the list is for.
            placement: its place in that page.
            within: where nothing is known of the customer: country, device, referrer.

        Raises:
            NotReadyError: nothing serves yet.
        """
        served = model or self.served
        return served, ranked(
            served,
            replace(self._person(user_id, consent=consent), context=within),
            k,
            weights=self.weights,
            exclude=self.exclude,
            looked_at=looked_at,
            holding=served.rules.at(self.clock(), context, placement),
            cap=self.category_cap,
        )

    def similar(
        self, product: str, k: int, beholder: Beholder = NOBODY
    ) -> tuple[ServedModel, tuple[Recommendation, ...]]:
        """The products that the same people interacted with.

        Of a product that nobody has interacted with: those that are described alike.
        """
        served = self.served
        reason = "people who looked at this looked at it, too"
        return served, self._beside(
            served, served.similar, product, k, reason, beholder, described=True
        )

    def complementary(
        self, product: str, k: int, beholder: Beholder = NOBODY
    ) -> tuple[ServedModel, tuple[Recommendation, ...]]:
        """The products that people went on to."""
        served = self.served
        reason = "people went on to it from this"
        return served, self._beside(served, served.follow, product, k, reason, beholder)

    def _beside(
        self,
        served: ServedModel,
        pairs: Neighbours | None,
        product: str,
        k: int,
        reason: str,
        beholder: Beholder,
        *,
        described: bool = False,
    ) -> tuple[Recommendation, ...]:
        person = self._person(beholder.user_id, consent=beholder.consent)
        return beside(
            served,
            pairs,
            product,
            k,
            reason,
            holding=served.rules.at(
                self.clock(), "product", beholder.placement, only_placed_pins=True
            ),
            left_out=left_out(served, person, self.exclude) if person.user_id else (),
            described=described,
        )

    def _person(self, user_id: str | None, *, consent: bool) -> Person:
        if user_id is None or not consent:
            return Person(None, consent)
        hashed = pseudonym(user_id, self.key)
        return Person(
            hashed,
            events=self.tail.events_of(hashed, most=LIVE_EVENTS),
            exclusions=self.tail.exclusions_of(hashed),
        )

    def _look(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            self.refresh()
