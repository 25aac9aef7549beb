"""The commands about models: `persona models`, `tune`, `promote` and `rollback`.

Belongs here: arguments, what is read of the home for them, and what is printed. Does not belong
here: any decision (`lifecycle/`), or the command that they are part of (`cli.py`).
"""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from persona_assets import settings as settings_module
from persona_assets.errors import UserError
from persona_assets.settings import Settings

if TYPE_CHECKING:
    import polars as pl

    from persona_assets.lake import DeltaStore
    from persona_assets.lifecycle.promotion import SideInformationAt
    from persona_assets.lifecycle.validation import Week
    from persona_assets.recommenders.protocol import Recommender, SideInformation

DEFAULT_TRIALS = 30
"""Enough for the two or three fields that matter most; seconds for models that only count."""


@click.command("models")
@click.option("--json", "json_asked", is_flag=True, help="All of it as JSON, and nothing else.")
def models_(json_asked: bool) -> None:
    """List every model: what it is, its configuration, its stage and what it needs."""
    from persona_assets.lifecycle.overview import as_json, overviews
    from persona_assets.lifecycle.promotion import champion

    current = settings_module.load()
    store = store_of(current)
    found = overviews(store, exclude=current.exclude)
    if json_asked:
        click.echo(as_json(found))
        return
    for each in found:
        changed = ", ".join(f"{name} {value}" for name, value in each.changes.items())
        origin = f"{each.configuration}{f' ({each.study})' if each.study else ''}"
        stage = f"{each.stage}, trained for {each.trained}" if each.trained else "never trained"
        if each.trained_as_configured is False:
            stage += " with another configuration"
        if each.not_trained:
            reason = f"not trained for {each.not_trained_for}: {each.not_trained}"
            stage = f"{stage}; {reason}" if each.trained else reason
        click.echo(f"{each.model}: {each.description}")
        click.echo(f"    stage          {stage}")
        click.echo(f"    configuration  {origin}{f': {changed}' if changed else ''}")
        click.echo(f"    needs          {', '.join(each.needs)}")
    if (serving := champion(store)) is not None:
        click.echo(f"champion: {serving.model} {serving.parameters}")


@click.command()
@click.argument("model")
@click.option("--trials", type=int, default=DEFAULT_TRIALS, show_default=True, help="At most.")
@click.option("--sampler", default="tpe", show_default=True, help="random, tpe or grid.")
@click.option("--seed", type=int, help="Seed of everything random; default: the home's.")
@click.option(
    "--mlflow",
    "tracking_uri",
    envvar="MLFLOW_TRACKING_URI",
    help="MLflow tracking server or store to write the trials to as well.",
)
def tune(model: str, trials: int, sampler: str, seed: int | None, tracking_uri: str | None) -> None:
    """Try configurations of MODEL on the last week before its newest training.

    The default configuration comes first. Nothing at or after the newest trained cut-off is looked
    at. The trials are kept in models/tuning_trials; nothing is put to use before `persona promote`.
    """
    from persona_assets.lifecycle import search, study
    from persona_assets.lifecycle.tracking import Tracker
    from persona_assets.lifecycle.validation import weekly_task
    from persona_assets.recommenders import model_named

    search.refuse(trials, sampler)
    subject = model_named(model)
    current = home()
    store = store_of(current)
    week = _validation_week(store, current)
    tracker = Tracker(tracking_uri, model) if tracking_uri else None
    click.echo(
        f"{model}: {week.known.height} interactions known before {week.cutoff}, "
        f"{len(week.users)} users who did something in the week from it",
        err=True,
    )

    def told(row: dict[str, Any]) -> None:
        study.keep(store, study.frame([row]))  # at once: trials outlive whatever ends the study
        click.echo(f"{row['trial'] + 1}/{trials}  {_trial(row)}", err=True)
        if tracker is not None:
            tracker.track(row)

    asked = study.Study(
        subject.for_task(weekly_task(current.exclude)),
        trials,
        sampler,
        current.seed if seed is None else seed,
    )
    rows = asked.run(
        week, side_information=side_information_at(store, current)(week.cutoff), told=told
    )
    path = _plot(current, rows, asked.model)
    best = study.best(rows)
    click.echo(f"study {best['study']}: {rows.height} trials, plotted in {path}")
    click.echo(f"best  {_trial(best)}")
    if best["trial"] == 0:
        click.echo("The default configuration was the best; there is nothing to promote.")
        return
    if best["lift_low"] <= 0:
        click.echo("It is not distinguishable from the default on these users.")
    click.echo(f"To train with it: persona promote {model} --study {best['study']}")


