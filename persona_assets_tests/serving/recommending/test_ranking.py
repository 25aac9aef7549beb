"""What is served to one person is what a run lists for everybody, and events count at once."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from persona_assets.recommenders import MODELS
from persona_assets.serving.online.live_event import LiveEvent
from persona_assets.serving.online.live_tail import Exclusions
from persona_assets.serving.recommending.ranking import Person, beside, ranked
from persona_assets.serving.recommending.served_model import ServedModel, load, load_training
from persona_assets.tables.models import FALLBACK_USER, REGISTRY, TOP_K
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS

K = 10
ASKED = 25
"""People asked for per model."""


@pytest.fixture(scope="module")
def serve(whole: Any) -> Any:
    """serve(model) → its newest training as if it served, as of its cut-off."""
    rows = whole.store.read(REGISTRY).filter(pl.col("not_trained").is_null()).sort("cutoff")

    def of(name: str) -> ServedModel:
        training = rows.filter(model=name).row(-1, named=True)
        return load_training(whole.store, training, "bought")

    return of


def event(product: str, kind: str = "view", user: str = "somebody", number: int = 0) -> LiveEvent:
    now = 1_738_600_000_000_000 + number * 1_000_000
    return LiveEvent(f"live-{number}", user, product, kind, now, now)


def listed(served: ServedModel, person: Person, k: int = K, **more: Any) -> Any:
    return ranked(served, person, k, weights=DEFAULT_WEIGHTS, exclude="bought", **more)


def as_of_the_cutoff(served: ServedModel) -> list[str]:
    """People of whom nothing is known that the training could not know."""
    people = served.people
    return [
        user for user, row in people.rows.items() if people.trained[row] and not people.changed[row]
    ]


@pytest.mark.parametrize("name", MODELS)
def test_the_online_list_is_the_offline_list_to_the_last_bit(
    whole: Any, serve: Any, name: str
) -> None:
    served = serve(name)
    lists = whole.store.read(TOP_K, [served.cutoff]).filter(model=name).sort("user_id", "rank")
    people = as_of_the_cutoff(served)[:ASKED]
    assert people
    for user in people:
        offline = lists.filter(pl.col("user_id") == user).head(K)
        found = listed(served, Person(user))
        assert [each.product_id for each in found.items] == offline["product_id"].to_list()
        assert [each.score for each in found.items] == offline["score"].to_list()
        assert found.path == "personal"


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.folds_in])
def test_somebody_new_gets_a_list_of_their_own_after_one_event(serve: Any, name: str) -> None:
    served = serve(name)
    before = listed(served, Person("somebody"))
    assert before.path == "cold_start"
    assert {each.reason for each in before.items} == {"popular now"}

    lists = set()
    for product in list(served.similar_rows)[:8]:
        found = listed(served, Person("somebody", events=(event(product),)))
        assert found.path == "fold_in"
        assert found.model == name
        lists.add(tuple(each.product_id for each in found.items))
    assert len(lists) > 1


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("trained", [True, False])
def test_what_was_bought_or_rejected_never_comes_back(serve: Any, name: str, trained: bool) -> None:
    served = serve(name)
    user = as_of_the_cutoff(served)[0] if trained else "somebody"
    gone: list[str] = []
    for number in range(6):
        kind = ("reject", "purchase")[number % 2]
        events = tuple(
            event(each, ("reject", "purchase")[at % 2], user, at) for at, each in enumerate(gone)
        )
        known = Exclusions(frozenset(gone[1::2]), frozenset(gone[0::2]))
        found = listed(served, Person(user, events=events, exclusions=known))
        products = [each.product_id for each in found.items]
        assert not set(products) & set(gone)
        gone.append(products[number % 3])
        assert kind in ("reject", "purchase")


def test_without_consent_nothing_about_the_person_counts(serve: Any) -> None:
    served = serve("als")
    user = as_of_the_cutoff(served)[0]
    history = tuple(event(each, user=user) for each in list(served.similar_rows)[:3])

    found = listed(served, Person(user, consent=False, events=history))

    assert found == replace(listed(served, Person(None)), path="no_consent")
    assert found.model == "popularity"


def test_an_event_that_the_mart_knows_counts_once(serve: Any) -> None:
    served = serve("als")
    user = as_of_the_cutoff(served)[0]
    product = next(iter(served.similar_rows))
    once = Person(user, events=(event(product, user=user),))
    known = replace(served.people, collected=frozenset({"live-0"}))

    assert listed(replace(served, people=known), once).items == listed(served, Person(user)).items
    assert listed(served, once).items != listed(served, Person(user)).items


def test_what_is_looked_at_counts_and_is_not_in_the_list(serve: Any) -> None:
    served = serve("two_stage")
    product = listed(served, Person(None)).items[0].product_id

    found = listed(served, Person(None), looked_at=(product, 1_738_600_000_000_000))

    assert found.path == "fold_in"
    assert product not in [each.product_id for each in found.items]


@pytest.mark.parametrize("name", ["als", "two_stage"])
def test_what_a_known_person_looks_at_counts_as_well(serve: Any, name: str) -> None:
    served = serve(name)
    user = as_of_the_cutoff(served)[0]
    before = listed(served, Person(user))
    product = before.items[0].product_id

    found = listed(served, Person(user), looked_at=(product, 1_738_600_000_000_000))

    assert found.path == "personal"
    assert product not in [each.product_id for each in found.items]
    rest = {each.product_id: each.score for each in before.items[1:]}
    assert {each.product_id: each.score for each in found.items[:-1]} != rest


def test_a_reason_names_a_product_that_leads_there(serve: Any) -> None:
    served = serve("item_knn")
    product = beside(served, served.similar, next(iter(served.similar_rows)), 1, "near")[
        0
    ].product_id
    named = served.catalogue[product].name

    found = listed(served, Person("somebody", events=(event(product),)))

    near = {each.product_id for each in beside(served, served.similar, product, 1_000, "near")}
    for each in found.items:
        if each.product_id in near:
            assert each.reason == f"because you viewed {named}"


def test_an_unknown_product_has_nothing_beside_it(serve: Any) -> None:
    served = serve("item_knn")
    assert beside(served, served.similar, "no such product", 5, "near") == ()
    assert beside(served, None, "p00001", 5, "near") == ()


def test_the_champion_is_what_serves(whole: Any) -> None:
    served = load(whole.store, "bought")
    lists = whole.store.read(TOP_K, [served.cutoff]).filter(
        model=served.name, user_id=FALLBACK_USER
    )
    assert lists.height
    assert served.state
