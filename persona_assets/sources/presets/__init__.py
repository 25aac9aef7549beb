"""Mappings of well-known vendors' exports: one TOML file each, as a person would write it.

Belongs here: the vendors' own names of events and fields, with the page that documents them. Does
not belong here: anything that a mapping cannot say (a new setting belongs in `mapping.py`), and
consent, which the person states.

A new preset is one more file: its name is the name of the preset.
"""

from importlib.resources import files

_FOLDER = files(__name__)

PRESETS = tuple(
    sorted(
        entry.name.removesuffix(".toml")
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(".toml")
    )
)
"""Names that `--mapping` and `extends` take instead of a file."""


def preset_text(name: str) -> str:
    """The TOML text of one of `PRESETS`."""
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
