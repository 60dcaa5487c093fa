"""Whatever a client sends: never a 5xx, always the one shape, and quickly."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from clicktocall.api.errors import PROBLEMS
from tests.api.everything import House, build_house
from tests.api.hostile import Case, bodies, flips, headers, methods, paths_of, queries
from tests.api.server import Server, problem
from tests.embed.hostile import JSON

AT_MOST = 1.0  # seconds of this thread's time
QUICK = 1_000
MANY = 10_000


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Django tells of every refused request, which would bury what failed."""
    caplog.set_level(logging.CRITICAL, "django.request")


@pytest.fixture
def house(server: Server) -> House:
    built = build_house("OURS", "0101")
    server.account = built.account
    server.key.account = built.account
    server.key.save()
    return built


def every_case(house: House) -> list[Case]:
    return [
        *bodies(house),
        *flips(house, each=100),
        *queries(house),
        *headers(house),
        *methods(house),
    ]


@pytest.mark.parametrize("number", [QUICK, pytest.param(MANY, marks=pytest.mark.slow)])
def test_hostile_requests_get_a_clean_answer(server: Server, house: House, number: int) -> None:
    """A choice of all there are, which stays the same from run to run."""
    chosen = random.Random(number).sample(every_case(house), number)

    assert_clean(server, chosen)


def test_the_requests_they_are_made_of_are_taken(server: Server, house: House) -> None:
    """Otherwise none of the others would prove anything."""
    from tests.api.hostile import writing

    taken = []
    for route, method, path, good in writing(house):
        status = send(server, Case("", method, path, json.dumps(good).encode())).status_code
        taken.append((route.name, method, status))

    assert [each for each in taken if each[2] not in (200, 201, 202)] == []


def assert_clean(server: Server, cases: Iterable[Case]) -> None:
    problems = []
    for case in cases:
        began = time.thread_time()
        answer = send(server, case)
        took = time.thread_time() - began
        try:
            check_answer(case, answer)
            assert took < AT_MOST, f"took {took:.1f} s"
        except AssertionError as problem:
            problems.append(f"{case.about}\n    {str(problem)[:300]}")
    assert not problems, f"{len(problems)} answers:\n" + "\n".join(problems[:60])


def send(server: Server, case: Case) -> Any:
    """The answer; whatever the request wrote is taken back."""
    given = {"Authorization": f"Bearer {server.secret}", **case.headers}
    content_type = given.pop("Content-Type", JSON if case.body else "")
    with transaction.atomic():
        answer = Client(raise_request_exception=False).generic(
            case.method, case.path, case.body, content_type=content_type, headers=given
        )
        transaction.set_rollback(True)
    return answer


def check_answer(case: Case, answer: Any) -> None:
    assert answer.status_code < 500, f"{answer.status_code}: {answer.content!r}"
    if case.method == "HEAD" or answer.status_code in (204, 304):
        assert answer.content == b""
        return
    assert answer["Content-Type"] == JSON, answer["Content-Type"]
    told = json.loads(answer.content, parse_constant=pytest.fail)
    if answer.status_code >= 400:
        check_error(case, answer.status_code, told)
    elif answer.status_code not in (200, 201, 202):
        raise AssertionError(f"what is {answer.status_code}?")


def check_error(case: Case, status: int, told: dict[str, Any]) -> None:
    assert set(told) == {"error"}, told
    error = told["error"]
    assert error.keys() >= {"code", "message"}, error
    assert error.keys() <= {
        *("code", "message", "fields", "refusal", "next_opening", "retry_after")
    }, error
    assert PROBLEMS[error["code"]][0] == status, (status, error)
    assert error["message"], error
    nameable = case.known | sent_names(case) if "fields" in error else case.known
    for name, messages in error.get("fields", {}).items():
        assert name in nameable, f"{name!r} was not sent: {error}"
        assert messages, error
        assert all(isinstance(message, str) and message for message in messages), error


def sent_names(case: Case) -> set[str]:
    query = case.path.partition("?")[2]
    if query:
        from django.http import QueryDict

        return {name[:100] for name in QueryDict(query)}
    try:
        return set(paths_of(json.loads(case.body)))
    except ValueError:
        return set()


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("endpoints/", {"active": "maybe"}, "active"),
        ("endpoints/", {"active": "1"}, "active"),
        ("statistics/", {"until": "1971-01-01"}, "since"),
        ("statistics/", {"since": "1971-01-01T00:00:00+14:00", "until": "1971-01-09"}, "since"),
        ("statistics/", {"until": "8999-12-31T23:59:59-14:00"}, "until"),
        ("calls/", {"created_after": "1971-01-01T00:00:00+14:00"}, "created_after"),
        ("calls/", {"page_size": "000000000201"}, "page_size"),
    ],
)
def test_what_a_query_cannot_mean_is_named(
    server: Server, path: str, query: dict[str, str], field: str
) -> None:
    error = problem(server.get(path, query), 400, "invalid_request")

    assert set(error["fields"]) == {field}


def test_the_first_days_that_can_be_counted_are_counted(server: Server) -> None:
    answer = server.get("statistics/", {"until": "1971-01-20"})

    assert answer.status_code == 200, answer.content
    assert answer.json()["since"] == "1971-01-01T00:00:00Z"


def test_a_wrong_entry_of_a_bulk_is_named_with_its_place(server: Server, house: House) -> None:
    body: dict[str, Any] = {
        "endpoint": house.endpoint.pk,
        "calls": [
            {"contact": "+442079460101"},
            {"contact": "+442079460101", "context": {"order": "x" * 3000}},
            {"contact": "+442079460101", "endpoint": "nothing"},
            {"contact": 7, "options": {"timeout": 1}},
        ],
    }

    late = problem(
        server.post("bulks/", {**body, "calls": body["calls"][:3]}), 400, "invalid_request"
    )
    assert set(late["fields"]) == {"calls.1.context", "calls.2.endpoint"}
    early = problem(server.post("bulks/", body), 400, "invalid_request")
    assert {"calls.3.contact", "calls.3.options.timeout"} <= set(early["fields"])
    of_all = problem(
        server.post("bulks/", {"endpoint": "nothing", "calls": body["calls"][:1]}),
        400,
        "invalid_request",
    )
    assert set(of_all["fields"]) == {"endpoint"}


def test_a_number_that_is_too_large_for_json_is_refused(server: Server, house: House) -> None:
    raw = b'{"contact": "+442079460101", "context": {"x": 1e400}}'

    problem(server.post(f"endpoints/{house.endpoint.pk}/connect/", raw), 400, "invalid_request")
