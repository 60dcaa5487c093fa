"""A server that drives the API with its key, as a client of the API would."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from clicktocall.accounts.keys import issue_key
from clicktocall.models import Account, Scope
from tests.factories import make_account

ROOT = "/clicktocall/api/v1/"


class Server:
    """Requests below `ROOT`; an answer's JSON is in `.json()`."""

    def __init__(self, account: Account | None = None, scopes: Any = tuple(Scope.values)) -> None:
        self.account = account or make_account()
        self.key, self.secret = issue_key(self.account, "tests", scopes)
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.send("GET", path, query=query, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, {} if body is None else body, headers=headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PUT", path, body, headers=headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PATCH", path, body, headers=headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.send("DELETE", path, headers=headers)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """`path` is below the API's root, or an address that an answer named."""
        named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        return self.client.generic(
            method,
            _path(path),
            raw,
            content_type="application/json" if body is not None else "",
            headers={"Authorization": f"Bearer {self.secret}", **named},
            query_params=query,
        )


def _path(path: str) -> str:
    return path.removeprefix("http://testserver") if path.startswith(("/", "http")) else ROOT + path


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The error of an answer, which is this one."""
    assert answer.status_code == status, (answer.status_code, answer.content)
    told: dict[str, Any] = json.loads(answer.content)
    assert set(told) == {"error"}, told
    error: dict[str, Any] = told["error"]
    assert error["code"] == code, error
    assert error["message"], error
    return error
