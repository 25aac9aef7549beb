"""Somebody is told of runs that end badly, without any of the data, and no receiver fails a run."""

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from persona_assets import settings as settings_module
from persona_assets.cli import telling
from persona_assets.cli.main import main
from persona_assets.errors import FailedChecksError
from persona_assets.notification import notice
from persona_assets.notification.delivery import send
from persona_assets.operation import Operation
from persona_assets.orchestration.notifying import tell_of_run
from persona_assets.orchestration.runs import owners
from persona_assets.run_record import CheckOutcome
from persona_assets.settings import Settings

AT = datetime(2025, 1, 10, 3, tzinfo=UTC)
CHECKS = ["mart/x contract 2025-01-09"]
NOTICE = notice.failure(Path("/home/jane/.persona"), "DataError", AT, CHECKS)


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Address of a local receiver, and what it was told."""
    told: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.append(json.loads(body))
            self.send_response(500 if self.path == "/broken" else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", told
        server.shutdown()
        thread.join()


@pytest.fixture
def mailbox() -> Iterator[tuple[str, list[str]]]:
    """Address of a local mail server without encryption, and what it received."""
    received: list[str] = []

    class Server(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 local")
            while line := self.rfile.readline().decode().strip():
                verb = line.partition(" ")[0].upper()
                if verb == "DATA":
                    self.say("354 go on")
                    lines = []
                    while (text := self.rfile.readline().decode()) != ".\r\n":
                        lines.append(text)
                    received.append("".join(lines))
                self.say("221 bye" if verb == "QUIT" else "250 ok")
                if verb == "QUIT":
                    return

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.TCPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"smtp://127.0.0.1:{server.server_address[1]}", received
        server.shutdown()
        thread.join()


def test_a_webhook_and_a_mailbox_are_told(
    webhook: tuple[str, list[Any]], mailbox: tuple[str, list[str]]
) -> None:
    url, told = webhook
    smtp, received = mailbox
    operation = Operation(notify_url=url, notify_email="ops@shop.example", smtp_url=smtp)
    assert send(NOTICE, operation) == []
    assert told[0]["checks"] == ["mart/x contract 2025-01-09"]
    assert "persona run failed: home .persona" in told[0]["text"]
    message = message_from_string(received[0], policy=policy.default)
    assert (message["To"], message["Subject"]) == ("ops@shop.example", "persona run failed")
    assert "check: mart/x contract 2025-01-09" in message.get_content()
    assert "jane" not in json.dumps(told) + received[0]


def test_a_receiver_that_is_dead_or_refuses_is_a_warning_without_its_address(
    webhook: tuple[str, list[Any]],
) -> None:
    dead = Operation(
        notify_url="http://127.0.0.1:9/secret-token",
        notify_email="ops@shop.example",
        smtp_url="smtp://me:secret@127.0.0.1:9",
    )
    troubles = send(NOTICE, dead)
    assert [each.split(":")[0] for each in troubles] == [
        "nobody could be told at PERSONA_NOTIFY_URL",
        "nobody could be told at PERSONA_SMTP_URL",
    ]
    assert "secret" not in "".join(troubles)
    assert "500" in send(NOTICE, Operation(notify_url=f"{webhook[0]}/broken"))[0]


def test_a_password_is_not_sent_in_the_clear(
    mailbox: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    smtp, received = mailbox
    monkeypatch.setattr("persona_assets.notification.delivery._LOCAL", frozenset())
    with_password = smtp.replace("smtp://", "smtp://me%40shop.example:secret@")
    operation = Operation(notify_email="ops@shop.example", smtp_url=with_password)
    assert "SMTPNotSupportedError" in send(NOTICE, operation)[0]
    assert not received


def outcome(check: str, day: str, result: Any) -> CheckOutcome:
    return CheckOutcome("raw/events", check, day, result, "ann@shop has 3 rows")


def test_only_new_warnings_of_deliveries_are_told() -> None:
    before = [outcome("delivered", "2025-01-01", "warned")]
    now = [
        *before,
        outcome("delivered", "2025-01-02", "warned"),
        outcome("nothing_skipped", "2025-01-02", "warned"),
        outcome("volume", "2025-01-02", "passed"),
    ]
    assert notice.warned(now, before) == ["raw/events delivered 2025-01-02"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, webhook: tuple[str, list[Any]]) -> Path:
    """A home that has run before, whose failures are told to the webhook."""
    settings_module.save(Settings(home=tmp_path))
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path))
    monkeypatch.setenv("PERSONA_NOTIFY_URL", webhook[0])
    return tmp_path


def test_a_command_that_fails_tells_and_fails_as_it_would(
    home: Path, webhook: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ["persona", "run", "--source", "files", "--path", "/nowhere/ann", "--mapping", "ga4"]
    monkeypatch.setattr(sys, "argv", run)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert [each["error"] for each in webhook[1]] == ["UserError"]
    assert "ann" not in webhook[1][0]["text"].replace(home.name, "")


def test_failed_checks_are_named_and_their_words_are_not_told(
    home: Path, webhook: tuple[str, list[Any]]
) -> None:
    failed = notice.failed([outcome("contract", "2025-01-02", "failed")])
    with pytest.raises(FailedChecksError), telling.of_failure():
        raise FailedChecksError("ann@shop has 3 rows", failed)
    assert webhook[1][0]["checks"] == ["raw/events contract 2025-01-02"]
    assert "ann@shop" not in json.dumps(webhook[1])


@dg.asset
def sound() -> None:
    pass


@dg.asset_check(asset=sound)
def fails() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="ann@shop has 3 rows")


@dg.asset
def broken() -> None:
    raise ValueError("ann@shop has 3 rows")


def test_runs_of_the_daemon_are_told_of_and_those_of_commands_are_not(
    home: Path, webhook: tuple[str, list[Any]]
) -> None:
    with dg.instance_for_test() as instance:

        def ended(*assets: Any, **tags: str) -> dg.DagsterRun:
            result = dg.materialize(assets, instance=instance, raise_on_error=False, tags=tags)
            run = instance.get_run_by_id(result.run_id)
            assert run is not None
            return run

        run = ended(sound, fails)
        assert run.status is dg.DagsterRunStatus.SUCCESS
        current = settings_module.load()
        assert tell_of_run(instance, run, current) == []
        assert tell_of_run(instance, ended(broken), current) == []
        assert tell_of_run(instance, ended(sound), current) == []
        assert tell_of_run(instance, ended(broken, **{owners.TAG: "1"}), current) == []
    assert [(each["error"], each["checks"]) for each in webhook[1]] == [
        ("", ["sound fails"]),
        ("RunFailure", []),
    ]
    assert webhook[1][0]["run"] == run.run_id
    assert "ann@shop" not in json.dumps(webhook[1])
