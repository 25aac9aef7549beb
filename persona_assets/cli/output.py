"""Where the commands write: answers to standard output, messages to standard error.

Belongs here: the two consoles, and printing a text as it is. Does not belong here: what is written.
"""

import sys

from rich.console import Console
from rich.text import Text

messages = Console(stderr=True)
# A pipe has no width of its own; the report's tables want 100 columns.
answers = Console(width=None if sys.stdout.isatty() else 100)


def say(text: str, *, label: str = "") -> None:
    """Print a message as it is: a path or an error may hold what Rich takes for markup."""
    words = Text(text)
    if label:
        words = Text.assemble((label, "bold red"), " ", words)
    messages.print(words, soft_wrap=True)
