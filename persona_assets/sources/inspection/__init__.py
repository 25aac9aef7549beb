"""A first look at files of a shop that nobody has seen: what is there, and a draft of its mapping.

Belongs here: which files there are, what their columns hold and probably mean, and the TOML that
says so with its evidence. Does not belong here: reading formats (`reading/`), what a mapping means
(`mapping.py`), how texts are read as times and numbers (`times/`, `numbers.py`), printing
(`cli/inspect.py`).

Nothing is decided for the shop: what is probable is written down as a guess beside its evidence,
what is undecided as a question, and consent is left to be stated.
"""

from persona_assets.sources.inspection.inspect import Inspection, inspect_files

__all__ = ["Inspection", "inspect_files"]
