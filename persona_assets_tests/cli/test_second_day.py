"""`persona run` from day to day, as from cron: days out of order, late rows, a bad day corrected.

A live home of a few days, none of which ends a week: what is trained weekly is checked by the
scheduler's test and by `orchestration/runs/test_work.py`.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from persona_assets.lake import DeltaStore
from persona_assets.tables import TABLES

MAPPING = """\
[events]
file = "events-*.csv"
user_id = "visitor"
product_id = "sku"
event_type = "action"
timestamp = "time"
unit_price = "price"

[events.constants]
consent = true
"""
MISSPELT = {"purchase": "purchas"}
UNKNOWN = {"view": "Ansicht", "add_to_cart": "Korb"}


def rows(day: date, names: Mapping[str, str], *, seed: str = "", number: int = 120) -> list[str]:
    """So many events of a day; `names` are those under which the shop exports some of them."""
    chance = random.Random(f"{day}{seed}")
    found = []
    for _ in range(number):
        at = datetime.combine(day, time(), UTC) + timedelta(seconds=chance.randrange(86_400))
        person, product = chance.randrange(30), chance.randrange(20)
        kind = chance.choices(["view", "add_to_cart", "purchase"], [5, 2, 2])[0]
        found.append(f"c{person},p{product},{names.get(kind, kind)},{at:%Y-%m-%dT%H:%M:%SZ},9.5")
    return found


pytestmark = pytest.mark.timeout(1800)  # five commands, on a machine that may be busy


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and the lake after it."""

    code: int
    said: str
    tables: Mapping[str, Mapping[str, Any]]

    def made(self, group: str) -> str:
        """The line that says what was made of a group and why; empty: nothing was."""
        return next((line for line in self.said.splitlines() if f"made {group}: " in line), "")


@dataclass
class Shop:
    """A shop's folder, and the runs over it.

    `late` is delivered after `last`; nothing ever comes for the day before today.
    """

    folder: Path
    today: date
    start: Callable[..., Any]
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first, self.second, self.late, self.last = (
            self.today - timedelta(days=ago) for ago in (5, 4, 3, 2)
        )
        (self.folder / "shop").mkdir()
        (self.folder / "shop.toml").write_text(MAPPING, encoding="utf-8")

    def deliver(self, day: date, lines: list[str], part: str = "") -> None:
        text = "\n".join(["visitor,sku,action,time,price", *lines]) + "\n"
        (self.folder / "shop" / f"events-{day}{part}.csv").write_text(text, encoding="utf-8")

    def run(self, name: str, home: str = "home") -> None:
        process = self.start(
            self.folder / home, "run", "--source", "files", "--live", "--start", str(self.first),
            "--path", str(self.folder / "shop"), "--mapping", str(self.folder / "shop.toml"),
            # In a history longer than this a bad day is too small a part to stop a run at once.
            "--most-rejected", "1",
            PERSONA_HASH_KEY="a key of every home of this test",
        )  # fmt: skip
        _, said = process.communicate(timeout=1_200)
        store = DeltaStore(str(self.folder / home / "lake"))
        tables = {
            path: {key: each for key, each in store.digests(table).items() if key < str(self.today)}
            for path, table in TABLES.items()
            if store.exists(table)
        }
        self.outcomes[name] = Outcome(process.returncode, said, tables)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, start_persona: Callable[..., Any]) -> Shop:
    """A shop after a run a day, and after one run over the same files in a home of its own.

    A live calendar grows at midnight (UTC). Days that turn over meanwhile are begun again.
    """
    while True:
        today = datetime.now(UTC).date()
        shop = Shop(tmp_path_factory.mktemp("second_day"), today, start_persona)
        run_days(shop)
        if datetime.now(UTC).date() == today:
            return shop


def run_days(shop: Shop) -> None:
    for day in (shop.first, shop.second, shop.last):
        shop.deliver(day, rows(day, {}))
    shop.run("a day is missing")
    shop.deliver(shop.late, rows(shop.late, MISSPELT))
    shop.deliver(shop.first, rows(shop.first, {}, seed="late", number=9), part="-late")
    shop.run("purchases are misspelt")
    shop.deliver(shop.late, rows(shop.late, UNKNOWN))
    shop.run("most events are unknown")
    shop.deliver(shop.late, rows(shop.late, {}))
    shop.run("corrected")
    shop.run("whole", home="whole")


def test_a_missing_day_is_named_and_stops_nobody(shop: Shop) -> None:
    outcome = shop.outcomes["a day is missing"]
    assert outcome.code == 0, outcome.said
    assert outcome.tables["mart/user_item_interactions"][str(shop.last)][0] > 0


def test_a_misspelt_event_name_does_not_end_green(shop: Shop) -> None:
    outcome = shop.outcomes["purchases are misspelt"]
    assert outcome.code == 1
    assert "error: 1 asset check(s) failed, first mart/quarantine event_names" in outcome.said
    assert f"rows of {shop.late} have an unknown event type ('purchas' " in outcome.said
    assert "[events.values.event_type]" in outcome.said


def test_only_what_came_and_what_reads_it_is_made_again(shop: Shop) -> None:
    outcome = shop.outcomes["purchases are misspelt"]
    assert f"2 days {shop.first}, {shop.late} (delivered again)" in outcome.made("raw")
    assert f"2 days {shop.first}, {shop.late} (its input changed)" in outcome.made("mart")
    # The trailing snapshots of the days between and after, too.
    assert f"5 days {shop.first} to {shop.today - timedelta(days=1)}" in outcome.made(
        "feature_store"
    )


def test_nothing_follows_from_a_day_of_which_most_events_are_unknown(
    shop: Shop,
) -> None:
    before, outcome = (
        shop.outcomes["purchases are misspelt"],
        shop.outcomes["most events are unknown"],
    )
    assert outcome.code == 1
    assert f"mart/user_item_interactions quarantine_share {shop.late}: " in outcome.said
    assert f"rows of {shop.late} are defective (unknown_event_type " in outcome.said
    for path in ("mart/sessions", "features/user_daily", "feature_store/user_features"):
        assert outcome.tables[path] == before.tables[path]


def test_a_mended_day_is_followed_and_tables_are_those_of_one_whole_run(
    shop: Shop,
) -> None:
    corrected, whole = shop.outcomes["corrected"], shop.outcomes["whole"]
    assert (corrected.code, whole.code) == (0, 0), corrected.said + whole.said
    assert f"1 day {shop.late} (delivered again)" in corrected.made("raw")
    assert corrected.tables == whole.tables