@click.command()
@click.argument("model")
@click.option("--study", "study_id", help="Put its best trial to use instead.")
@click.option("--trial", type=int, help="Put this trial of the study to use.")
@click.option("--default", "to_default", is_flag=True, help="Put the default to use instead.")
def promote(model: str, study_id: str | None, trial: int | None, to_default: bool) -> None:
    """Make MODEL the champion, or with --study put a configuration to use.

    Champion: through a gate. It must beat the champion (the first one: popularity) in nDCG@10 on
    the newest evaluated weeks by a paired test over users, and list no less of the catalogue.

    In use: what the next trainings train MODEL with.
    """
    from persona_assets.lifecycle import configurations, promotion, study
    from persona_assets.recommenders import model_named

    default = model_named(model)
    if trial is not None and study_id is None:
        raise UserError("--trial needs the --study that it is of; name it")
    if to_default and study_id is not None:
        raise UserError("--default and --study exclude each other; leave one of them out")
    current = home()
    store = store_of(current)
    now = datetime.now(UTC)
    if to_default:
        configurations.use(store, model, default.config.to_json(), now=now)
        click.echo(f"{model} is trained with its default configuration from now on.")
    elif study_id is not None:
        row = study.trial_of(store, model, study_id, trial)
        configurations.use(
            store, model, row["parameters"], now=now, study=study_id, trial=row["trial"]
        )
        click.echo(f"{model} is trained with trial {row['trial']} of {study_id} from now on:")
        click.echo(row["parameters"])
    else:
        measured = promotion.promote(
            store,
            model,
            exclude=current.exclude,
            seed=current.seed,
            now=now,
            side_information=side_information_at(store, current),
        )
        click.echo(f"{model} is champion: {measured.summary()}")


@click.command()
def rollback() -> None:
    """Make the previous champion champion again, with the configuration that it had."""
    from persona_assets.lifecycle import promotion

    current = home()
    before, again = promotion.rollback(
        store_of(current), exclude=current.exclude, now=datetime.now(UTC)
    )
    click.echo(f"{again.model} is champion again, {before.model} is archived; its configuration:")
    click.echo(again.parameters)


COMMANDS = (models_, tune, promote, rollback)
"""What `cli.py` attaches to `persona`."""


def home() -> Settings:
    """The settings of the home; UserError where there is none."""
    current = settings_module.load()
    if not current.home.is_dir():
        raise UserError(
            f"there is no home at {current.home}; run `persona demo` first, or set PERSONA_HOME"
        )
    return current


def store_of(current: Settings) -> "DeltaStore":
    """The lake, read in this process whatever the engine is."""
    from persona_assets.lake import DeltaStore

    return DeltaStore(current.lake_root, storage_options=current.storage_options)


def _validation_week(store: "DeltaStore", current: Settings) -> "Week":
    """The last week before the newest trained cut-off; nothing of that cut-off on is even read."""
    from persona_assets.calendar import EVALUATED_DAYS
    from persona_assets.lifecycle.validation import (
        interactions_for,
        newest_trained,
        validation_week,
    )

    trained = newest_trained(store)
    known = interactions_for(store, [trained - timedelta(days=EVALUATED_DAYS)])
    return validation_week(known, trained=trained, exclude=current.exclude)


def side_information_at(store: "DeltaStore", current: Settings) -> "SideInformationAt":
    """What was known of people and products at a cut-off, and its segments.

    Where a cut-off was not segmented, nothing is known of segments: a model that needs them says
    so when it is trained.
    """
    from persona_assets.recommenders.side_information import attribute_histories, with_segments
    from persona_assets.sources import open_source
    from persona_assets.tables.raw import PRODUCT_HISTORY, USER_HISTORY
    from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS

    users, products = (
        store.read(table) if store.exists(table) else table.empty()
        for table in (USER_HISTORY, PRODUCT_HISTORY)
    )
    source = open_source(current.source, today=date.today())
    key = current.secret_key(identifiers_are_public=source.identifiers_are_public)
    attributes = attribute_histories(users, products, key=key)
    segmented = store.partition_rows(CUSTOMER_SEGMENTS) if store.exists(CUSTOMER_SEGMENTS) else {}

    def at(cutoff: date) -> "SideInformation":
        known = attributes.known_at(cutoff)
        if cutoff.isoformat() not in segmented:
            return known
        return with_segments(known, store.read(CUSTOMER_SEGMENTS, [cutoff]))

    return at


def _plot(current: Settings, rows: "pl.DataFrame", subject: "Recommender") -> Path:
    """Draw the study below the home's plots, beside those of the assets."""
    from persona_assets.lifecycle.study_plots import parallel_coordinates_figure
    from persona_assets.plotting import png
    from persona_assets.tables.lifecycle import TUNING_TRIALS

    folder = current.home / "plots" / TUNING_TRIALS.group
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{TUNING_TRIALS.name}_{rows['study'][0]}.png"
    path.write_bytes(png(parallel_coordinates_figure(rows, subject.space)))
    return path


def _trial(row: dict[str, Any]) -> str:
    """A trial on one line."""
    changes = json.loads(row["changes"])
    told = ", ".join(f"{name} {value}" for name, value in changes.items()) or "default"
    head = f"trial {row['trial']}  "
    if row["error"]:
        return f"{head}failed: {row['error']} ({told})"
    return (
        f"{head}ndcg@10 {row['ndcg']:.4f} [{row['ndcg_low']:.4f}, {row['ndcg_high']:.4f}]  "
        f"recall@10 {row['recall']:.4f}  {row['seconds']:.1f} s  {told}"
    )
