"""One person's list: which way it is made, what is left out of it, and why each product is in it.

Belongs here: ranking for one person or beside one product. Does not belong here: loading
(`served_model.py`), HTTP (`serving/api/recommendations.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.merchandising.rules import NO_RULES, Holding, arranged
from persona_assets.recommenders.best_columns import best_columns
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.recommenders.models.popularity import Popularity
from persona_assets.recommenders.neighbours import Neighbours
from persona_assets.serving.online.live_event import LiveEvent
from persona_assets.serving.online.live_tail import Exclusions
from persona_assets.serving.recommending.context_popularity import NO_CONTEXT, Wanted
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
CONTEXT_POPULARITY = "context_popularity"
"""Name of what is popular within a context, which is no model of its own."""
_FEW = 1_000
_ALIKE, _SEEDS = 50, 5
"""Products described alike that are looked at, and those of them that stand for a new product."""
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
        context: of the request: country, kind of device, where the person came from.
    """

    user_id: str | None
    consent: bool = True
    events: tuple[LiveEvent, ...] = ()
    exclusions: Exclusions = field(default_factory=Exclusions)
    context: Wanted = NO_CONTEXT


def ranked(
    served: ServedModel,
    person: Person,
    k: int,
    *,
    weights: Mapping[str, float],
    exclude: Exclusion,
    looked_at: tuple[str, int] | None = None,
    holding: Holding = NO_RULES,
    cap: int = 0,
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
        holding: the rules of the shop that hold for the list.
        cap: most products of one category; 0: as many as there are.
    """
    user = person.user_id
    if user is None or not person.consent:
        history: PersonHistory = NOTHING
        out: set[str] = set()
    else:
        history = _with_live(served, person, weights)
        out = left_out(served, person, exclude)
    seeds: Mapping[str, str] = {}
    if looked_at is not None:
        product, now = looked_at
        out.add(product)
        if person.consent:
            viewed = _seeds(served, product, weights.get("view", 1.0))
            seeds = dict.fromkeys(viewed, product)
            history = history.with_events(list(viewed), [now] * len(viewed), list(viewed.values()))
    path = _path(served, person, history)
    if path == "cold_start" and (within := served.contexts.within(person.context)) is not None:
        return _within(served, *within, k, holding, cap, out)
    loaded = served.loaded if path in ("personal", "fold_in") else served.popular
    name = user if path == "personal" and user is not None else FALLBACK_USER
    # As in a run: a model that does without histories is told only of what its training could not
    # know.
    news = path == "fold_in" or looked_at is not None or _news(served, person)
    asked = history if served.needs_history or news else NOTHING
    scorer = loaded([name], asked)
    scores = np.array(scorer.scores_of(slice(0, 1)), dtype=np.float64)
    products = scorer.products
    items = _arranged(served, products, scores, k, holding, cap, out)
    reasons = _reasons(served, history, person, [product for product, _ in items], path, seeds)
    return Ranked(
        path,
        served.name if loaded is served.loaded else Popularity.name,
        _with_reasons(items, reasons, holding),
    )


def _seeds(served: ServedModel, product: str, weight: float) -> dict[str, float]:
    """What a look at the product tells models: the product, with the weight of a view.

    Of one that nobody has interacted with, no model knows anything: those that the catalogue
    describes alike stand for it, by how much alike they are.
    """
    if product in served.interacted:
        return {product: weight}
    near = served.alike.of_product(product, _ALIKE)
    known = {other: weight * cosine for other, cosine in near if other in served.interacted}
    return dict(list(known.items())[:_SEEDS]) or {product: weight}


def _within(
    served: ServedModel,
    context: tuple[str, ...],
    scores: NDArray[np.float64],
    k: int,
    holding: Holding,
    cap: int,
    out: Collection[str],
) -> Ranked:
    """The popular products within a context."""
    products = served.contexts.products
    items = _arranged(served, products, scores[np.newaxis].copy(), k, holding, cap, out)
    reasons = [f"popular now ({', '.join(context)})"] * len(items)
    return Ranked("cold_start", CONTEXT_POPULARITY, _with_reasons(items, reasons, holding))


def _with_reasons(
    items: Sequence[tuple[str, float]], reasons: Sequence[str], holding: Holding
) -> tuple[Recommendation, ...]:
    pinned = {product for wanted in holding.pinned.values() for product in wanted}
    return tuple(
        Recommendation(product, score, PINNED if product in pinned else reason)
        for (product, score), reason in zip(items, reasons, strict=True)
    )


def beside(
    served: ServedModel,
    neighbours: Neighbours | None,
    product: str,
    k: int,
    reason: str,
    *,
    holding: Holding = NO_RULES,
    left_out: Collection[str] = (),
    described: bool = False,
) -> tuple[Recommendation, ...]:
    """The `k` products that lie nearest to one, by a model of pairs.

    Of a product that nobody has interacted with: those that the catalogue describes alike, if
    `described` says so.

    Args:
        served: what serves.
        neighbours: the model; None: it was not trained.
        product: the shop's identifier; one that nobody interacted with has none.
        k: at most so many.
        reason: of all of them.
        holding: the rules of the shop that hold for the list.
        left_out: products that whoever looks must not be shown.
        described: see above.
    """
    if described and product not in served.interacted:
        return _alike(served, product, k, holding, {*left_out, product})
    if neighbours is None:
        return ()
    products = neighbours.products
    row = int(products.search_sorted(product))
    if row >= len(products) or products[row] != product:
        return ()
    scores = np.full((1, len(products)), -np.inf)
    mine = slice(neighbours.scores.indptr[row], neighbours.scores.indptr[row + 1])
    scores[0, neighbours.scores.indices[mine]] = neighbours.scores.data[mine]
    scores[0, scores[0] <= 0] = -np.inf
    return tuple(
        Recommendation(name, score, reason)
        for name, score in _arranged(served, products, scores, k, holding, 0, {*left_out, product})
    )


def _alike(
    served: ServedModel, product: str, k: int, holding: Holding, out: Collection[str]
) -> tuple[Recommendation, ...]:
    # As many more as may be left out.
    near = served.alike.of_product(product, k + len(out) + len(holding.hidden))
    if not near:
        return ()
    products = pl.Series([each for each, _ in near], dtype=pl.String())
    scores = np.array([[score for _, score in near]])
    return tuple(
        Recommendation(name, score, "described alike")
        for name, score in _arranged(served, products, scores, k, holding, 0, out)
    )


PINNED = "chosen by the shop"
"""Reason of a pinned product."""


def _arranged(
    served: ServedModel,
    products: pl.Series,
    scores: NDArray[np.float64],
    k: int,
    holding: Holding,
    cap: int,
    out: Collection[str],
) -> list[tuple[str, float]]:
    """The list of the scores, by the shop's rules, without the products in `out`.

    A pinned product has its own score, 0 where the model has none for it; one that neither the
    model nor the catalogue knows is not set in.
    """
    own = _of_pins(products, scores, holding)
    unknown = {each for each in own if each not in served.catalogue and not own[each]}
    hidden = [*out, *holding.hidden]
    if hidden:
        # A short series may be of this request alone, and is sooner searched than remembered.
        few = len(products) <= _FEW
        found_in = products.is_in(hidden).to_numpy() if few else served.columns.of(products, hidden)
        scores[0, found_in] = -np.inf
    catalogue = served.catalogue
    length = k
    while True:
        best = dict(_best(products, scores, length))
        found = arranged(
            best,
            k,
            holding,
            category_of=lambda product: each.category if (each := catalogue.get(product)) else None,
            cap=cap,
            left_out={*out, *unknown},
        )
        # Those that a full category keeps out make room for others further down.
        if len(found) == k or len(best) < length or length >= scores.shape[1]:
            return [(each, best[each] if each in best else own[each]) for each in found]
        length *= 4


def _of_pins(
    products: pl.Series, scores: NDArray[np.float64], holding: Holding
) -> dict[str, float]:
    """The pinned products with their scores; 0: the model has none."""
    found: dict[str, float] = {}
    for product in {each for wanted in holding.pinned.values() for each in wanted}:
        places = np.flatnonzero((products == product).to_numpy())
        score = float(scores[0, places[0]]) if len(places) else 0.0
        found[product] = score if np.isfinite(score) else 0.0
    return found


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


def left_out(served: ServedModel, person: Person, exclude: Exclusion) -> set[str]:
    """What the person must not be shown: bought, seen or rejected, as the rule says."""
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
    seeds: Mapping[str, str],
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
            # What stands for a new product is not what the person looked at.
            product = seeds.get(evidence[strongest], evidence[strongest])
            known = served.catalogue.get(product)
            name = known.name if known is not None and known.name else product
            reasons[place] = f"because you {verbs.get(product) or 'looked at'} {name}"
    return reasons
