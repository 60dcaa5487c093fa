"""What only a real server and real sockets show: parallel processes, odd transfers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.db import InterfaceError, OperationalError, connection

from clicktocall.models import Bulk, Call, Endpoint, OwnedNumber, Refusal, WhitelistEntry
from tests.api.server import Server, problem
from tests.embed.faults import failing
from tests.embed.gunicorn import Server as Gunicorn
from tests.embed.gunicorn import serving
from tests.factories import VISITOR, make_account, make_call, make_endpoint, make_owned_number

PARALLEL = 50

LONDON = r"\+4420"


@pytest.fixture(scope="module")
def processes(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gunicorn]:
    """Real web server processes on the tests' database."""
    with serving(tmp_path_factory.mktemp("gunicorn")) as server:
        yield server


@pytest.fixture
def gunicorn(transactional_db: None, processes: Gunicorn) -> Gunicorn:
    """The web server; rows must be committed for it to see them."""
    return processes


class Remote:
    """A client of the API that reaches it over the network."""

    def __init__(self, gunicorn: Gunicorn, secret: str) -> None:
        self.root = f"{gunicorn.base_url}/clicktocall/api/v1/"
        self.secret = secret

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method,
            self.root + path,
            json=body,
            headers={"Authorization": f"Bearer {self.secret}", **named},
            timeout=60,
        )


@pytest.fixture
def account_server(transactional_db: None) -> Server:
    return Server()


@pytest.fixture
def remote(gunicorn: Gunicorn, account_server: Server) -> Remote:
    return Remote(gunicorn, account_server.secret)


def at_once(asks: list[Callable[[], requests.Response]]) -> list[requests.Response]:
    """All these requests at the same time, each on a connection of its own."""
    with ThreadPoolExecutor(len(asks)) as pool:
        return [answer.result() for answer in [pool.submit(ask) for ask in asks]]


