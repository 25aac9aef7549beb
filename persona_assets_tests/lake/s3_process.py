"""An S3 server of this machine: prints its port, and serves until its standard input ends.

moto looks for an object and then stores it, so two conditional requests at once can both pass. S3
promises that one fails: requests are served one at a time. Without keep-alive nobody waits for
another's connection.

Spark's commits are a while on their way: it has looked whether the version is free, and rivals may
take it meanwhile.
"""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

_SECONDS_ON_THE_WAY = 0.5


class OneAtATime:
    """A WSGI application whose requests exclude each other."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if _is_commit_of_spark(environ):
            time.sleep(_SECONDS_ON_THE_WAY)
        with self._lock:
            return list(self._application(environ, start_response))


def _is_commit_of_spark(environ: dict[str, Any]) -> bool:
    path, agent = environ["PATH_INFO"], environ.get("HTTP_USER_AGENT", "")
    is_commit = "/_delta_log/" in path and path.endswith(".json")
    return environ["REQUEST_METHOD"] == "PUT" and is_commit and "Hadoop" in agent


def main() -> None:
    application = OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
