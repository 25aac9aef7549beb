"""A source says itself what it takes: command, help, refusals and fingerprint follow from that."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from persona_assets.cli.home_source import same_shop
from persona_assets.cli.run import run
from persona_assets.cli.source_arguments import source_described
from persona_assets.errors import UserError
from persona_assets.orchestration.arrivals import _delivered_into
from persona_assets.orchestration.runs.fingerprint import source_files
from persona_assets.settings import Settings, SourceSettings
from persona_assets.sources import SOURCES, declared, open_source
from persona_assets.sources.declaration import Declaration, Kind, Option
from persona_assets.tables import raw


class Queue:
    """A toy source: one product, viewed by as many people as it is told, in a file's name."""

    name = "queue"
    start, end = date(2025, 3, 1), date(2025, 3, 8)
    identifiers_are_public = True

    def __init__(self, settings: SourceSettings) -> None:
        self.people: int = settings.options.get("people", 3)
        self.file = Path(settings.options["topic"])

    def users(self) -> pl.DataFrame:
        return raw.USERS.empty()

    def products(self) -> pl.DataFrame:
        return raw.PRODUCTS.empty()

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        return raw.EVENTS.empty()

    def orders(self, days: Sequence[date]) -> pl.DataFrame:
        return raw.ORDERS.empty()

    def search_logs(self, days: Sequence[date]) -> pl.DataFrame:
        return raw.SEARCH_LOGS.empty()


QUEUE = Declaration(
    name="queue",
    options=(
        Option("topic", Kind.DELIVERY, help="Folder of the topic's files", needed=True),
        Option("people", Kind.NUMBER, help="Who views"),
    ),
    open=lambda settings, today: Queue(settings),
)


@pytest.fixture(autouse=True)
def with_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "queue", lambda: QUEUE)


def described(*, source: str = "queue", **given: object) -> SourceSettings:
    found, public = source_described(
        source, given, also=frozenset(), most_rejected=0.1, start=None, end=None, live=False
    )
    assert public
    return found


def test_its_options_and_their_help_are_those_of_the_command() -> None:
    help_text = " ".join(CliRunner().invoke(run, ["--help"]).output.split())
    assert "One of synthetic, online_retail, files, queue." in help_text
    assert "--topic TEXT Folder of the topic's files (source queue)" in help_text
    assert "--people INTEGER Who views (source queue)" in help_text
    # What several sources take is there once, with what it is for each.
    assert help_text.count("--path TEXT") == 1
    assert "(source online_retail); File or folder (source files)" in help_text
    assert help_text.count("--seed") == 1


def test_what_is_given_arrives_and_a_path_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = described(topic="in", people=5)
    assert source == SourceSettings(
        "queue", Queue.start, Queue.end, {"topic": str(tmp_path / "in"), "people": 5}
    )
    opened = open_source(source, today=date(2025, 4, 1))
    assert isinstance(opened, Queue)
    assert (opened.people, opened.file) == (5, tmp_path / "in")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"topic": "in", "mapping": "m.toml"}, "--mapping does not go with --source queue"),
        ({"people": 3}, "--source queue needs --topic"),
        ({"source": "synthetic", "topic": "in"}, "--topic does not go with --source synthetic"),
        ({"source": "spool"}, "there is no source 'spool'; use one of files, online_retail, queue"),
    ],
)
def test_what_it_does_not_take_is_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        described(**given)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"topic": "/in", "people": "many"}, "option people .* is 'many', not a whole number"),
        ({"topic": "/in", "people": True}, "option people .* is True, not a whole number"),
        ({"topic": "/in", "path": "/x"}, "has no option 'path', only topic, people"),
        ({"people": 3}, "lacks its option 'topic'"),
    ],
)
def test_edited_settings_are_refused(options: dict[str, object], said: str) -> None:
    settings = SourceSettings("queue", Queue.start, Queue.end, options)
    with pytest.raises(UserError, match=said):
        open_source(settings, today=date(2025, 4, 1))


def test_a_file_that_arrives_moves_the_fingerprint_and_is_looked_for(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    source = SourceSettings("queue", Queue.start, None, {"topic": str(folder)})
    settings = Settings(home=tmp_path / "home", source=source)
    before = source_files(settings)
    (folder / "events.json").write_text("{}")
    assert source_files(settings) != before
    assert _delivered_into(settings) == [folder]
    closed = replace(settings, source=replace(source, end=Queue.end))
    assert _delivered_into(closed) == []


def test_what_it_delivers_from_says_which_shop_it_is() -> None:
    held = SourceSettings("queue", Queue.start, Queue.end, {"topic": "/a", "people": 3})
    assert same_shop(held, replace(held, options={"topic": "/a", "people": 9}))
    assert not same_shop(held, replace(held, options={"topic": "/b", "people": 3}))
    made_up = SourceSettings("synthetic", Queue.start, Queue.end, {"users": 3})
    assert not same_shop(made_up, replace(made_up, options={"users": 4}))
    assert not same_shop(made_up, held)


def test_a_preset_is_no_file() -> None:
    files = declared("files")
    given = {"path": "/exports", "mapping": "ga4"}
    assert files.paths(given) == [Path("/exports")]
    assert files.paths(given | {"mapping": "/m.toml"}) == [Path("/exports"), Path("/m.toml")]
    assert files.paths(given, Kind.DELIVERY) == [Path("/exports")]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_source_is_known_by_its_own_name(name: str) -> None:
    declaration = declared(name)
    assert declaration.name == name
    assert all(option.help for option in declaration.options)
