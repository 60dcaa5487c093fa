"""Real servers that take reports: they verify nothing by themselves and keep what came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Message:
    """A report as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


# It was taken, but the connection broke before the answer.
TAKEN_WITHOUT_ANSWER = 0

# The answer to a message: a status, or a status with headers.
Answer = Callable[[Message], int | tuple[int, dict[str, str]]]


class Receiver:
    """A loopback server; `answer` decides on each message, in a thread of its own."""

    def __init__(self, answer: Answer = lambda _message: 204) -> None:
        self.answer = answer
        self.messages: list[Message] = []
        self.accepted: list[Message] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                if len(body) == length:  # otherwise the sender was killed in the middle of it
                    owner._take(self, Message(self.path, headers, body))

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                pass  # the other side was killed

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/reports"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, handler: BaseHTTPRequestHandler, message: Message) -> None:
        with self._lock:
            self.messages.append(message)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            decided = self.answer(message)
        finally:
            with self._lock:
                self._at_once -= 1
        status, headers = decided if isinstance(decided, tuple) else (decided, {})
        if 200 <= status < 300 or status == TAKEN_WITHOUT_ANSWER:
            with self._lock:
                self.accepted.append(message)
        if status == TAKEN_WITHOUT_ANSWER:
            return
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
