"""A visitor's browser, as far as the embed API can see it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from clicktocall.models import Endpoint
from tests.factories import ORIGIN, VISITOR


class Browser:
    """Speaks to one endpoint from a page of one origin; `origin=None` sends no Origin at all."""

    def __init__(self, endpoint: Endpoint | str, origin: str | None = ORIGIN) -> None:
        self.endpoint_id = endpoint if isinstance(endpoint, str) else endpoint.id
        self.origin = origin
        self._client = Client(enforce_csrf_checks=True, raise_request_exception=False)

    def address(self, name: str) -> str:
        """The address of `embed-config`, `embed-token` or `embed-calls` of the endpoint."""
        return reverse(f"clicktocall:{name}", args=(self.endpoint_id,))

    def request(
        self, method: str, address: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Any:
        """Send exactly this; `Content-Type` stands among the headers."""
        given = {} if self.origin is None else {"Origin": self.origin}
        sent = {**given, **(headers or {})}
        content_type = sent.pop("Content-Type", "application/json")
        return self._client.generic(method, address, body, content_type=content_type, headers=sent)

    def get(self, address: str, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("GET", address, headers=named)

    def post(self, address: str, body: Any = None, **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", address, raw, named)

    def config(self, **headers: str) -> Any:
        return self.get(self.address("embed-config"), **headers)

    def token(self) -> str:
        answer = self.post(self.address("embed-token"))
        assert answer.status_code == 200, f"no token: {answer.status_code} {answer.content!r}"
        token: str = answer.json()["token"]
        return token

    def wish(self, **changes: Any) -> dict[str, Any]:
        """The body of a request for a call; a change to None leaves that member out."""
        given = {"contact": VISITOR, "idempotency_key": str(uuid.uuid4()), **changes}
        if "token" not in given:
            given["token"] = self.token()
        return {name: value for name, value in given.items() if value is not None}

    def connect(self, **changes: Any) -> Any:
        """Ask for a call, with a fresh token and key unless they are given."""
        return self.post(self.address("embed-calls"), self.wish(**changes))


def error_of(answer: HttpResponse) -> dict[str, Any]:
    """The error in an answer, after a look at its shape."""
    assert answer["Content-Type"] == "application/json", f"not JSON: {answer.content[:200]!r}"
    content = json.loads(answer.content)
    assert set(content) == {"error"}, f"more or less than an error: {content}"
    error: dict[str, Any] = content["error"]
    assert {"code", "message"} <= set(error), f"no code or message: {error}"
    assert set(error) <= {"code", "message", "fields", "next_opening"}, f"unknown: {error}"
    assert isinstance(error["code"], str)
    assert error["code"]
    assert isinstance(error["message"], str)
    assert error["message"]
    for field, messages in error.get("fields", {}).items():
        assert isinstance(messages, list), f"{field} is not a list of messages: {messages!r}"
        assert all(isinstance(message, str) for message in messages), f"{field}: {messages!r}"
    return error


def assert_refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is this error, in the one shape."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.content[:300]!r}"
    error = error_of(answer)
    assert error["code"] == code
    return error
