"""Mistakes in rules that each rule by itself does not show.

Belongs here: unknown products, contradictions, rules that are over. Does not belong here: fields of
one rule (`rules_file.py`).
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import combinations
from typing import Any

import polars as pl

_Rule = dict[str, Any]


def mistakes(
    rules: pl.DataFrame,
    products: Collection[str],
    categories: Collection[str],
    now: datetime,
) -> dict[str, list[str]]:
    """What is wrong → `rule_id`s; empty: nothing is.

    Args:
        rules: rows of `raw/merchandising_rules`.
        products: of the catalogue.
        categories: of the catalogue.
        now: the time.
    """
    rows: list[_Rule] = rules.sort("rule_id").to_dicts()
    known, named = set(products), set(categories)
    found = {
        "a product that the catalogue does not have": [
            row["rule_id"] for row in rows if row["product_id"] and row["product_id"] not in known
        ],
        "a category that the catalogue does not have": [
            row["rule_id"] for row in rows if row["category"] and row["category"] not in named
        ],
        "over": [row["rule_id"] for row in rows if row["valid_to"] and row["valid_to"] <= now],
        "contradicting": list(dict.fromkeys(_contradicting(rows))),
    }
    return {what: ids for what, ids in found.items() if ids}


def _contradicting(rows: list[_Rule]) -> Iterator[str]:
    """Pins of one place for two products, and pins of what is hidden at the same time."""
    pins = [row for row in rows if row["action"] == "pin"]
    hiding: dict[str, list[_Rule]] = {}
    for row in rows:
        if row["action"] != "pin" and row["product_id"]:
            hiding.setdefault(row["product_id"], []).append(row)
    for pin in pins:
        for other in hiding.get(pin["product_id"], []):
            if _meet(pin, other):
                yield from (pin["rule_id"], other["rule_id"])
    for one, other in combinations(pins, 2):
        same_place = one["position"] == other["position"]
        if same_place and one["product_id"] != other["product_id"] and _meet(one, other):
            yield from (one["rule_id"], other["rule_id"])


def _meet(one: _Rule, other: _Rule) -> bool:
    """Can both hold for one list?"""
    for name in ("context", "placement"):
        if one[name] and other[name] and one[name] != other[name]:
            return False
    return _begins_before_end(one, other) and _begins_before_end(other, one)


def _begins_before_end(one: _Rule, other: _Rule) -> bool:
    begin, end = one["valid_from"], other["valid_to"]
    return begin is None or end is None or bool(begin < end)
