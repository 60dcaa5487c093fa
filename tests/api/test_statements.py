"""What a request to the API costs the database: counted, so that it cannot grow unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clicktocall.models import Bulk, Call, CallEvent, Role, Source
from clicktocall.states import EventKind
from tests.api.everything import House, address, build_house, private_routes, recipe_of, routes
from tests.api.server import Server, problem
from tests.api.staff import Staff
from tests.factories import VISITOR, make_attempt, make_call, make_endpoint, make_owned_number

# With committed transactions, as outside of tests: no savepoint is counted.
pytestmark = pytest.mark.django_db(transaction=True)

# Statements of a request with a key that was used within this minute, with the look at the key
# among them; BEGIN and COMMIT are not. What is sent is the recipe's: every option, three numbers.
COST = {
    ("api-endpoints", "GET"): 2,
    ("api-endpoints", "POST"): 5,
    ("api-endpoint", "GET"): 2,
    ("api-endpoint", "PUT"): 6,
    ("api-endpoint", "PATCH"): 6,
    ("api-endpoint", "DELETE"): 9,
    ("api-connect", "POST"): 6,
    ("api-history", "GET"): 4,
    ("api-whitelist", "GET"): 3,
    ("api-whitelist", "POST"): 5,
    ("api-whitelist-entry", "GET"): 2,
    ("api-whitelist-entry", "PUT"): 4,
    ("api-whitelist-entry", "PATCH"): 4,
    ("api-whitelist-entry", "DELETE"): 3,
    ("api-calls", "GET"): 3,
    ("api-call", "GET"): 3,
    ("api-call-events", "GET"): 3,
    ("api-call-cancel", "POST"): 7,
    ("api-call-recording", "GET"): 3,
    ("api-bulks", "GET"): 3,
    ("api-bulks", "POST"): 9,
    ("api-bulk", "GET"): 3,
    ("api-bulk-pause", "POST"): 5,
    ("api-bulk-resume", "POST"): 5,
    ("api-bulk-reschedule", "POST"): 6,
    ("api-bulk-cancel", "POST"): 11,
    ("api-numbers", "GET"): 2,
    ("api-numbers", "POST"): 3,
    ("api-number", "GET"): 2,
    ("api-number", "PUT"): 4,
    ("api-number", "PATCH"): 4,
    ("api-number", "DELETE"): 6,
    ("api-webhooks", "GET"): 2,
    ("api-webhooks", "POST"): 4,
    ("api-webhook", "GET"): 2,
    ("api-webhook", "PUT"): 4,
    ("api-webhook", "PATCH"): 4,
    ("api-webhook", "DELETE"): 7,
    ("api-webhook-rotate", "POST"): 4,
    ("api-webhook-deliveries", "GET"): 3,
    ("api-deliveries", "GET"): 2,
    ("api-delivery", "GET"): 3,
    ("api-delivery-replay", "POST"): 4,
    ("api-refusals", "GET"): 2,
    ("api-statistics", "GET"): 5,
}
READS_NO_BODY = {
    "api-bulk-cancel",
    "api-bulk-pause",
    "api-bulk-resume",
    "api-call-cancel",
    "api-delivery-replay",
    "api-webhook-rotate",
}
WORK = {"SELECT", "INSERT", "UPDATE", "DELETE"}


@pytest.fixture
def house() -> House:
    return build_house("OURS", "0101")


@pytest.fixture
def server(house: House) -> Server:
    """A server whose key was used within this minute; its use is noted once a minute."""
    known = Server(house.account)
    known.get("numbers/")
    return known


def statements(ask: Callable[[], Any], *expected: int) -> list[str]:
    """The first word of each statement; the answer's status is one of those expected."""
    with CaptureQueriesContext(connection) as captured:
        answer = ask()
    assert answer.status_code in expected, answer.content
    words = [str(query["sql"]).split()[0] for query in captured]
    return [word for word in words if word in WORK]


def cases() -> list[tuple[str, str]]:
    return [
        (name, method) for name in private_routes() for method in sorted(routes()[name].methods)
    ]


@pytest.mark.parametrize(("name", "method"), cases())
def test_what_each_request_costs(server: Server, house: House, name: str, method: str) -> None:
    recipe = recipe_of(name)
    args = recipe.deletes if method == "DELETE" and recipe.deletes else recipe.args
    body = recipe.bodies[method](house) if method in recipe.bodies else {}
    expected = (404,) if name == "api-call-recording" else (200, 201, 202, 204)

    said = statements(lambda: server.send(method, address(name, args(house)), body), *expected)

    assert len(said) == COST[name, "GET" if method == "HEAD" else method], said


@pytest.mark.parametrize("patterns", [0, 1, 50])
def test_a_connect_is_the_key_the_endpoint_and_the_call(server: Server, patterns: int) -> None:
    endpoint = make_endpoint(
        server.account,
        whitelist=[rf"\+44{n:04}" for n in range(1, patterns)] + [r"\+44"][:patterns],
        caller_id_a=make_owned_number(server.account),
        caller_id_b=make_owned_number(server.account),
    )
    path, body = (
        f"endpoints/{endpoint.pk}/connect/",
        {"contact": VISITOR, "options": {"timeout": 9}},
    )

    said = statements(lambda: server.post(path, body, Idempotency_Key="order-7"), 202)

    assert said == ["SELECT", "SELECT", "INSERT"]
    again = statements(lambda: server.post(path, body, Idempotency_Key="order-7"), 202)
    assert again == ["SELECT", "SELECT", "INSERT", "SELECT"], "a repeat finds the first call"


