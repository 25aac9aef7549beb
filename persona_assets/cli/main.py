"""The `persona` command: its subcommands and what becomes of errors.

Belongs here: the list of subcommands, exit codes, and error texts on standard error. Does not
belong here: any subcommand (one module each beside this one).
"""

import sys

import click
from rich.markup import escape

from persona_assets.cli.benchmark import benchmark
from persona_assets.cli.check import check
from persona_assets.cli.models import COMMANDS as MODEL_COMMANDS
from persona_assets.cli.output import messages
from persona_assets.cli.report import report
from persona_assets.cli.run import demo, run
from persona_assets.cli.segment import segment
from persona_assets.cli.ui import ui
from persona_assets.errors import PersonaError, UserError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def persona() -> None:
    """Raw shop events in, recommendations proven to be good out.

    Everything lands under PERSONA_HOME (default ./.persona).
    """


for command in (demo, check, run, report, ui, benchmark, segment, *MODEL_COMMANDS):
    persona.add_command(command)


def main() -> None:
    """Entry point: user errors are one message and exit code 2, never a traceback."""
    try:
        persona.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except PersonaError as error:
        text = escape(str(error))  # an error may name a [section]
        messages.print(f"[bold red]error:[/] {text}", highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, UserError) else 1)
