"""One person's list: which way it is made, what is left out of it, and why each product is in it.

Belongs here: ranking for one person or beside one product. Does not belong here: loading
(`served_model.py`), HTTP (`serving/api/recommendations.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.best_columns import best_columns
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.recommenders.models.popularity import Popularity
from persona_assets.recommenders.neighbours import Neighbours
from persona_assets.serving.online.live_event import LiveEvent
from persona_assets.serving.online.live_tail import Exclusions
from persona_assets.serving.recommending.history import NOTHING, PersonHistory
from persona_assets.serving.recommending.served_model import ServedModel
from persona_assets.tables.models import FALLBACK_USER

ListPath = Literal["personal", "fold_in", "cold_start", "no_consent"]
"""How a list came about. `personal`: the training knew the person. `fold_in`: it did not, but what
the person did since says something. `cold_start`: nothing is known, so what is popular.
`no_consent`: nothing about the person may be used."""
_VERBS: Mapping[str, str] = {
    "view": "viewed",
    "add_to_cart": "put into the cart",
    "purchase": "bought",
}
_EVIDENCE = 50
"""Newest events that may be a reason."""


@dataclass(frozen=True)
class Recommendation:
    """A product of a list.

    Attributes:
        product_id: the shop's identifier.
        score: of the model; larger is better, within one list.
        reason: why, in words.
    """

    product_id: str
    score: float
    reason: str


@dataclass(frozen=True)
class Ranked:
    """A list.

    Attributes:
        path: how it came about.
        model: whose scores these are.
        items: best first.
    """

    path: ListPath
    model: str
    items: tuple[Recommendation, ...]


@dataclass(frozen=True)
class Person:
    """Whom a list is for, as known now.

    Attributes:
        user_id: keyed hash; None: nobody knows who it is.
        consent: whether anything about the person may be used.
        events: of the live tail, in order.
        exclusions: what the live tail knows to be bought or rejected.
    """

    user_id: str | None
    consent: bool = True
    events: tuple[LiveEvent, ...] = ()
    exclusions: Exclusions = field(default_factory=Exclusions)


def ranked(
    served: ServedModel,
    person: Person,
    k: int,
    *,
    weights: Mapping[str, float],
    exclude: Exclusion,
    looked_at: tuple[str, int] | None = None,
) -> Ranked:
    """The `k` best products for the person.

    Args:
        served: what serves.
        person: whom for.
        k: at most so many.
        weights: of event types.
        exclude: the rule of lists: what was bought, seen, or nothing is left out. What was rejected
            always is.
        looked_at: a product that is looked at now, and the instant [µs since 1970 UTC]: the latest
            view of the history, and not itself in the list.
    """
    user = person.user_id
    if user is None or not person.consent:
        history: PersonHistory = NOTHING
        out: set[str] = set()
    else:
        history = _with_live(served, person, weights)
        out = _left_out(served, person, exclude)
    if looked_at is not None:
        product, now = looked_at
        out.add(product)
        if person.consent:
            history = history.with_events([product], [now], [weights.get("view", 1.0)])
    path = _path(served, person, history)
    loaded = served.loaded if path in ("personal", "fold_in") else served.popular
    name = user if path == "personal" and user is not None else FALLBACK_USER
    # As in a run: a model that does without histories is told only of what its training could not
    # know.
    news = path == "fold_in" or looked_at is not None or _news(served, person)
    asked = history if served.needs_history or news else NOTHING
    scorer = loaded([name], asked)
    scores = np.array(scorer.scores_of(slice(0, 1)), dtype=np.float64)
    products = scorer.products
    if out:
        scores[0, served.columns.of(products, out)] = -np.inf
    items = _best(products, scores, k)
    reasons = _reasons(served, history, person, [product for product, _ in items], path)
    return Ranked(
        path,
        served.name if loaded is served.loaded else Popularity.name,
        tuple(
            Recommendation(product, score, reason)
            for (product, score), reason in zip(items, reasons, strict=True)
        ),
    )


def beside(
    neighbours: Neighbours | None, product: str, k: int, reason: str
) -> tuple[Recommendation, ...]:
    """The `k` products that lie nearest to one, by a model of pairs.

    Args:
        neighbours: the model; None: it was not trained.
        product: the shop's identifier; one that nobody interacted with has none.
        k: at most so many.
        reason: of all of them.
    """
    if neighbours is None:
        return ()
    products = neighbours.products
    row = int(products.search_sorted(product))
    if row >= len(products) or products[row] != product:
        return ()
    scores = np.full((1, len(products)), -np.inf)
    mine = slice(neighbours.scores.indptr[row], neighbours.scores.indptr[row + 1])
    scores[0, neighbours.scores.indices[mine]] = neighbours.scores.data[mine]
    scores[0, row] = -np.inf
    return tuple(
        Recommendation(name, score, reason)
        for name, score in _best(products, scores, k)
        if score > 0
    )


def _best(products: pl.Series, scores: NDArray[np.float64], k: int) -> list[tuple[str, float]]:
    length = min(k, scores.shape[1])
    if length == 0:
        return []
    chosen = best_columns(scores, length)[0]
    chosen = chosen[np.isfinite(scores[0, chosen])]
    # One by one: for a few products, gathering them takes longer than all the ranking.
    return [
        (products[place], score)
        for place, score in zip(chosen.tolist(), scores[0, chosen].tolist(), strict=True)
    ]


def _news(served: ServedModel, person: Person) -> bool:
    """Did anything happen that the training could not know?"""
    if _live_only(served, person):
        return True
    row = served.people.rows.get(person.user_id or "")
    return row is not None and bool(served.people.changed[row])


def _live_only(served: ServedModel, person: Person) -> list[LiveEvent]:
    """The live events that the mart does not have yet: each event counts once."""
    return [each for each in person.events if each.event_id not in served.people.collected]


def _with_live(served: ServedModel, person: Person, weights: Mapping[str, float]) -> PersonHistory:
    history = served.people.history(person.user_id or "")
    new = _live_only(served, person)
    if not new:
        return history
    return history.with_events(
        [each.product_id for each in new],
        [each.event_ts for each in new],
        [weights.get(each.event_type, 0.0) for each in new],
    )


def _left_out(served: ServedModel, person: Person, exclude: Exclusion) -> set[str]:
    out = set(served.people.excluded.get(person.user_id or "", ()))
    out |= person.exclusions.rejected
    if exclude != "none":
        out |= person.exclusions.bought
    if exclude == "seen":
        out |= {each.product_id for each in person.events}
    return out


def _path(served: ServedModel, person: Person, history: PersonHistory) -> ListPath:
    if not person.consent:
        return "no_consent"
    if person.user_id is not None and served.people.is_trained(person.user_id):
        return "personal"
    return "fold_in" if len(history) and served.folds_in else "cold_start"


def _reasons(
    served: ServedModel,
    history: PersonHistory,
    person: Person,
    products: Sequence[str],
    path: ListPath,
) -> list[str]:
    """Why each product: the newest product of the history that leads to it most strongly."""
    personal = path in ("personal", "fold_in") and (served.needs_history or served.folds_in)
    if not personal:
        return ["popular now"] * len(products)
    pairs = served.similar or served.follow
    if pairs is None or not len(history):
        return ["chosen for you"] * len(products)
    order = np.argsort(-history.times, kind="stable")[:_EVIDENCE]
    newest = list(dict.fromkeys(history.products[at] for at in order))
    evidence = [each for each in newest if each in served.similar_rows]
    listed = [place for place, each in enumerate(products) if each in served.similar_rows]
    reasons = ["chosen for you"] * len(products)
    if not evidence or not listed:
        return reasons
    rows = [served.similar_rows[each] for each in evidence]
    columns = [served.similar_rows[products[place]] for place in listed]
    leads = pairs.scores[rows][:, columns].toarray()
    verbs = {each.product_id: _VERBS.get(each.event_type) for each in person.events}
    for place, strongest, strength in zip(
        listed, leads.argmax(axis=0), leads.max(axis=0), strict=True
    ):
        if strength > 0:
            product = evidence[strongest]
            known = served.catalogue.get(product)
            name = known.name if known is not None and known.name else product
            reasons[place] = f"because you {verbs.get(product) or 'looked at'} {name}"
    return reasons
