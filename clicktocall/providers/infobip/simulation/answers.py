"""Answers of the provider: their content, the name of their XML root, and how they travel."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from clicktocall.providers.infobip.simulation.faults import Fault, Mishap
from clicktocall.providers.infobip.simulation.xml import as_xml
from clicktocall.providers.simulation.server import Ending, Request, Response, Unreadable

Json = dict[str, Any]

_ENDINGS = {Mishap.RESET: Ending.BROKEN, Mishap.RESET_EARLY: Ending.NOTHING}

GARBLED = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer. `file` is sent as it is, of type `file_type`; else `content` is rendered.

    `wait` is how many (real) seconds pass before it is sent.
    """

    status: int = HTTPStatus.OK
    content: Json = field(default_factory=dict)
    root: str = ""
    file: bytes | None = None
    file_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    mishap: Mishap = Mishap.NONE
    wait: float = 0.0

    def as_response(self, request: Request) -> Response:
        """The answer as it leaves, in the type that the request asks for."""
        content_type, payload = self._rendered(request.headers.get("Accept", ""))
        return Response(
            status=self.status,
            content_type=content_type,
            payload=payload,
            headers=self.headers,
            wait=self.wait,
            ending=_ENDINGS.get(self.mishap, Ending.WHOLE),
        )

    def _rendered(self, accept: str) -> tuple[str, bytes]:
        if self.mishap == Mishap.GARBLED:
            return "text/html", GARBLED
        if self.file is not None:
            return self.file_type, self.file
        if _prefers_xml(accept):
            return "application/xml;charset=UTF-8", as_xml(self.root, self.content)
        return "application/json;charset=UTF-8", json.dumps(self.content).encode()


def error(
    status: int, message_id: str, text: str, wrong: Mapping[str, list[str]] | None = None
) -> Answer:
    """A fault, with those of single fields by their names."""
    told: Json = {"messageId": message_id, "text": text}
    if wrong:
        told["validationErrors"] = dict(wrong)
    content = {"requestError": {"serviceException": told}}
    return Answer(status=status, content=content, root="ApiException")


def bad_request(text: str = "Bad Request", wrong: Mapping[str, list[str]] | None = None) -> Answer:
    return error(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", text, wrong)


def unreadable(fault: Unreadable) -> Answer:
    return error(fault.status, "BAD_REQUEST", fault.words)


def unauthorized() -> Answer:
    return error(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", "Invalid login details")


def not_found() -> Answer:
    return error(HTTPStatus.NOT_FOUND, "NOT_FOUND", "Not found")


def failed(fault: Fault, retry_after: int) -> Answer:
    """The answer of a request that meets a fault with a status of its own."""
    wrong = {"destinationA": ["is refused by the simulation"]} if fault.status == 400 else None
    answer = error(fault.status, fault.message_id, fault.text, wrong)
    answer.mishap = fault.mishap
    if fault.status == HTTPStatus.TOO_MANY_REQUESTS:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def _prefers_xml(accept: str) -> bool:
    """XML where it is named before JSON; the provider's own default is JSON."""
    named = re.search(r"(?:application|text)/(xml|json)|\*/\*", accept.lower())
    return named is not None and named[1] == "xml"
