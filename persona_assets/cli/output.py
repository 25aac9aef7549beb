"""Where the commands write: answers to standard output, messages to standard error.

Belongs here: the two consoles. Does not belong here: what is written to them.
"""

import sys

from rich.console import Console

messages = Console(stderr=True)
# A pipe has no width of its own; the report's tables want 100 columns.
answers = Console(width=None if sys.stdout.isatty() else 100)
