"""The feature views for people to read: the page `docs/features.md`, and `persona features`.

Belongs here: rendering views as Markdown, lines and JSON. Does not belong here: the views
(`registry.py`). A test fails when the page is out of date; `make reference` writes it anew.
"""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta

from persona_assets.feature_store.definitions import definition
from persona_assets.feature_store.registry import VIEWS, Feature, FeatureView

_CLOCKS = {
    "end_of_day": "from the end of the UTC day in `{}` on",
    "start_of_day": "from 00:00 UTC of the day in `{}` on",
    "event": "valid from `event_ts`, known from `arrived_at` on",
}


def markdown() -> str:
    """The page, one section a view."""
    lines = [
        "# Features",
        "",
        "Generated from `persona_assets/feature_store/registry.py` by `make reference`; change the "
        "views or the contracts, not this page. How to use them: "
        "[feature_store.md](feature_store.md).",
        "",
        "| view | of a | version | features | holds for | owner |",
        "|---|---|---|---|---|---|",
        *(
            f"| [{each.name}](#{each.name}) | {each.entity} | {each.version} | "
            f"{len(each.features)} | {length(each.time_to_live)} | {each.owner} |"
            for each in VIEWS
        ),
    ]
    for each in VIEWS:
        lines += ["", *_section(each)]
    return "\n".join(lines) + "\n"


def lines(view: FeatureView) -> Iterator[str]:
    """The view in a few lines of text, a line for each feature."""
    yield (
        f"{view.name} (version {view.version}): {len(view.features)} features of a {view.entity}, "
        f"from {view.table.path}"
    )
    yield f"    key {view.key}; {clock(view).replace('`', '')}; for {length(view.time_to_live)}"
    yield f"    looks back {view.window_days} days; owner {view.owner}"
    for feature in view.features:
        yield f"    {feature.name:<24} {feature.type:<9} {_described(feature)}"


def as_json() -> str:
    """All views with their definitions and versions."""
    found = [{"name": each.name, "version": each.version, **definition(each)} for each in VIEWS]
    return json.dumps({"views": found}, indent=1, ensure_ascii=False)


def clock(view: FeatureView) -> str:
    """From when on a row of the view counts."""
    return _CLOCKS[view.clock].format(view.table.partition)


def length(time: timedelta) -> str:
    """`1 day`, `7 days`; hours where it is no whole number of days."""
    if time % timedelta(days=1):
        return f"{time / timedelta(hours=1):g} hours"
    return f"{time.days} day{'s' * (time.days != 1)}"


def _section(view: FeatureView) -> Iterator[str]:
    yield f"## {view.name}"
    yield ""
    yield (
        f"Of a {view.entity} (`{view.key}`), from "
        f"[{view.table.path}](tables.md#{view.table.path.replace('/', '')}). A row counts "
        f"{clock(view)}, for {length(view.time_to_live)}."
    )
    yield ""
    yield "| feature | type | meaning | window |"
    yield "|---|---|---|---|"
    for each in view.features:
        days = length(timedelta(days=each.window_days))
        yield f"| `{each.name}` | {each.type} | {_described(each)} | {days} |"


def _described(feature: Feature) -> str:
    meaning = feature.meaning.replace("|", "\\|")
    return f"{meaning} [{feature.unit}]" if feature.unit else meaning


if __name__ == "__main__":
    sys.stdout.write(markdown())
