"""The command `persona serve`.

Belongs here: its arguments, the process and its end. Does not belong here: what is served
(`serving/api/`).
"""

import logging
import signal
import sys
from typing import TYPE_CHECKING

import click

from persona_assets import settings as settings_module
from persona_assets.cli.output import say
from persona_assets.errors import UserError
from persona_assets.service_settings import API_KEYS, OFF
from persona_assets.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

_DRAIN_SECONDS = 10
"""For requests under way when the process is asked to end."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(1, 1),
    default=1,
    show_default=True,
    help="Processes; one, since one process writes the event log.",
)
@click.option("--log-requests", is_flag=True, help="A line per request: route, status, time.")
@click.option(
    "--new-key",
    metavar="SCOPE",
    help="Make an API key (read, write, admin, or read+write), show it once, and end.",
)
@click.option("--origin", "origins", multiple=True, help="With --new-key: a page that may use it.")
def serve(
    host: str,
    port: int,
    workers: int,
    log_requests: bool,
    new_key: str | None,
    origins: tuple[str, ...],
) -> None:
    """Serve the home over HTTP: events in, recommendations out.

    SIGTERM and Ctrl-C let requests under way end. Events that were answered with 202 are in the log
    whatever happens.
    """
    current = settings_module.load()
    if new_key is not None:
        _make_key(current, new_key, origins)
        return
    if origins:
        raise UserError("--origin belongs to --new-key; leave it out")
    _run(current, host, port, log_requests=log_requests)


def _make_key(current: Settings, scopes: str, origins: tuple[str, ...]) -> None:
    from persona_assets.serving.api.keys import FILE_NAME, new_key

    text, key = new_key(current.home, scopes, origins)
    click.echo(text)
    say(
        f"this key is shown once; its hash is in {current.home / FILE_NAME}, or set "
        f"{API_KEYS}={key.line()}"
    )


def _run(current: Settings, host: str, port: int, *, log_requests: bool) -> None:
    import uvicorn

    from persona_assets.serving.api.app import create_app
    from persona_assets.serving.api.authorization import is_loopback
    from persona_assets.serving.api.service import Service

    if current.service.api_keys == OFF and not is_loopback(host):
        raise UserError(
            f"{API_KEYS}={OFF} is for a service that this machine alone can reach, but --host is "
            f"{host}; make keys with `persona serve --new-key read+write`, or use 127.0.0.1"
        )
    if not current.home.is_dir():
        raise UserError(
            f"there is no home at {current.home}; run `persona demo` first, or set PERSONA_HOME"
        )
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("persona_assets.access").setLevel("INFO" if log_requests else "WARNING")
    service = Service.open(current, _hash_key(current))
    app: FastAPI = create_app(service)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            # Its own lines show queries, and with them keys and people.
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
    )
    _end_by_draining()
    say(f"serving {current.home} on http://{host}:{port}; Ctrl-C ends it")
    server.run()
    if not server.started:
        raise UserError(f"cannot listen on {host}:{port}; name another --port")


def _hash_key(current: Settings) -> bytes:
    """The key that the home's identifiers are hashed with."""
    from persona_assets.orchestration.resources.source import ShopResource

    return ShopResource(current).hash_key


def _end_by_draining() -> None:
    """Leave signals to the server: the command's own watcher would end the process at once."""
    signal.set_wakeup_fd(-1)
