"""Sending prepared requests over a few connections at a time, and timing each."""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Measured:
    """Seconds each request took, and the status codes that came back."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request_bytes(
    port: int, path: str, body: bytes, headers: dict[str, str], method: str = "POST"
) -> bytes:
    """One HTTP/1.1 request; the connection is closed after it, as a sync worker does anyway."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def send(port: int, requests: Iterable[bytes], *, connections: int) -> Measured:
    """Send every request, `connections` at a time."""
    measured = Measured()
    waiting = deque(requests)
    selector = selectors.DefaultSelector()
    open_now = 0
    started = time.perf_counter()
    while waiting or open_now:
        while waiting and open_now < connections:
            _begin(selector, port, waiting.popleft())
            open_now += 1
        for key, _events in selector.select():
            open_now -= _read(selector, key, measured)
    measured.seconds = time.perf_counter() - started
    return measured


def _begin(selector: selectors.BaseSelector, port: int, request: bytes) -> None:
    began = time.perf_counter()
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(request)
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_READ, (began, bytearray()))


def _read(selector: selectors.BaseSelector, key: selectors.SelectorKey, measured: Measured) -> int:
    connection, (began, answer) = key.fileobj, key.data
    assert isinstance(connection, socket.socket)
    chunk = connection.recv(65536)
    if chunk:
        answer.extend(chunk)
        return 0
    measured.latencies.append(time.perf_counter() - began)
    status = int(answer[9:12] or b"0")
    measured.statuses[status] = measured.statuses.get(status, 0) + 1
    selector.unregister(connection)
    connection.close()
    return 1


def expect(measured: Measured, status: int) -> Measured:
    """The same, if every answer had this status."""
    if set(measured.statuses) != {status}:
        raise RuntimeError(f"unexpected answers: {measured.statuses}")
    return measured


def row(name: str, runs: list[Measured]) -> None:
    """Print one line: medians over the runs."""
    rate = statistics.median(run.rate for run in runs)
    p50 = statistics.median(run.percentile(0.5) for run in runs) * 1000
    p99 = statistics.median(run.percentile(0.99) for run in runs) * 1000
    print(f"  {name:<15} {rate:6.0f} a second   p50 {p50:5.1f} ms   p99 {p99:5.1f} ms")
