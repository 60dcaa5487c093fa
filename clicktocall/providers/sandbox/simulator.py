"""The sandbox itself: a loopback HTTP server that takes orders and plays their stories.

It stands for a foreign company, so it shares nothing with the adapter but the stories.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import socket
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from clicktocall.providers.sandbox.order_check import faults_of
from clicktocall.providers.sandbox.playing import Stage
from clicktocall.providers.sandbox.replies import (
    Reply,
    accepted,
    error,
    no_such_call,
    unauthorized,
)
from clicktocall.providers.sandbox.reporter import FIRST_PAUSE, Reporter
from clicktocall.providers.sandbox.scheduler import Scheduler
from clicktocall.providers.sandbox.switchboard import Switchboard
from clicktocall.providers.sandbox.tone import TONE

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
LARGEST_REQUEST = 256 * 1024  # bytes
IDLE_CONNECTION = 75.0  # seconds


class Simulator:
    """The sandbox as a server of its own, on the loopback address only.

    Args:
        port: where to listen; 0 takes a free one, see `address`.
        api_key: what customers must present.
        speed: how many times faster than life the stories play.
        first_pause: seconds before a failed report is tried again (then doubled).

    Raises:
        OSError: the port is taken.
    """

    def __init__(
        self,
        *,
        port: int,
        api_key: str,
        speed: float = 1.0,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self._server = _Server((LOOPBACK, port), _Handler)
        self.address = f"http://{LOOPBACK}:{self._server.server_port}"
        self._scheduler = Scheduler()
        self._reporter = Reporter(self._scheduler, first_pause=first_pause)
        self._server.api_key = api_key.encode()
        self._server.switchboard = Switchboard(
            Stage(self._scheduler, self._reporter, speed, self.address)
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def start(self) -> None:
        """Serve in the background until `stop`."""
        self._scheduler.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, drop every connection and all stories."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.drop_connections()
        self._scheduler.stop()
        self._reporter.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    api_key: bytes
    switchboard: Switchboard

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

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
    server_version = "clicktocall-sandbox"
    sys_version = ""
    timeout = IDLE_CONNECTION
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    server: _Server

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, *_: Any) -> None:
        """Nothing: one line per call is logged where calls are placed."""

    def _answer(self, route: Callable[[bytes], Reply]) -> None:
        body = self._body()
        status, content = body if isinstance(body, tuple) else route(body)
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        kind = "audio/wav" if isinstance(content, bytes) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        if isinstance(body, tuple):
            self.close_connection = True  # the rest of the request was not read
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()

    def _body(self) -> bytes | Reply:
        if "Transfer-Encoding" in self.headers:
            return error(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,12}", length, re.ASCII):
            return error(HTTPStatus.BAD_REQUEST, "The Content-Length is not a number.")
        if int(length) > LARGEST_REQUEST:
            return error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large.")
        return self.rfile.read(int(length))

    def _get(self, _body: bytes) -> Reply:
        path = urlsplit(self.path).path
        if path == "/health":
            return HTTPStatus.OK, {"status": "ok", "counts": self.server.switchboard.counts}
        if recording := re.fullmatch(r"/recordings/([0-9a-f]{32})\.wav", path):
            return self._recording(recording[1])
        if found := re.fullmatch(r"/calls/([^/]+)", path):
            return self._describe(found[1])
        return error(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def _post(self, body: bytes) -> Reply:
        if not self._authorized():
            return unauthorized()
        path = urlsplit(self.path).path
        if path == "/calls":
            return self._place(body)
        if found := re.fullmatch(r"/calls/([^/]+)/cancel", path):
            return self._cancel(found[1])
        return error(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def _place(self, body: bytes) -> Reply:
        try:
            order = json.loads(body)
        except (ValueError, RecursionError):
            return error(HTTPStatus.BAD_REQUEST, "The order is not JSON.")
        if not isinstance(order, dict):
            return error(HTTPStatus.BAD_REQUEST, "The order is not a JSON object.")
        faults = faults_of(order)
        if faults:
            listed = "; ".join(f"{field}: {fault}" for field, fault in faults.items())
            return error(HTTPStatus.BAD_REQUEST, f"The order is not valid. {listed}", faults)
        return self.server.switchboard.place(order)

    def _describe(self, name: str) -> Reply:
        if not self._authorized():
            return unauthorized()
        call = self.server.switchboard.find(name)
        return (HTTPStatus.OK, call.describe()) if call else no_such_call()

    def _cancel(self, name: str) -> Reply:
        call = self.server.switchboard.find(name)
        if call is None:
            return no_such_call()
        call.hang_up()
        return HTTPStatus.OK, accepted(call)

    def _recording(self, recording_id: str) -> Reply:
        # An address can leak; whoever has it needs the key as well.
        if not self._authorized():
            return unauthorized()
        if self.server.switchboard.find_recording(recording_id) is None:
            return error(HTTPStatus.NOT_FOUND, "There is no such recording.")
        return HTTPStatus.OK, TONE

    def _authorized(self) -> bool:
        presented = self.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(presented, b"Bearer " + self.server.api_key)
