"""An HTTP/1.1 server on the loopback address that can fail on purpose."""

from __future__ import annotations

import logging
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message as Headers
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
IDLE_CONNECTION = 75.0  # seconds
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in; `query` has every value of a name, headers any case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Headers[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Ending(StrEnum):
    """How a response ends."""

    WHOLE = "whole"
    BROKEN = "broken"  # in the middle, by an RST
    NOTHING = "nothing"  # by an RST before its first byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response as it leaves, `wait` (real) seconds after it was made."""

    status: int
    content_type: str
    payload: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    ending: Ending = Ending.WHOLE


class Unreadable(Exception):
    """A request whose body was not read: the status it deserves, and why."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class LoopbackServer:
    """Serves GET, POST and PUT, one thread for each connection.

    Args:
        port: where to listen; 0 takes a free one, see `address`.
        name: of the provider, for the `Server` header.
        respond: called in any thread.
        refuse: writes the response to a request whose body was not read.
        largest_request: bytes a body may have.

    Raises:
        OSError: the port is taken.
    """

    def __init__(
        self,
        port: int,
        name: str,
        respond: Callable[[Request], Response],
        refuse: Callable[[Request, Unreadable], Response],
        *,
        largest_request: int,
    ) -> None:
        self._server = _Server((LOOPBACK, port), _Handler)
        self._server.name = name
        self._server.respond = respond
        self._server.refuse = refuse
        self._server.largest_request = largest_request
        self.address = f"http://{LOOPBACK}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def start(self) -> None:
        """Serve in the background until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and drop every connection, also those that wait for a slow answer."""
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.drop_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    name: str
    respond: Callable[[Request], Response]
    refuse: Callable[[Request, Unreadable], Response]
    largest_request: int

    def __init__(self, *args: Any) -> None:
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._broken_off: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        if request in self._broken_off:
            self._broken_off.discard(request)
            self.close_request(request)  # without the orderly end of a shutdown before it
        else:
            super().shutdown_request(request)

    def break_off(self, request: socket.socket) -> None:
        self._broken_off.add(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        fault = sys.exception()
        if not isinstance(fault, OSError):  # not just a customer who went away
            logger.error("a request failed", exc_info=fault)

    def drop_connections(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed by itself meanwhile


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_CONNECTION
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def version_string(self) -> str:
        return f"clicktocall-{self.server.name}"

    def log_message(self, *_: Any) -> None:
        """Nothing: each simulator logs what matters to it."""

    def _serve(self) -> None:
        try:
            body = self._body()
        except Unreadable as fault:
            self.close_connection = True  # the rest of the request was not read
            self._send(self.server.refuse(self._request(b""), fault))
            return
        response = self.server.respond(self._request(body))
        if response.wait:
            self.server.stopping.wait(response.wait)
        self._send(response)

    def _request(self, body: bytes) -> Request:
        parts = urlsplit(self.path)
        return Request(self.command, parts.path, parse_qs(parts.query), self.headers, body)

    def _body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise Unreadable(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,12}", length, re.ASCII):
            raise Unreadable(HTTPStatus.BAD_REQUEST, "The Content-Length is not a number.")
        if int(length) > self.server.largest_request:
            raise Unreadable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large.")
        return self.rfile.read(int(length))

    def _send(self, response: Response) -> None:
        if response.ending == Ending.NOTHING:
            self._break_off()
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.payload)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        broken = response.ending == Ending.BROKEN
        sent = len(response.payload) // 2 if broken else len(response.payload)
        self.wfile.write(response.payload[:sent])
        self.wfile.flush()
        if broken:
            self._break_off()

    def _break_off(self) -> None:
        """An RST in place of an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.server.break_off(self.connection)
