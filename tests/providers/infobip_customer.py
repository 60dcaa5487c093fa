"""A customer of the simulated Infobip, without our adapter: raw requests and a raw inbox."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from xml.etree import ElementTree as ET

import requests

from clicktocall.providers.infobip.simulation.credentials import Credentials
from clicktocall.providers.infobip.simulation.stories import number_for
from clicktocall.providers.infobip.simulator import Simulator
from tests.providers.loopback import MisbehavingServer, Peer
from tests.providers.sandbox_client import wait_until

KEY = "infobip-key-CANARY-5521"
TEAM = "442079460190"
SENDER = "41793026700"
SPEED = 40.0

CLICK_TO_CALL = "/voice/ctc/1/send"
VOICE = "/tts/3/advanced"
IVR = "/voice/ivr/1/messages"


@contextmanager
def running(**options: Any) -> Iterator[Customer]:
    """A simulator, forty times faster than life, and its customer."""
    given = {"port": 0, "credentials": Credentials(app=KEY), "speed": SPEED, "seed": 7}
    simulator = Simulator(**{**given, **options})
    simulator.start()
    try:
        yield Customer(simulator.address)
    finally:
        simulator.stop()


class Customer:
    def __init__(self, address: str, authorization: str = f"App {KEY}") -> None:
        self.address = address
        self.authorization = authorization

    def ask(
        self, method: str, path: str, *, accept: str = "application/json", **request: Any
    ) -> requests.Response:
        headers = {"Accept": accept, "Authorization": self.authorization}
        headers |= request.pop("headers", {})
        return requests.request(
            method, f"{self.address}{path}", headers=headers, timeout=10, **request
        )

    def send(self, path: str, *messages: dict[str, Any], **request: Any) -> requests.Response:
        document = {"messages": list(messages), **request.pop("document", {})}
        return self.ask("POST", path, json=document, **request)

    def call(self, story: str = "completed", **fields: Any) -> requests.Response:
        """A click-to-call whose first phone plays a story."""
        return self.send(CLICK_TO_CALL, click_to_call(story, **fields))

    def logs(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "/tts/3/logs", params=query).json()["results"]
        return found

    def pulled(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.ask("GET", "/voice/1/reports", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["results"]
        return found

    def wait_until_over(self, message_id: str) -> dict[str, Any]:
        """The message's row of the logs when it is over."""
        wait_until(lambda: any(row["doneAt"] for row in self.logs(messageId=message_id)))
        return self.logs(messageId=message_id)[0]


def click_to_call(story: str = "completed", **fields: Any) -> dict[str, Any]:
    ordered = {
        "from": SENDER,
        "destinationA": number_for(story),
        "destinationB": TEAM,
        **fields,
    }
    return {name: value for name, value in ordered.items() if value is not None}


def voice_message(story: str = "completed", message_id: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "from": SENDER,
        "destinations": [_destination(story, message_id)],
        "text": "Your bicycle is ready.",
        **fields,
    }


def ivr_message(story: str = "completed", message_id: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "from": SENDER,
        "scenarioId": "6298AA77",
        "destinations": [_destination(story, message_id)],
        **fields,
    }


def _destination(story: str, message_id: str) -> dict[str, str]:
    named = {"messageId": message_id} if message_id else {}
    return {"to": number_for(story), **named}


@dataclass(frozen=True)
class Post:
    headers: dict[str, str]
    body: bytes

    @property
    def reports(self) -> list[dict[str, Any]]:
        if self.headers["content-type"].startswith("application/xml"):
            root = ET.fromstring(self.body)
            assert root.tag == "reportResponse"
            return [_tree(element) for element in root.findall("results/results")]
        found: list[dict[str, Any]] = json.loads(self.body)["results"]
        return found


class Inbox:
    """Takes reports and keeps them as they came; answers `refusals` first, then 200."""

    def __init__(self, refusals: list[str] | None = None) -> None:
        self.refusals = refusals or []
        self._lock = threading.Lock()
        self._server = MisbehavingServer(self._take)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _take(self, peer: Peer) -> None:
        while peer.read_request():
            with self._lock:
                status = self.refusals.pop(0) if self.refusals else "200 OK"
            peer.answer(b"", status)

    @property
    def url(self) -> str:
        return f"{self._server.url}/callbacks/infobip/secret/"

    @property
    def posts(self) -> list[Post]:
        return [_post(raw) for raw in list(self._server.requests)]

    @property
    def reports(self) -> list[dict[str, Any]]:
        return [report for post in self.posts for report in post.reports]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        wait_until(lambda: len(self.reports) >= count)
        return self.reports


def _post(raw: bytes) -> Post:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    pairs = (line.split(": ", 1) for line in lines)
    return Post({name.lower(): value for name, value in pairs}, body)


def _tree(element: ET.Element) -> Any:
    if len(element):
        return {child.tag: _tree(child) for child in element}
    return element.text or ""
