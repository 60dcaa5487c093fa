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
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from clicktocall.providers.infobip.simulation.answers import Answer, error
from clicktocall.providers.infobip.simulation.faults import Mishap

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
LARGEST_REQUEST = 8 * 1024 * 1024  # bytes; twenty thousand destinations take two
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


class LoopbackServer:
    """Serves `respond`, one thread for each connection.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, port: int, respond: Callable[[Request], Answer]) -> None:
        self._server = _Server((LOOPBACK, port), _Handler)
        self._server.respond = respond
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
    respond: Callable[[Request], Answer]

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
    server_version = "clicktocall-infobip"
    sys_version = ""
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

    def log_message(self, *_: Any) -> None:
        """Nothing: the request log tells of every request."""

    def _serve(self) -> None:
        body = self._body()
        if isinstance(body, Answer):
            self.close_connection = True  # the rest of the request was not read
            self._send(body)
            return
        parts = urlsplit(self.path)
        answer = self.server.respond(
            Request(self.command, parts.path, parse_qs(parts.query), self.headers, body)
        )
        if answer.wait:
            self.server.stopping.wait(answer.wait)
        self._send(answer)

    def _body(self) -> bytes | Answer:
        if "Transfer-Encoding" in self.headers:
            return error(HTTPStatus.LENGTH_REQUIRED, "BAD_REQUEST", "Send a Content-Length")
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,12}", length, re.ASCII):
            return error(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", "Wrong Content-Length")
        if int(length) > LARGEST_REQUEST:
            return error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BAD_REQUEST", "Too large")
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        if answer.mishap == Mishap.RESET_EARLY:
            self._break_off()
            return
        kind, payload = answer.rendered(self.headers.get("Accept", ""))
        self.send_response(answer.status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if answer.mishap == Mishap.RESET:
            payload = payload[: len(payload) // 2]
        self.wfile.write(payload)
        self.wfile.flush()
        if answer.mishap == Mishap.RESET:
            self._break_off()

    def _break_off(self) -> None:
        """An RST in place of an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.server.break_off(self.connection)
