"""The sandbox itself: a loopback HTTP server that takes orders and plays their stories.

It stands for a foreign company, so it shares nothing with the adapter but the stories.
"""

from __future__ import annotations

import hmac
import io
import json
import logging
import math
import re
import socket
import struct
import sys
import threading
import time
import wave
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from clicktocall.numbers import mask
from clicktocall.providers.sandbox.order_check import faults_of
from clicktocall.providers.sandbox.playing import Call, Stage
from clicktocall.providers.sandbox.reporter import FIRST_PAUSE, Reporter
from clicktocall.providers.sandbox.scheduler import Scheduler
from clicktocall.providers.sandbox.stories import Story, story_of

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
LARGEST_REQUEST = 256 * 1024  # bytes
REMEMBERED_FOR = 60 * 60.0  # seconds
MOST_REMEMBERED = 20_000
IDLE_CONNECTION = 75.0  # seconds

Json = dict[str, Any]
Reply = tuple[int, Json | bytes]


class Switchboard:
    """The calls of one simulator, and the tries of those it turned away."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._calls: OrderedDict[str, Call] = OrderedDict()  # by our id, oldest first
        self._by_reference: dict[str, Call] = {}
        self._tries: OrderedDict[str, int] = OrderedDict()  # by the customer's call id
        self._lock = threading.Lock()
        self.counts = {"accepted": 0, "repeated": 0, "refused": 0, "unavailable": 0}

    def place(self, order: Json) -> Reply:
        """Take an order, or answer as its story wants."""
        story = story_of(_contact(order))
        with self._lock:
            known = self._by_reference.get(order["reference"])
            if known is not None:
                self.counts["repeated"] += 1
                return HTTPStatus.OK, _accepted(known)
            if story.refused:
                return self._refuse(order, story)
            if self._is_out(order["call_id"], story):
                return self._turn_away(order, story)
            call = Call(order, story, self._stage)
            self._remember(call)
            self.counts["accepted"] += 1
        _log(order, story, "accepted")
        call.start()
        return HTTPStatus.CREATED, _accepted(call)

    def find(self, name: str) -> Call | None:
        """The call by our id or the customer's reference."""
        with self._lock:
            return self._calls.get(name) or self._by_reference.get(name)

    def find_recording(self, recording_id: str) -> Call | None:
        with self._lock:
            calls = list(self._calls.values())
        return next(
            (call for call in calls if call.recording_id == recording_id and call.recorded), None
        )

    def _refuse(self, order: Json, story: Story) -> Reply:
        self.counts["refused"] += 1
        _log(order, story, "refused")
        return _error(HTTPStatus.FORBIDDEN, "The destination is not served.")

    def _turn_away(self, order: Json, story: Story) -> Reply:
        self.counts["unavailable"] += 1
        _log(order, story, "unavailable")
        return _error(HTTPStatus.SERVICE_UNAVAILABLE, "Out of service; nothing was dialled.")

    def _is_out(self, call_id: str, story: Story) -> bool:
        tries = self._tries.get(call_id, 0)
        if tries >= story.outages:
            return False
        self._tries[call_id] = tries + 1
        while len(self._tries) > MOST_REMEMBERED:
            self._tries.popitem(last=False)
        return True

    def _remember(self, call: Call) -> None:
        self._calls[call.id] = call
        self._by_reference[call.order["reference"]] = call
        while self._calls:
            oldest = next(iter(self._calls.values()))
            fresh = time.monotonic() - oldest.born < REMEMBERED_FOR
            if fresh and len(self._calls) <= MOST_REMEMBERED:
                return
            del self._calls[oldest.id], self._by_reference[oldest.order["reference"]]


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
        error = sys.exception()
        if not isinstance(error, OSError):  # not just a customer who went away
            logger.error("a request failed", exc_info=error)

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
            return _error(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch(r"[0-9]{1,12}", length, re.ASCII):
            return _error(HTTPStatus.BAD_REQUEST, "The Content-Length is not a number.")
        if int(length) > LARGEST_REQUEST:
            return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large.")
        return self.rfile.read(int(length))

    def _get(self, _body: bytes) -> Reply:
        path = urlsplit(self.path).path
        if path == "/health":
            return HTTPStatus.OK, {"status": "ok", "counts": self.server.switchboard.counts}
        if recording := re.fullmatch(r"/recordings/([0-9a-f]{32})\.wav", path):
            return self._recording(recording[1])
        if found := re.fullmatch(r"/calls/([^/]+)", path):
            return self._describe(found[1])
        return _error(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def _post(self, body: bytes) -> Reply:
        if not self._authorized():
            return _unauthorized()
        path = urlsplit(self.path).path
        if path == "/calls":
            return self._place(body)
        if found := re.fullmatch(r"/calls/([^/]+)/cancel", path):
            return self._cancel(found[1])
        return _error(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def _place(self, body: bytes) -> Reply:
        try:
            order = json.loads(body)
        except (ValueError, RecursionError):
            return _error(HTTPStatus.BAD_REQUEST, "The order is not JSON.")
        if not isinstance(order, dict):
            return _error(HTTPStatus.BAD_REQUEST, "The order is not a JSON object.")
        faults = faults_of(order)
        if faults:
            listed = "; ".join(f"{field}: {fault}" for field, fault in faults.items())
            return _error(HTTPStatus.BAD_REQUEST, f"The order is not valid. {listed}", faults)
        return self.server.switchboard.place(order)

    def _describe(self, name: str) -> Reply:
        if not self._authorized():
            return _unauthorized()
        call = self.server.switchboard.find(name)
        return (HTTPStatus.OK, call.describe()) if call else _no_such_call()

    def _cancel(self, name: str) -> Reply:
        call = self.server.switchboard.find(name)
        if call is None:
            return _no_such_call()
        call.hang_up()
        return HTTPStatus.OK, _accepted(call)

    def _recording(self, recording_id: str) -> Reply:
        # The address is the permission, as with the expiring links of real companies.
        if self.server.switchboard.find_recording(recording_id) is None:
            return _error(HTTPStatus.NOT_FOUND, "There is no such recording.")
        return HTTPStatus.OK, _TONE

    def _authorized(self) -> bool:
        presented = self.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(presented, b"Bearer " + self.server.api_key)


def _contact(order: Json) -> str:
    """The visitor's side: leg A of a one-leg call or when the contact is dialled first."""
    first = order["leg_b"] is None or order["options"].get("dial_first") == "contact"
    leg: Json = order["leg_a"] if first else order["leg_b"]
    contact: str = leg["value"]
    return contact


def _accepted(call: Call) -> Json:
    return {"id": call.id, "reference": call.order["reference"], "state": call.state}


def _error(status: int, message: str, fields: dict[str, str] | None = None) -> Reply:
    error: Json = {"message": message}
    if fields:
        error["fields"] = fields
    return status, {"error": error}


def _unauthorized() -> Reply:
    return _error(HTTPStatus.UNAUTHORIZED, "The API key is missing or wrong.")


def _no_such_call() -> Reply:
    return _error(HTTPStatus.NOT_FOUND, "There is no such call.")


def _log(order: Json, story: Story, verdict: str) -> None:
    leg_b = order["leg_b"]
    logger.info(
        "call %s %s: %s%s plays %s",
        order["reference"],
        verdict,
        mask(order["leg_a"]["value"]),
        f" and {mask(leg_b['value'])}" if leg_b else "",
        story.name,
    )


def _tone() -> bytes:
    """One second of 440 Hz, 8 kHz mono, as a WAV file: the recording of every call."""
    samples = (round(8000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(8000))
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return written.getvalue()


_TONE = _tone()
