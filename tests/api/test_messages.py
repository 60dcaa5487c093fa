"""The mistakes everybody makes on the first day, and what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.server import Server, problem
from tests.factories import VISITOR, make_endpoint


@pytest.mark.parametrize(
    ("header", "code", "told"),
    [
        ("", "not_authenticated", "No API key was sent"),
        ("Bearer ", "not_authenticated", "No API key was sent"),
        ("Token abc", "not_authenticated", "Authorization: Bearer"),
        ("Bearer wrong-key-but-long-enough", "invalid_key", "unknown, expired or revoked"),
    ],
)
def test_a_key_that_did_not_arrive(server: Server, header: str, code: str, told: str) -> None:
    answer = server.get("calls/", Authorization=header)
    assert told in problem(answer, 401, code)["message"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("calls", "ends with a slash"),
        ("calls/abc/", "ids are 32 digits"),
        ("calls/00000000-0000-0000-0000-000000000000/", "without dashes"),
        (f"calls/{'0' * 32}/", "There is nothing here."),
        ("numbers/99999/", "There is nothing here."),
    ],
)
def test_an_address_that_is_none(server: Server, path: str, told: str) -> None:
    message = problem(server.get(path), 404, "not_found")["message"]
    assert told in message
    assert "matches the given query" not in message


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        ({"contct": VISITOR}, "contct", "Did you mean contact?"),
        ({"contct": VISITOR}, "contact", "required"),
        ({"contact": VISITOR, "timeout": 20}, "timeout", "inside options"),
        (
            {"contact": VISITOR, "options": {"machine_detection": "maybe"}},
            "options.machine_detection",
            "“hangup”",
        ),
    ],
)
def test_a_slip_in_a_body(server: Server, body: dict[str, Any], field: str, told: str) -> None:
    endpoint = make_endpoint(server.account)
    answer = server.post(f"endpoints/{endpoint.pk}/connect/", body)
    assert told in problem(answer, 400, "invalid_request")["fields"][field][0]


def test_a_form_instead_of_json(server: Server) -> None:
    answer = server.client.post(
        "/clicktocall/api/v1/endpoints/",
        {"name": "Sales"},
        headers={"Authorization": f"Bearer {server.secret}"},
    )
    assert "application/json" in problem(answer, 415, "unsupported_media_type")["message"]


def test_a_word_that_is_none_of_the_choices(server: Server) -> None:
    error = problem(server.get("calls/", {"state": "talking"}), 400, "invalid_request")
    assert "connected" in error["fields"]["state"][0]


def test_a_national_number_without_a_country(server: Server) -> None:
    endpoint = make_endpoint(server.account, allowed_countries=[])
    answer = server.post(f"endpoints/{endpoint.pk}/connect/", {"contact": "020 7946 0101"})
    assert "country's code" in problem(answer, 400, "invalid_number")["message"]


def test_an_option_out_of_scope_is_a_field(server: Server) -> None:
    caller = Server(server.account, ["call"])
    endpoint = make_endpoint(server.account)
    body = {"contact": VISITOR, "options": {"record": True}}
    answer = caller.post(f"endpoints/{endpoint.pk}/connect/", body)
    assert set(problem(answer, 403, "not_allowed")["fields"]) == {"options.record"}
