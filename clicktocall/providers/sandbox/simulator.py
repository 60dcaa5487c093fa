"""The sandbox itself: a loopback HTTP server that takes orders and plays their stories.

It stands for a foreign company, so it shares nothing with the adapter but the stories.
"""

from __future__ import annotations

import hmac
import json
import re
from http import HTTPStatus

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
from clicktocall.providers.sandbox.switchboard import Switchboard
from clicktocall.providers.simulation.scheduler import Scheduler
from clicktocall.providers.simulation.server import LoopbackServer, Request, Response, Unreadable
from clicktocall.providers.simulation.tone import TONE

LARGEST_REQUEST = 256 * 1024  # bytes


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
        self._api_key = api_key.encode()
        self._server = LoopbackServer(
            port, "sandbox", self._respond, _refuse, largest_request=LARGEST_REQUEST
        )
        self.address = self._server.address
        self._scheduler = Scheduler()
        self._reporter = Reporter(self._scheduler, first_pause=first_pause)
        stage = Stage(self._scheduler, self._reporter, speed, self.address)
        self._switchboard = Switchboard(stage)

    def start(self) -> None:
        """Serve in the background until `stop`."""
        self._scheduler.start()
        self._server.start()

    def stop(self) -> None:
        """Stop serving, drop every connection and all stories."""
        self._server.stop()
        self._scheduler.stop()
        self._reporter.stop()

    def _respond(self, request: Request) -> Response:
        return _sent(self._route(request))

    def _route(self, request: Request) -> Reply:
        if request.method == "GET" and request.path == "/health":
            return HTTPStatus.OK, {"status": "ok", "counts": self._switchboard.counts}
        if not self._is_authorized(request):
            return unauthorized()
        match request.method:
            case "GET":
                return self._get(request.path)
            case "POST":
                return self._post(request)
        return _nothing_here()

    def _get(self, path: str) -> Reply:
        if recording := re.fullmatch(r"/recordings/([0-9a-f]{32})\.wav", path):
            return self._recording(recording[1])
        if found := re.fullmatch(r"/calls/([^/]+)", path):
            return self._describe(found[1])
        return _nothing_here()

    def _post(self, request: Request) -> Reply:
        if request.path == "/calls":
            return self._place(request.body)
        if found := re.fullmatch(r"/calls/([^/]+)/cancel", request.path):
            return self._cancel(found[1])
        return _nothing_here()

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
        return self._switchboard.place(order)

    def _describe(self, name: str) -> Reply:
        call = self._switchboard.find(name)
        return (HTTPStatus.OK, call.describe()) if call else no_such_call()

    def _cancel(self, name: str) -> Reply:
        call = self._switchboard.find(name)
        if call is None:
            return no_such_call()
        call.hang_up()
        return HTTPStatus.OK, accepted(call)

    def _recording(self, recording_id: str) -> Reply:
        if self._switchboard.find_recording(recording_id) is None:
            return error(HTTPStatus.NOT_FOUND, "There is no such recording.")
        return HTTPStatus.OK, TONE

    def _is_authorized(self, request: Request) -> bool:
        """The address of a recording can leak, too; whoever has it needs the key as well."""
        presented = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(presented, b"Bearer " + self._api_key)


def _refuse(_request: Request, fault: Unreadable) -> Response:
    return _sent(error(fault.status, fault.words))


def _nothing_here() -> Reply:
    return error(HTTPStatus.NOT_FOUND, "There is nothing here.")


def _sent(reply: Reply) -> Response:
    status, content = reply
    if isinstance(content, bytes):
        return Response(status=status, content_type="audio/wav", payload=content)
    payload = json.dumps(content).encode()
    return Response(status=status, content_type="application/json", payload=payload)
