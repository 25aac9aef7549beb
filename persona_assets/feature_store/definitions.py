"""Versions of feature views: what each version means, and that none changes its meaning.

Belongs here: a view as plain values, the difference of two, the checked-in record of all versions
(`definitions.json`, written by `python -m persona_assets.feature_store.definitions`) and the record
of a home, which says by which definitions its rows were made. Does not belong here: the views
(`registry.py`).

A model that was trained on a feature must be served the same feature. So whatever `persona
features` lists of a view is part of its definition, and to change any of it takes a new version.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from persona_assets import regular_files
from persona_assets.errors import DataError, UserError
from persona_assets.feature_store.registry import VIEWS, Feature, FeatureView
from persona_assets.tables import TABLES

FILE_NAME = "definitions.json"
"""Of the checked-in record, and of a home's at `<home>/feature_store/definitions.json`."""

Definition = Mapping[str, Any]
Recorded = dict[str, dict[str, Definition]]
"""Name of a view → version → definition."""


def definition(view: FeatureView) -> Definition:
    """The view as plain values, its version left out."""
    return {
        "entity": view.entity,
        "key": view.key,
        "owner": view.owner,
        "table": view.table.path,
        "clock": view.clock,
        "period_hours": view.period.total_seconds() / 3600 if view.period else None,
        "time_to_live_hours": view.time_to_live.total_seconds() / 3600,
        "window_days": view.window_days,
        "tie": list(view.tie),
        "features": {
            each.name: {
                "type": each.type,
                "meaning": each.meaning,
                "unit": each.unit,
                "nullable": each.nullable,
                "window_days": each.window_days,
            }
            for each in view.features
        },
    }


def of_version(name: str, version: int) -> FeatureView:
    """The view called `name` as it was in `version`, from the checked-in record.

    Raises:
        DataError: that version is not in the record, or its table or a column is no more.
    """
    recorded = checked_in().get(name, {}).get(str(version))
    if recorded is None:
        raise DataError(
            f"version {version} of the feature view {name} is not in this package; use the one "
            "that wrote it down"
        )
    table = TABLES.get(recorded["table"])
    features = tuple(Feature(name, **each) for name, each in recorded["features"].items())
    lost = [each.name for each in features if table and each.name not in table.polars_schema]
    if table is None or lost:
        raise DataError(
            f"version {version} of the feature view {name} reads {recorded['table']}"
            f"{f' {lost[0]}' if lost else ''}, which this package does not have; use an earlier one"
        )
    period = recorded["period_hours"]
    return FeatureView(
        name=name,
        version=version,
        entity=recorded["entity"],
        owner=recorded["owner"],
        table=table,
        clock=recorded["clock"],
        period=None if period is None else timedelta(hours=period),
        time_to_live=timedelta(hours=recorded["time_to_live_hours"]),
        window_days=recorded["window_days"],
        features=features,
        tie=tuple(recorded["tie"]),
    )


def difference(before: Definition, now: Definition) -> list[str]:
    """What changed, a line for each value: `features.views_7d.unit: d → h`."""
    old, new = dict(_flat(before)), dict(_flat(now))
    return [
        f"{name}: {_said(old.get(name))} → {_said(new.get(name))}"
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]


def checked_in() -> Recorded:
    """The definitions that the package has given out, by view and version."""
    text = resources.files(__package__).joinpath(FILE_NAME).read_text(encoding="utf-8")
    return dict(json.loads(text))


def extended(recorded: Recorded, views: Sequence[FeatureView] = VIEWS) -> Recorded:
    """The record with the versions that are new.

    Raises:
        UserError: a recorded version means something else now, or a version is not the next one.
    """
    found = {name: dict(versions) for name, versions in recorded.items()}
    for view in views:
        of_view = found.setdefault(view.name, {})
        if (known := of_view.get(str(view.version))) is not None:
            _refuse_change(view, known, "recorded in the package")
        elif view.version != (following := len(of_view) + 1):
            raise UserError(
                f"the feature view {view.name} has version {view.version}, but {following} is the "
                "next one; declare that version in feature_store/registry.py"
            )
        else:
            of_view[str(view.version)] = definition(view)
    return found


def verify_home(home: Path, views: Sequence[FeatureView] = VIEWS) -> list[str]:
    """Raise UserError unless the rows of `home` were made by definitions that still hold.

    Returns:
        Names of views of which the home has rows of an earlier version: `persona run` makes them
        again.

    Raises:
        UserError: a definition changed without a new version, or the home is of a later package.
        DataError: the home's record is not readable.
    """
    held = _of_home(home)
    earlier = []
    for view in views:
        if (found := held.get(view.name)) is None:
            continue
        [(version, known)] = found.items()
        if int(version) > view.version:
            raise UserError(
                f"the home {home} has rows of version {version} of the feature view {view.name}, "
                f"this package knows {view.version}; install the package that made them"
            )
        if int(version) < view.version:
            earlier.append(view.name)
        else:
            _refuse_change(view, known, f"by which the rows of the home {home} were made")
    return earlier


def remember_in_home(home: Path, views: Sequence[FeatureView] = VIEWS) -> None:
    """Note in the home that its rows are made by the present definitions.

    Raises:
        UserError: the home cannot be written.
    """
    path = _path(home)
    text = _text({view.name: {str(view.version): definition(view)} for view in views})
    try:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}; point PERSONA_HOME at a folder you may "
            "write to"
        ) from error


def _of_home(home: Path) -> Recorded:
    path = _path(home)
    try:
        stored = json.loads(regular_files.text(path))
        if not isinstance(stored, dict):
            raise ValueError("it is no JSON object")
        found = {name: dict(versions) for name, versions in stored.items()}
        # Read for nothing but to see that they are what they are taken for.
        _ = [(int(version), dict(known)) for [(version, known)] in map(dict.items, found.values())]
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, RecursionError, OSError) as error:
        raise DataError(
            f"{path} is not the record of definitions of a home: {error}; delete it, and "
            "`persona run --all` makes all rows by the present definitions"
        ) from error
    return found


def _path(home: Path) -> Path:
    return home / "feature_store" / FILE_NAME


def _refuse_change(view: FeatureView, known: Definition, where: str) -> None:
    # As JSON reads it back: tuples are lists there.
    present = json.loads(json.dumps(definition(view)))
    if changes := difference(known, present):
        raise UserError(
            f"the feature view {view.name} is not the version {view.version} {where}: "
            f"{'; '.join(changes)}; declare the next version in feature_store/registry.py and run "
            "`make reference`, or undo the change"
        )


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from _flat(each, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", each


def _said(value: object) -> str:
    return "nothing" if value is None else str(value)


def _text(recorded: Recorded) -> str:
    return json.dumps(recorded, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    given = Path(sys.argv[1])
    before = json.loads(given.read_text(encoding="utf-8")) if given.exists() else {}
    given.write_text(_text(extended(before)), encoding="utf-8")
