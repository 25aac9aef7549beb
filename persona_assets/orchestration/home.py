"""The home that a graph is built for: its settings, its calendar, its resources once opened.

Belongs here: what conditions, schedules and sensors ask at each tick. Does not belong here: what
they conclude (`due_condition.py`, `arrivals.py`), the assets (`assets/`).

Settings are read anew at each tick where they come from the environment: a file that somebody
edits counts without a restart. Partitions are made once, when the graph is built.
"""

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from persona_assets.orchestration.partitions import Calendar
from persona_assets.orchestration.resources.lake import LakeIOManager
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.settings import Settings


@dataclass(frozen=True)
class Opened:
    """The resources of a home, kept between ticks with what was read of it."""

    settings: Settings
    lake: LakeIOManager
    shop: ShopResource


class Home:
    """One home; a process may hold several.

    `load` gives its settings as they are. `definitions` is the graph built for it, from then on.
    """

    def __init__(self, load: Callable[[], Settings]) -> None:
        self._load = load
        self._opened: Opened | None = None
        self.definitions: dg.Definitions | None = None
        self.calendar = Calendar.of_source(load().source)

    @property
    def settings(self) -> Settings:
        """As they are now."""
        return self._load()

    def opened(self) -> Opened:
        """The home's resources; opened anew when its settings have changed."""
        settings = self.settings
        if self._opened is None or self._opened.settings != settings:
            self._opened = self.opened_anew()
        return self._opened

    def opened_anew(self) -> Opened:
        """Its resources without what they remember: a shop remembers what was delivered."""
        from persona_assets.orchestration.resources.build import build_resources  # imports stores

        settings = self.settings
        resources = build_resources(settings)
        return Opened(settings, resources["lake"], resources["shop"])
