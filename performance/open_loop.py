"""Open-loop load over HTTP: requests at the times of a schedule, latency from those times.

Belongs here: connections, the schedule, latencies. Does not belong here: what is asked
(`serving.py`).

A request whose time has come and for which no connection is idle waits, and its waiting counts: a
server that stops for a second shows a second for all that should have been sent meanwhile
(coordinated omission).
"""

import asyncio
import selectors
import time
from collections import Counter, deque
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

HOST = "127.0.0.1"
CONNECTIONS = 32


@dataclass
class Taken:
    """Latencies of one kind of request [s], and what was answered."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def quantile(self, share: float) -> float:
        """Milliseconds; NaN where nothing was answered."""
        return float(np.quantile(self.seconds, share)) * 1e3 if self.seconds else float("nan")

    @property
    def errors(self) -> int:
        """Answers that are no success, and requests without one (status 0)."""
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 300)


@dataclass
class Request:
    """Bytes to send, when, and where its latency belongs."""

    due: float
    content: bytes
    taken: Taken
    again: bool = False


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """A POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def arrivals(rate: float, seconds: float, random: np.random.Generator) -> np.ndarray:
    """Times of a Poisson process [s from the beginning]."""
    gaps = random.exponential(1 / rate, size=int(rate * seconds * 1.5) + 50)
    times = np.cumsum(gaps)
    return times[times < seconds]


class Connection(asyncio.Protocol):
    """One request at a time; says when it is answered."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._held = bytearray()
        self._transport: asyncio.Transport | None = None
        self.request: Request | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember how to send."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: Request) -> None:
        """Send; the connection must be idle."""
        assert self._transport is not None
        self.request = request
        self._transport.write(request.content)

    def data_received(self, data: bytes) -> None:
        """An answer is whole when as many bytes are there as its head says."""
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._held[:end]).lower()
        length = head.find(b"content-length:")
        size = int(head[length + 15 :].split(b"\r\n", 1)[0]) if length >= 0 else 0
        if len(self._held) < end + 4 + size:
            return
        body = bytes(self._held[end + 4 : end + 4 + size])
        del self._held[: end + 4 + size]
        self._load.answered(self, int(head[9:12]), body)

    def connection_lost(self, error: Exception | None) -> None:
        """Have the request sent once more, if there is one, as browsers do.

        The server may have closed the connection for being idle just when it was used.
        """
        self._load.lost(self)

    def close(self) -> None:
        """Let go."""
        assert self._transport is not None
        self._transport.close()


class Load:
    """Connections to one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[Connection] = deque()
        self._waiting: deque[Request] = deque()
        self._open = 0
        self._all: set[Connection] = set()
        self.last = (0, b"")
        self._closing = False
        self._tasks: set[asyncio.Future[None]] = set()
        self.saturate: Iterator[tuple[bytes, Taken]] | None = None

    async def connect(self, connections: int = CONNECTIONS) -> None:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: Connection(self), HOST, self._port)
            self._idle.append(connection)
            self._all.add(connection)

    def submit(self, request: Request) -> None:
        """Send now, or when a connection is idle."""
        self._open += 1
        if self._idle:
            # The one that was idle longest, so that none is closed for being idle.
            self._idle.popleft().send(request)
        else:
            self._waiting.append(request)

    def answered(self, connection: Connection, status: int, body: bytes) -> None:
        """Note it, and send what waits."""
        request = connection.request
        assert request is not None
        connection.request = None
        self._open -= 1
        request.taken.seconds.append(time.perf_counter() - request.due)
        request.taken.statuses[status] += 1
        self.last = (status, body)
        if self._waiting:
            connection.send(self._waiting.popleft())
        elif self.saturate is not None and (following := next(self.saturate, None)) is not None:
            self._open += 1
            connection.send(Request(time.perf_counter(), *following))
        else:
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """Another takes its place, and its request, unless that was lost before."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        request = connection.request
        if request is not None and request.again:
            request.taken.statuses[0] += 1
            self._open -= 1
        elif request is not None:
            request.again = True
            self._waiting.appendleft(request)
        if not self._closing:
            self._tasks.add(task := asyncio.ensure_future(self._replace()))
            task.add_done_callback(self._tasks.discard)

    async def _replace(self) -> None:
        await self.connect(1)
        if self._waiting and self._idle:
            self._idle.popleft().send(self._waiting.popleft())

    async def play(self, requests: Sequence[Request]) -> None:
        """Send requests when they are due (seconds from now, in order); wait for all answers."""
        began = time.perf_counter()
        for request in requests:
            request.due += began
            while (left := request.due - time.perf_counter()) > 0:
                await asyncio.sleep(left)
            self.submit(request)
        await self.finished()

    async def ask(self, content: bytes, taken: Taken | None = None) -> tuple[int, bytes]:
        """Send now and wait for the answer; nothing else may be under way."""
        self.submit(Request(time.perf_counter(), content, taken or Taken()))
        await self.finished()
        return self.last

    async def flood(self, contents: Iterator[tuple[bytes, Taken]], connections: int) -> float:
        """Ask on each connection again as soon as it is answered; seconds until the end."""
        began = time.perf_counter()
        self.saturate = contents
        for content, taken in [next(contents) for _ in range(connections)]:
            self.submit(Request(time.perf_counter(), content, taken))
        await self.finished()
        self.saturate = None
        return time.perf_counter() - began

    async def finished(self) -> None:
        """Wait until nothing is under way."""
        while self._open:
            await asyncio.sleep(0.0002)

    def close(self) -> None:
        """Close all connections."""
        self._closing = True
        for connection in list(self._all):
            connection.close()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run with timers of microseconds: those of epoll, asyncio's default, are of milliseconds."""
    with asyncio.Runner(
        loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())
    ) as runner:
        runner.run(main)