def statuses(answers: list[requests.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_parallel_connects_with_one_key_are_one_call(
    remote: Remote, account_server: Server
) -> None:
    endpoint = make_endpoint(account_server.account)

    answers = at_once(
        [
            lambda: remote.send(
                "POST",
                f"endpoints/{endpoint.pk}/connect/",
                {"contact": VISITOR},
                Idempotency_Key="order-7",
            )
        ]
        * PARALLEL
    )

    assert statuses(answers) == [202] * PARALLEL, [answer.text for answer in answers[:3]]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Call.objects.count() == 1
    assert not Refusal.objects.exists()


def test_two_keys_of_one_account_share_what_they_have_asked_for(
    remote: Remote, account_server: Server, gunicorn: Gunicorn
) -> None:
    endpoint = make_endpoint(account_server.account)
    clients = (remote, Remote(gunicorn, Server(account_server.account).secret))

    def connect(client: Remote) -> Callable[[], requests.Response]:
        path, body = f"endpoints/{endpoint.pk}/connect/", {"contact": VISITOR}
        return lambda: client.send("POST", path, body, Idempotency_Key="order-7")

    answers = at_once([connect(clients[number % 2]) for number in range(PARALLEL)])

    assert statuses(answers) == [202] * PARALLEL
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Call.objects.count() == 1


def test_one_key_in_two_accounts_is_two_calls(remote: Remote, gunicorn: Gunicorn) -> None:
    accounts = [make_account() for _ in range(2)]
    clients = [(Remote(gunicorn, Server(one).secret), make_endpoint(one)) for one in accounts]

    def connect(client: Remote, endpoint: Endpoint) -> Callable[[], requests.Response]:
        path, body = f"endpoints/{endpoint.pk}/connect/", {"contact": VISITOR}
        return lambda: client.send("POST", path, body, Idempotency_Key="order-7")

    answers = at_once([connect(*clients[number % 2]) for number in range(20)])

    assert statuses(answers) == [202] * 20
    assert len({answer.json()["id"] for answer in answers}) == Call.objects.count() == 2


def test_of_different_bodies_with_one_key_one_wins(remote: Remote, account_server: Server) -> None:
    endpoint = make_endpoint(account_server.account)

    def connect(number: int) -> Callable[[], requests.Response]:
        path, body = f"endpoints/{endpoint.pk}/connect/", {"contact": f"+4420794601{number:02}"}
        return lambda: remote.send("POST", path, body, Idempotency_Key="order-7")

    answers = at_once([connect(number) for number in range(20)])

    assert statuses(answers) == [202] + [422] * 19
    assert Call.objects.count() == 1


def test_parallel_bulks_with_one_key_are_one_bulk(remote: Remote, account_server: Server) -> None:
    endpoint = make_endpoint(account_server.account)
    calls = [{"contact": f"+4420794601{number:02}"} for number in range(20)]
    body = {"bulk_id": "newsletter", "endpoint": endpoint.pk, "calls": calls}

    answers = at_once([lambda: remote.send("POST", "bulks/", body, Idempotency_Key="b-7")] * 20)

    assert statuses(answers) == [202] * 20, [answer.text[:300] for answer in answers[:3]]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (Bulk.objects.count(), Call.objects.count()) == (1, len(calls))


def test_of_parallel_changes_of_one_version_one_wins(
    remote: Remote, account_server: Server
) -> None:
    path = f"endpoints/{make_endpoint(account_server.account).pk}/"
    seen = remote.send("GET", path).headers["ETag"]

    def rename(number: int) -> Callable[[], requests.Response]:
        return lambda: remote.send("PATCH", path, {"name": f"Sales {number}"}, If_Match=seen)

    answers = at_once([rename(number) for number in range(20)])

    assert statuses(answers) == [200] + [412] * 19
    (won,) = (answer for answer in answers if answer.status_code == 200)
    assert Endpoint.objects.get().name == won.json()["name"]
    assert remote.send("GET", path).headers["ETag"] == won.headers["ETag"]


def test_the_same_number_at_once_is_kept_once(remote: Remote) -> None:
    answers = at_once([lambda: remote.send("POST", "numbers/", {"number": VISITOR})] * 20)

    assert statuses(answers) == [201] + [400] * 19, {answer.text for answer in answers}
    assert OwnedNumber.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_somebody_else_may_be_quicker_with_a_number(account_server: Server) -> None:
    """The number comes in between the look for it and its INSERT."""
    account_server.get("numbers/")
    theirs: list[str] = []

    def be_quicker(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and not theirs:
            theirs.append(VISITOR)
            make_owned_number(account_server.account, number=VISITOR)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(be_quicker):
        answer = account_server.post("numbers/", {"number": VISITOR})

    assert theirs
    assert set(problem(answer, 400, "invalid_request")["fields"]) == {"number"}


def test_somebody_else_may_be_quicker_with_a_pattern(account_server: Server) -> None:
    """The pattern comes in between the look for it and its INSERT."""
    endpoint = make_endpoint(account_server.account)
    theirs: list[str] = []

    def be_quicker(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and not theirs:
            theirs.append(LONDON)
            endpoint.whitelist.create(pattern=LONDON)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(be_quicker):
        answer = account_server.post(f"endpoints/{endpoint.pk}/whitelist/", {"pattern": LONDON})

    assert theirs
    assert set(problem(answer, 400, "invalid_request")["fields"]) == {"pattern"}


def test_parallel_cancels_and_reads_all_succeed(remote: Remote, account_server: Server) -> None:
    call = make_call(make_endpoint(account_server.account))
    path = f"calls/{call.pk}/"

    answers = at_once(
        [lambda: remote.send("POST", f"{path}cancel/"), lambda: remote.send("GET", path)] * 15
    )

    assert statuses(answers) == [200] * 15 + [202] * 15
    assert remote.send("GET", path).json()["outcome"] == "canceled"


# --- A database that does not answer -----------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "raised", [OperationalError("database is locked"), InterfaceError("connection closed")]
)
def test_what_the_locked_database_cannot_keep_is_not_accepted(
    account_server: Server, raised: Exception
) -> None:
    endpoint = make_endpoint(account_server.account)
    call = make_call(endpoint)
    account_server.get("calls/")  # the key's use is noted, once a minute
    good = {"name": "Sales", "extension": VISITOR, "provider": "sandbox"}
    writes: list[tuple[str, str, str, Any]] = [
        ("INSERT", "POST", f"endpoints/{endpoint.pk}/connect/", {"contact": VISITOR}),
        ("INSERT", "POST", "endpoints/", good),
        ("UPDATE", "PATCH", f"endpoints/{endpoint.pk}/", {"name": "Other"}),
        ("INSERT", "POST", f"endpoints/{endpoint.pk}/whitelist/", {"pattern": r"\+44"}),
        ("INSERT", "POST", "numbers/", {"number": VISITOR}),
        ("UPDATE", "POST", f"calls/{call.pk}/cancel/", {}),
        (
            "INSERT",
            "POST",
            "bulks/",
            {"endpoint": endpoint.pk, "calls": [{"contact": VISITOR}] * 3},
        ),
    ]
    for statement, method, path, body in writes:
        with failing(statement, raised):
            answer = account_server.send(
                method, path, body, headers={"Idempotency-Key": f"k-{path[:100]}"}
            )
        problem(answer, 503, "unavailable")
        assert int(answer["Retry-After"]) >= 1

    assert Endpoint.objects.get().name == endpoint.name
    assert (Call.objects.count(), Bulk.objects.count()) == (1, 0)
    assert not Refusal.objects.exists()
    assert not OwnedNumber.objects.exists()
    assert not WhitelistEntry.objects.exists()
    for _, method, path, body in writes:
        again = account_server.send(
            method, path, body, headers={"Idempotency-Key": f"k-{path[:100]}"}
        )
        assert again.status_code in (200, 201, 202), (path, again.content)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["calls/", "endpoints/", "numbers/", "refusals/", "statistics/"])
def test_a_database_that_cannot_be_read_is_told(account_server: Server, path: str) -> None:
    with failing("SELECT", OperationalError("server closed the connection")):
        answer = account_server.get(path)

    problem(answer, 503, "unavailable")
    assert int(answer["Retry-After"]) >= 1


# --- Odd transfers -------------------------------------------------------------------------------


class Raw:
    """Bytes for one endpoint: a request that would place a call, taken apart."""

    def __init__(self, gunicorn: Gunicorn, account_server: Server) -> None:
        self.gunicorn = gunicorn
        self.secret = account_server.secret
        self.endpoint = make_endpoint(account_server.account)
        self.body = json.dumps({"contact": VISITOR, "client_reference": "x" * 100}).encode()

    def head(self, *lines: str, method: str = "POST", key: str | None = None) -> bytes:
        authorization = () if key == "" else (f"Authorization: Bearer {key or self.secret}",)
        return "\r\n".join(
            (
                f"{method} /clicktocall/api/v1/endpoints/{self.endpoint.pk}/connect/ HTTP/1.1",
                "Host: localhost",
                *authorization,
                "Content-Type: application/json",
                "Connection: close",
                *lines,
                "",
                "",
            )
        ).encode("latin-1")

    def chunked(self, size: int = 40) -> bytes:
        pieces = [self.body[at : at + size] for at in range(0, len(self.body), size)]
        return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.fixture
def raw(gunicorn: Gunicorn, account_server: Server) -> Raw:
    return Raw(gunicorn, account_server)


def refusal_of(answer: bytes, gunicorn: Gunicorn) -> int:
    """The status of a clean refusal, 0 for silence; no call was placed."""
    assert not Call.objects.exists(), "a call was placed"
    assert "Traceback" not in gunicorn.log.read_text()
    if not answer:
        return 0
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"application/json" in head:  # said by us, not by gunicorn before us
        assert set(json.loads(body)) == {"error"}, body
    return int(answer.split(b" ", 2)[1])


def test_the_raw_request_places_a_call(raw: Raw) -> None:
    """Otherwise none of the others would prove anything."""
    answer = raw.gunicorn.send(raw.head(f"Content-Length: {len(raw.body)}"), raw.body)

    assert b" 202 " in answer
    assert Call.objects.count() == 1


def test_odd_transfers_place_no_call(raw: Raw) -> None:
    length, body = len(raw.body), raw.body
    whole = f"Content-Length: {length}"
    vectors: dict[str, tuple[tuple[int, ...], tuple[bytes, ...]]] = {
        "chunked": ((411,), (raw.head("Transfer-Encoding: chunked"), raw.chunked())),
        "chunked, an odd chunk": (
            (0, 400, 411),
            (raw.head("Transfer-Encoding: chunked"), b"zz\r\nabc\r\n"),
        ),
        "chunked, cut off": (
            (0, 400, 411),
            (raw.head("Transfer-Encoding: chunked"), raw.chunked()[:-30]),
        ),
        "chunked and a length": (
            (400, 411),
            (raw.head("Transfer-Encoding: chunked", whole), raw.chunked()),
        ),
        "another coding": ((400, 411, 501), (raw.head("Transfer-Encoding: gzip"), body)),
        "two lengths": ((400,), (raw.head(whole, f"Content-Length: {length - 5}"), body)),
        "a length in words": ((400,), (raw.head("Content-Length: many"), body)),
        "a negative length": ((400,), (raw.head("Content-Length: -1"), body)),
        "a length with a sign": ((400,), (raw.head(f"Content-Length: +{length}"), body)),
        "no length": ((400,), (raw.head(), body)),
        "too short a length": ((400,), (raw.head(f"Content-Length: {length - 1}"), body)),
        "too long a length": ((400,), (raw.head(f"Content-Length: {length + 9}"), body)),
        "half a body": ((400,), (raw.head(whole), body[: length // 2])),
        "no body": ((400,), (raw.head(whole),)),
        "a megabyte announced": ((413,), (raw.head("Content-Length: 1000000"), body)),
        "a NUL in a header": ((400,), (raw.head(whole, "X: a\x00b"), body)),
        "a NUL in the key": ((400, 401), (raw.head(whole, key=f"{raw.secret}\x00"), body)),
        "a key beyond ASCII": ((401,), (raw.head(whole, key="clé"), body)),
        "a key that is too long": ((400, 401, 431), (raw.head(whole, key="x" * 9000), body)),
        "no key": ((401,), (raw.head(whole, key=""), body)),
        "two keys": ((401,), (raw.head(whole, f"Authorization: Bearer {raw.secret}"), body)),
        "a wrong key, then the right one": (
            (401,),
            (raw.head(whole, f"Authorization: Bearer {raw.secret}", key="x" * 64), body),
        ),
        "an unknown method": ((405,), (raw.head(whole, method="CALL"), body)),
        "GET with a body": ((405,), (raw.head(whole, method="GET"), body)),
    }
    for name, (expected, pieces) in vectors.items():
        status = refusal_of(raw.gunicorn.send(*pieces), raw.gunicorn)
        assert status in expected, f"{name}: {status}"


def test_a_client_that_vanishes_half_way_places_no_call(raw: Raw) -> None:
    length = len(raw.body)
    for sent in (0, 1, length // 2, length - 1):
        raw.gunicorn.send_and_vanish(raw.head(f"Content-Length: {length}"), raw.body[:sent])

    alive = raw.gunicorn.send(raw.head("Content-Length: 2"), b"{}")
    assert refusal_of(alive, raw.gunicorn) == 400, "the server did not survive"
