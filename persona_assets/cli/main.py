"""The `persona` command: its subcommands and what becomes of errors.

Belongs here: the list of subcommands, exit codes, and error texts on standard error. Does not
belong here: any subcommand (one module each next to this one), signals (`interruption.py`).
"""

import contextlib
import os
import sys
from pathlib import Path

import click

from persona_assets.cli import failures, home_in_use, interruption
from persona_assets.cli.benchmark import benchmark
from persona_assets.cli.check import check
from persona_assets.cli.demo import demo
from persona_assets.cli.experiment import experiment
from persona_assets.cli.experiment_off_policy import off_policy
from persona_assets.cli.experiment_status import status as experiment_status
from persona_assets.cli.export import export
from persona_assets.cli.features import features
from persona_assets.cli.inspect import inspect
from persona_assets.cli.maintenance import maintenance
from persona_assets.cli.models import COMMANDS as MODEL_COMMANDS
from persona_assets.cli.output import say
from persona_assets.cli.rebuild import rebuild
from persona_assets.cli.recommend import recommend
from persona_assets.cli.rekey import rekey
from persona_assets.cli.report import report
from persona_assets.cli.restate import restate
from persona_assets.cli.run import run
from persona_assets.cli.segment import segment
from persona_assets.cli.serve import serve
from persona_assets.cli.ui import ui
from persona_assets.errors import PersonaError, UserError
from persona_assets.settings import home_of


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def persona() -> None:
    """Raw shop events in, recommendations proven to be good out.

    Everything lands under PERSONA_HOME (default ./.persona).
    """
    if closed := home_in_use.close_dead_runs(home_of(os.environ)):
        say(f"closed {closed} run(s) of processes that ended without saying so")


for command in (
    demo, inspect, check, run, report, recommend, export, ui, benchmark, segment, rekey, restate,
    maintenance, features, rebuild, serve, experiment, *MODEL_COMMANDS,
):  # fmt: skip
    persona.add_command(command)
experiment.add_command(off_policy)
experiment.add_command(experiment_status)


def main() -> None:
    """Entry point: every error is one message, never a traceback.

    Exit codes: 2 where the person at the keyboard can correct it, 1 for anything else, 128 + number
    for a signal.
    """
    with contextlib.suppress(AttributeError):  # where a test has put its own stream in place
        # A path that is not UTF-8 is shown, not stumbled over.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    with interruption.ends_on_signals():
        code = _code()
    if code:
        sys.exit(code)


def _code() -> int:
    """Run the command; its exit code, after the message of an error."""
    try:
        if any("\0" in argument for argument in sys.argv):
            raise UserError("an argument holds a NUL byte; leave it out")
        persona.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # Whoever read the output has read enough; nothing may be written when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except PersonaError as error:
        _show(str(error))
        return 2 if isinstance(error, UserError) else 1
    except OSError as error:
        _show(failures.of_the_system(error))
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: said in one line, kept in a file
        _show(failures.unforeseen(error, _home()))
        return 1
    return 0


def _show(text: str) -> None:
    say(text, label="error:")


def _home() -> Path | None:
    with contextlib.suppress(PersonaError, OSError):
        return home_of(os.environ)
    return None
