"""Seconds of one more day, by the days of history behind it, next to those of the first load.

    python performance/second_day.py [--days 60 360] [--rows 300] [--more 2]

A shop of daily CSV files is loaded by `persona run`, a day's file is added, and the same command
runs again, for some days; so does a run to which nothing came. Each runs in a process of its own,
as from cron. Seconds are those of the wall, and of processors: of all processes that the command
starts, Python's start and the report included. Of several days the median is shown. Histories end
so that no more day makes a cut-off due: this is what six days of seven cost.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median

START = date(2025, 1, 6)
USERS, PRODUCTS = 200, 120
MAPPING = """\
[events]
file = "events/*.csv"
user_id = "visitor"
product_id = "sku"
event_type = "action"
timestamp = "time"
unit_price = "price"

[events.constants]
consent = true

[products]
file = "products.csv"
product_id = "sku"
name = "title"
category = "category"
price = "price"
"""


def deliver(shop: Path, day: date, rows: int) -> None:
    """Write the file of a day."""
    chance = random.Random(day.toordinal())
    lines = ["visitor,sku,action,time,price"]
    for _ in range(rows):
        user, second = chance.randrange(USERS), chance.randrange(86_400)
        product = (user * 3 + chance.randrange(25)) % PRODUCTS
        kind = chance.choices(["view", "add_to_cart", "purchase"], [8, 2, 1])[0]
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        lines.append(f"c{user},p{product},{kind},{day}T{clock}Z,{5 + product % 40}.5")
    (shop / "events" / f"{day}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Cost:
    """Seconds of a command: of the wall, and of all processors together."""

    wall: float
    processor: float

    def __str__(self) -> str:
        return f"{self.wall:.1f} ({self.processor:.1f})"


def run(folder: Path) -> Cost:
    """What `persona run` on the shop in `folder` costs."""
    command = [
        *(sys.executable, "-m", "persona_assets.cli", "run", "--source", "files", "--weeks", "2"),
        *("--path", str(folder / "shop"), "--mapping", str(folder / "shop.toml")),
    ]
    environment = {**os.environ, "PERSONA_HOME": str(folder / "home")}
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - clock, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"exit code {done.returncode}:\n{done.stderr[-3000:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds, used)


def measured(days: int, rows: int, more: int) -> tuple[Cost, Cost, Cost]:
    """The first load, one more day (median of `more`), and a run to which nothing came."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shop = folder / "shop"
        (shop / "events").mkdir(parents=True)
        (folder / "shop.toml").write_text(MAPPING, encoding="utf-8")
        products = [f"p{n},Product {n},c{n % 8},{5 + n % 40}.5" for n in range(PRODUCTS)]
        (shop / "products.csv").write_text(
            "\n".join(["sku,title,category,price", *products]) + "\n", encoding="utf-8"
        )
        for number in range(days):
            deliver(shop, START + timedelta(days=number), rows)
        first, costs = run(folder), []
        for number in range(days, days + more):
            deliver(shop, START + timedelta(days=number), rows)
            costs.append(run(folder))
        return first, typical(costs), run(folder)


def typical(costs: list[Cost]) -> Cost:
    """The medians."""
    return Cost(median(each.wall for each in costs), median(each.processor for each in costs))


def main() -> None:
    """Print a row per length of history."""
    parser = argparse.ArgumentParser(description="Seconds of one more day.")
    parser.add_argument("--days", type=int, nargs="+", default=[60, 360])
    parser.add_argument("--rows", type=int, default=300, help="Events of a day.")
    parser.add_argument("--more", type=int, default=2, help="Days after the history.")
    asked = parser.parse_args()
    for days in asked.days:
        if days % 7 + asked.more > 6:
            parser.error(f"{days} days and {asked.more} more would end another week")
    print(
        "Seconds of the wall (of processors).\n\n"
        "| days behind it | first load | one more day | nothing new | share of the load |\n"
        "|---|---|---|---|---|",
        flush=True,
    )
    days_cost = []
    for days in asked.days:
        first, second, nothing = measured(days, asked.rows, asked.more)
        days_cost.append(second)
        shares = f"{second.wall / first.wall:.2f} ({second.processor / first.processor:.2f})"
        print(f"| {days} | {first} | {second} | {nothing} | {shares} |", flush=True)
    longest, shortest = days_cost[-1], days_cost[0]
    print(
        f"\nlongest against shortest history: {longest.wall / shortest.wall:.2f} × "
        f"({longest.processor / shortest.processor:.2f} ×)"
    )


if __name__ == "__main__":
    main()
