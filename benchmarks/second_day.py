"""Seconds of one more day, by the days of history behind it, next to those of the first load.

    python benchmarks/second_day.py [--days 60 360] [--rows 300]

A shop of daily CSV files is loaded by `persona run`, a day's file is added, and the same command
runs again; so does a run to which nothing came. Each runs in a process of its own, as from cron,
and its seconds are those of the wall, start of Python and the report included. No history ends
with a full week, so that one more day makes no cut-off due: this is what six days of seven cost.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

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


def run(folder: Path) -> float:
    """Seconds of `persona run` on the shop in `folder`."""
    command = [
        *(sys.executable, "-m", "persona_assets.cli", "run", "--source", "files", "--weeks", "2"),
        *("--path", str(folder / "shop"), "--mapping", str(folder / "shop.toml")),
    ]
    clock = time.perf_counter()
    environment = {**os.environ, "PERSONA_HOME": str(folder / "home")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - clock
    if done.returncode:
        sys.exit(f"exit code {done.returncode}:\n{done.stderr[-3000:]}")
    return seconds


def measured(days: int, rows: int) -> tuple[float, float, float]:
    """Seconds of the first load, of one more day, and of a run to which nothing came."""
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
        first = run(folder)
        deliver(shop, START + timedelta(days=days), rows)
        return first, run(folder), run(folder)


def main() -> None:
    """Print a row per length of history."""
    parser = argparse.ArgumentParser(description="Seconds of one more day.")
    parser.add_argument("--days", type=int, nargs="+", default=[60, 360])
    parser.add_argument("--rows", type=int, default=300, help="Events of a day.")
    asked = parser.parse_args()
    print(
        "| days behind it | first load, s | one more day, s | nothing new, s | share of the load |"
    )
    print("|---|---|---|---|---|", flush=True)
    more = []
    for days in asked.days:
        first, second, nothing = measured(days, asked.rows)
        more.append(second)
        print(
            f"| {days} | {first:.1f} | {second:.1f} | {nothing:.1f} | {second / first:.2f} |",
            flush=True,
        )
    print(f"longest against shortest history: {more[-1] / more[0]:.2f} ×")


if __name__ == "__main__":
    main()
