"""Every knob, read in one place: `PERSONA_*` environment over `<home>/persona.toml` over defaults.

Belongs here: `load`, which puts them together. What a setting may be is in `values.py`, the file in
`file.py`, variables in `environment.py`. Does not belong here: what is done with settings. Nothing
else in the package reads the environment.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from persona_assets.errors import UserError
from persona_assets.live_experiments import declaration_file
from persona_assets.settings import file
from persona_assets.settings.environment import (
    ENVIRONMENT,
    home_of,
    is_text,
    refuse_other_than_text,
    refuse_unknown,
)
from persona_assets.settings.environment import read as from_environment
from persona_assets.settings.file import FILE_NAME, save
from persona_assets.settings.values import (
    DEFAULT_HOME,
    PUBLIC_HASH_KEY,
    Settings,
    SourceSettings,
)

__all__ = [
    "DEFAULT_HOME",
    "ENVIRONMENT",
    "FILE_NAME",
    "PUBLIC_HASH_KEY",
    "Settings",
    "SourceSettings",
    "home_of",
    "is_text",
    "load",
    "save",
]


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of the home that `PERSONA_HOME` names.

    Raises:
        UserError: an unknown `PERSONA_*` variable or an unusable value.
    """
    given = os.environ if environment is None else environment
    refuse_unknown(given)
    home = home_of(given)
    refuse_other_than_text(given, home)
    declared = declaration_file.read_experiments(home / declaration_file.FILE_NAME)
    settings = Settings(
        home,
        live_experiments=declared,
        **(file.read(home / FILE_NAME) | from_environment(given)),
    )
    from persona_assets.lake import object_store  # with it come deltalake and pyarrow

    if "://" not in settings.lake_root and Path(settings.lake_root).is_file():
        raise UserError(
            f"the lake {settings.lake_root} is a file and no folder; move it away, or point "
            "PERSONA_LAKE at another folder"
        )
    return replace(
        settings,
        storage_options=object_store.options(settings.lake_root, settings.storage_options, given),
    )
