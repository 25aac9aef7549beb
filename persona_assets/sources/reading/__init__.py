"""Reading any delivered file as text.

Belongs here: everything between the bytes of one file and a frame of text, a module per concern.
Does not belong here: which files belong to a section (`sources/finding.py`) and what their columns
mean (`sources/mapping.py`, `sources/online_retail.py`).

Every value becomes text, because only text can carry a shop's dirt on to the place that validates
it: an article number `00123` keeps its zeros, and one bad price does not spoil the column.
"""

from persona_assets.sources.reading.delivered import (
    AS_THE_CONTENT_SHOWS,
    Delivered,
    EmptyFile,
    FileFormat,
)
from persona_assets.sources.reading.read import read_text

__all__ = ["AS_THE_CONTENT_SHOWS", "Delivered", "EmptyFile", "FileFormat", "read_text"]
