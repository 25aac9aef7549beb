"""Mappings read from files, for tests of sources."""

from pathlib import Path

from persona_assets.sources.mapping import Mapping, parsed
from persona_assets.sources.mapping_document import printable, read_document


def read_mapping(given: str | Path, *, consent: str | None = None) -> Mapping:
    """The mapping in a TOML file, or a preset's; `consent="all"` states it for every row."""
    return parsed(read_document(given, consent=consent), Path(printable(given)))
