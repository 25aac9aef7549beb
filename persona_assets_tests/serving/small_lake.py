"""A lake that serves, made in half a second: 40 products in 4 categories, 60 people, 5 trainings.

Belongs here: what the tests of the service need of a run. What a run makes of the same is tested
over the whole graph.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import SideInformation
from persona_assets.tables import Table
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import MERCHANDISING_RULES, PRODUCTS, USERS
from persona_assets.tables.serving import CHAMPION
from persona_assets.transforms.pseudonyms import pseudonym

HASH_KEY = b"a key for tests only"
CUTOFF = date(2026, 1, 5)
PEOPLE = [f"person {number}" for number in range(60)]
SOLD = [f"p{number:02}" for number in range(40)]
NEW = ["n0", "n1"]
"""Products of the catalogue that nobody has interacted with."""
CATEGORIES = ["shoes", "hats", "knives", "books"]
COUNTRIES = ["NO", "PT"]
TRAINED = ("popularity", "item_knn", "directional", "segment_popularity", "content")


def category_of(product: str) -> str:
    """Its category, by its number."""
    return CATEGORIES[int(product[1:]) % len(CATEGORIES)]


def country_of(person: str) -> str:
    """Where the person lives, by their number."""
    return COUNTRIES[int(person.split()[1]) % 2]


def small_lake(folder: Path, champion: str = "item_knn") -> DeltaStore:
    """The lake in `folder`."""
    store = DeltaStore(str(folder))
    mart, catalogue = _mart(), _catalogue()
    _write(store, USER_ITEM_INTERACTIONS, mart)
    _write(store, PRODUCTS, catalogue)
    people = pl.DataFrame({"user_id": PEOPLE, "country": [country_of(each) for each in PEOPLE]})
    _write(store, USERS, people)
    known = Interactions.known_at(CUTOFF, mart)
    hashed = people.with_columns(user_id=pl.Series([pseudonym(each, HASH_KEY) for each in PEOPLE]))
    side = SideInformation(hashed, catalogue)
    for name in TRAINED:
        model = MODELS[name]
        _write(store, model.artefact, model.fit(known, side_information=side))
    row = {
        "model": champion,
        "parameters": MODELS[champion].config.to_json(),
        "action": "promotion",
        "evidence": "{}",
        "cutoff": CUTOFF,
        "artefact_hash": "1-hash",
    }
    _write(store, CHAMPION, pl.DataFrame([row]))
    return store


def ruled(store: DeltaStore, *rules: dict[str, object]) -> None:
    """Give the lake these rules and no others."""
    rows = [{"rule_id": f"r{number}"} | rule for number, rule in enumerate(rules)]
    schema = {name: MERCHANDISING_RULES.polars_schema[name] for name in rows[0]} if rows else {}
    frame = pl.DataFrame(rows, schema_overrides=schema) if rows else MERCHANDISING_RULES.empty()
    _write(store, MERCHANDISING_RULES, frame)


def _mart() -> pl.DataFrame:
    """Of each person 12 events: two in three in the person's category, by country's half of it."""
    rng = np.random.default_rng(5)
    rows = []
    for number, person in enumerate(PEOPLE):
        mine = [each for each in SOLD if int(each[1:]) % 4 == number % 4]
        # People of one country are drawn to the first half of the catalogue, others to the second.
        half = [each for each in SOLD if (int(each[1:]) < 20) == (country_of(person) == "NO")]
        for event in range(12):
            among = mine if event % 3 else half
            happened = datetime(2026, 1, 4, tzinfo=UTC) - timedelta(
                hours=int(rng.integers(0, 600)), seconds=number
            )
            kind = ("view", "view", "add_to_cart", "purchase")[event % 4]
            rows.append(
                {
                    "event_date": happened.date(),
                    "event_id": f"{number}-{event}",
                    "user_id": pseudonym(person, HASH_KEY),
                    "product_id": str(rng.choice(among)),
                    "event_type": kind,
                    "event_ts": happened,
                    "arrived_at": happened,
                    "weight": {"view": 1.0, "add_to_cart": 3.0, "purchase": 5.0}[kind],
                }
            )
    return pl.DataFrame(rows)


def _catalogue() -> pl.DataFrame:
    products = [*SOLD, *NEW]
    return pl.DataFrame(
        {
            "product_id": products,
            "name": [f"{category_of(each)} {each}" for each in products],
            "category": [category_of(each) for each in products],
            "brand": ["Halcyon" if int(each[1:]) < 20 else "Brightside" for each in products],
            "price": [10.0 + int(each[1:]) for each in products],
            "kind": ["product"] * len(products),
        }
    )


def _write(store: DeltaStore, table: Table, rows: pl.DataFrame) -> None:
    missing = [
        pl.lit(None, kind).alias(name)
        for name, kind in table.polars_schema.items()
        if name not in rows.columns
    ]
    whole = rows.with_columns(missing).select(
        pl.col(name).cast(kind) for name, kind in table.polars_schema.items()
    )
    days: Sequence[date] | None = None
    if table.partition:
        days = whole[table.partition].unique().sort().to_list()
    store.overwrite(table, whole, partitions=days)