def test_a_bulk_is_one_transaction_whose_looks_do_not_grow(server: Server, house: House) -> None:
    def ask(number: int) -> Any:
        calls = [{"contact": VISITOR}] * number
        return server.post("bulks/", {"endpoint": house.endpoint.pk, "calls": calls})

    one, many = statements(lambda: ask(1), 202), statements(lambda: ask(50), 202)

    assert one == ["SELECT", "SELECT", "INSERT", "INSERT"]
    assert many.count("SELECT") == one.count("SELECT")
    assert many.count("INSERT") <= 1 + 50


def more_of_everything(house: House, number: int) -> None:
    """Rows for every list, each with what is shown beside it."""
    for n in range(number):
        bulk = Bulk.objects.create(account=house.account, client_id=f"bulk-{n}")
        make_attempt(make_call(house.endpoint, state="placed", bulk=bulk))
        attempt = make_attempt(house.call)
        CallEvent.objects.create(
            call=house.call,
            attempt=attempt,
            source=Source.SELF,
            kind=EventKind.PLACED,
            occurred_at=attempt.created_at,
        )
        number_of_it = make_owned_number(house.account)
        make_endpoint(house.account, caller_id_a=number_of_it, bridge=number_of_it)
        house.endpoint.whitelist.create(pattern=rf"\+4420{n}")
        house.refusal.pk = None
        house.refusal.save(force_insert=True)


def readable() -> list[str]:
    """Those that are read, apart from the sound of a call, which has no rows."""
    named = [name for name in private_routes() if "GET" in routes()[name].methods]
    return [name for name in named if name != "api-call-recording"]


@pytest.mark.parametrize("name", readable())
def test_a_full_page_costs_what_one_row_does(server: Server, house: House, name: str) -> None:
    here = address(name, recipe_of(name).args(house))
    query = {"page_size": "50"} if routes()[name].actions["get"] == "list" else None

    few = statements(lambda: server.get(here, query), 200)
    more_of_everything(house, 55)
    many = statements(lambda: server.get(here, query), 200)

    assert many == few
    if query and (address_of_next := server.get(here, query).json()["next"]):
        assert len(statements(lambda: server.get(address_of_next), 200)) == len(few)


def test_the_use_of_a_key_is_noted_once_a_minute(house: House, time_machine: Any) -> None:
    time_machine.move_to("2026-11-20T12:00:00Z", tick=False)
    fresh = Server(house.account)
    said = [statements(lambda: fresh.get("numbers/"), 200) for _ in range(3)]
    assert said == [["SELECT", "UPDATE", "SELECT"], ["SELECT"] * 2, ["SELECT"] * 2]

    time_machine.move_to("2026-11-20T12:01:01Z", tick=False)
    assert statements(lambda: fresh.get("numbers/"), 200) == ["SELECT", "UPDATE", "SELECT"]


@pytest.mark.parametrize(("name", "method"), cases())
def test_whoever_is_refused_costs_one_look(house: House, name: str, method: str) -> None:
    """A wrong key, or a scope that does not suffice."""
    scopeless = Server(house.account, ["call"] if method in ("GET", "HEAD") else ["read"])
    scopeless.get("numbers/")
    here = address(name, recipe_of(name).args(house))
    wrong = {"Authorization": "Bearer " + "x" * 64}

    assert statements(lambda: scopeless.send(method, here, {}, headers=wrong), 401) == ["SELECT"]
    assert statements(lambda: scopeless.send(method, here, {}), 403) == ["SELECT"]
    nobody = {"Authorization": ""}
    assert statements(lambda: scopeless.send(method, here, {}, headers=nobody), 401) == []


def test_a_hostile_body_costs_no_write(server: Server, house: House) -> None:
    for name in private_routes():
        for method in sorted(routes()[name].methods & {"POST", "PUT", "PATCH"}):
            here = address(name, recipe_of(name).args(house))
            if name in READS_NO_BODY:
                continue
            for body in (b"[", b'{"x": 1}', b" " * 60_000):
                said = statements(lambda: server.send(method, here, body), 400)  # noqa: B023
                assert set(said) == {"SELECT"}, (name, method, said)
                assert len(said) <= 3, (name, method, said)
    assert Call.objects.count() == 2


def test_a_session_costs_little_more_than_a_key(house: House) -> None:
    """The session, the user, their permissions (two looks) and their accounts."""
    member = Staff((house.account, Role.MANAGER))

    said = statements(lambda: member.send("GET", address("api-numbers")), 200)

    assert said == ["SELECT"] * 6


def test_what_is_not_theirs_costs_no_write(server: Server, house: House) -> None:
    other = build_house("THEIRS", "0177")
    for name in private_routes():
        if not recipe_of(name).names_an_object:
            continue
        for method in sorted(routes()[name].methods):
            body = recipe_of(name).bodies.get(method, lambda house: {})(house)
            here = address(name, recipe_of(name).args(other))
            with CaptureQueriesContext(connection) as captured:
                answer = server.send(method, here, body)
            assert method == "HEAD" or problem(answer, 404, "not_found")
            words = {str(query["sql"]).split()[0] for query in captured}
            assert not words & (WORK - {"SELECT"}), (name, method, words)
