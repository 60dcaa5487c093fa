"""Real servers on the loopback address for tests: one that misbehaves, one that takes reports."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Behaviour = Callable[["Peer"], None]


class Peer:
    """The server's end of one connection, for a behaviour written by hand."""

    def __init__(self, connection: socket.socket, server: MisbehavingServer) -> None:
        self.connection = connection
        self.server = server
        self._file = connection.makefile("rb")

    def read_request(self) -> bytes:
        """One request with its body; empty when the client has gone."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self._file.readline()
            if not line:
                return b""
            head += line
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        request = head + self._file.read(length)
        self.server.requests.append(request)
        return request

    def send(self, raw: bytes) -> None:
        self.connection.sendall(raw)

    def answer(self, body: bytes = b"{}", status: str = "200 OK", headers: str = "") -> None:
        self.send(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body
        )

    def reset(self) -> None:
        """Break the connection with an RST instead of closing it."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._file.close()
        self.connection.close()


class MisbehavingServer:
    """Gives every connection to `behaviour`; keeps the requests it read."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._behaviour = behaviour
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self._behaviour(Peer(connection, self))
        except OSError:
            pass
        finally:
            connection.close()


@dataclass
class Received:
    path: str
    body: bytes
    moment: float = field(default_factory=time.monotonic)

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class CallbackReceiver:
    """Takes reports; answers 200, or first what is listed in `refusals`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.refusals: list[int] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver._take(Received(self.path, body)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}/callbacks/box/secret/"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def _take(self, received: Received) -> int:
        with self._arrived:
            self.received.append(received)
            self._arrived.notify_all()
            return self.refusals.pop(0) if self.refusals else 200

    @property
    def reports(self) -> list[dict[str, Any]]:
        return [received.report for received in self.received]

    def wait_for(
        self, enough: Callable[[list[dict[str, Any]]], bool], seconds: float = 10.0
    ) -> list[dict[str, Any]]:
        """The reports, as soon as they are enough."""
        with self._arrived:
            done = self._arrived.wait_for(lambda: enough(self.reports), seconds)
        assert done, f"only {[report['event'] for report in self.reports]} came"
        return self.reports

    def wait_for_end(self) -> list[dict[str, Any]]:
        return self.wait_for_event("ended")

    def wait_for_event(self, event: str) -> list[dict[str, Any]]:
        return self.wait_for(lambda reports: any(r["event"] == event for r in reports))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
