"""What only a real server and real sockets show: parallel processes, odd transfers."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from clicktocall.models import Call, Endpoint, Refusal
from tests.embed.gunicorn import Server
from tests.factories import ORIGIN, VISITOR, make_endpoint

PARALLEL = 100


def api(server: Server, endpoint: Endpoint) -> str:
    return f"{server.base_url}/clicktocall/embed/{endpoint.id}"


def fetch_token(base: str) -> str:
    answer = requests.post(f"{base}/token/", json={}, headers={"Origin": ORIGIN}, timeout=20)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["token"]
    return token


def click_at_once(base: str, bodies: list[dict[str, Any]]) -> list[requests.Response]:
    """All these requests at the same time, each on a connection of its own."""

    def click(body: dict[str, Any]) -> requests.Response:
        return requests.post(f"{base}/calls/", json=body, headers={"Origin": ORIGIN}, timeout=60)

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(click, bodies))


def test_100_parallel_clicks_with_one_key_are_one_call(gunicorn: Server) -> None:
    base = api(gunicorn, make_endpoint())
    body = {"contact": VISITOR, "token": fetch_token(base), "idempotency_key": str(uuid.uuid4())}

    answers = click_at_once(base, [body] * PARALLEL)

    assert {answer.status_code for answer in answers} == {202}, [a.text for a in answers[:3]]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Call.objects.count() == 1
    assert not Refusal.objects.exists()


def test_100_parallel_clicks_with_one_key_and_a_token_each_are_one_call(gunicorn: Server) -> None:
    base = api(gunicorn, make_endpoint())
    key = str(uuid.uuid4())
    bodies = [
        {"contact": VISITOR, "token": fetch_token(base), "idempotency_key": key}
        for _ in range(PARALLEL)
    ]

    answers = click_at_once(base, bodies)

    assert {answer.status_code for answer in answers} == {202}
    assert Call.objects.count() == 1


def test_100_parallel_clicks_with_one_token_are_one_call(gunicorn: Server) -> None:
    base = api(gunicorn, make_endpoint())
    token = fetch_token(base)
    bodies = [
        {"contact": VISITOR, "token": token, "idempotency_key": str(uuid.uuid4())}
        for _ in range(PARALLEL)
    ]

    answers = click_at_once(base, bodies)

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [202] + [403] * (PARALLEL - 1)
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 403} == {
        "token_invalid"
    }
    assert Call.objects.count() == 1
    assert Refusal.objects.filter(rule="token_used").count() == PARALLEL - 1


def test_of_two_bodies_with_one_key_one_wins(gunicorn: Server) -> None:
    base = api(gunicorn, make_endpoint())
    key = str(uuid.uuid4())
    bodies = [
        {
            "contact": f"+4420794601{n % 2:02}",
            "token": fetch_token(base),
            "idempotency_key": key,
        }
        for n in range(40)
    ]

    answers = click_at_once(base, bodies)

    assert sorted({answer.status_code for answer in answers}) == [202, 422]
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert Call.objects.count() == 1


def test_parallel_refusals_are_counted_exactly(gunicorn: Server) -> None:
    base = api(gunicorn, make_endpoint())
    token = fetch_token(base)
    bodies = [{"contact": "12", "token": token, "idempotency_key": f"k{n}"} for n in range(60)]

    answers = click_at_once(base, bodies)

    assert {answer.status_code for answer in answers} == {400}, {a.text for a in answers}
    assert Refusal.objects.count() == 60


# Odd transfers


class Raw:
    """Bytes for one endpoint: a request that would place a call, taken apart."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.endpoint = make_endpoint()
        base = api(server, self.endpoint)
        wish = {"contact": VISITOR, "token": fetch_token(base), "idempotency_key": "a-raw-key"}
        self.body = json.dumps(wish).encode()

    def head(self, *lines: str, method: str = "POST", version: str = "1.1") -> bytes:
        return "\r\n".join(
            (
                f"{method} /clicktocall/embed/{self.endpoint.id}/calls/ HTTP/{version}",
                "Host: localhost",
                f"Origin: {ORIGIN}",
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
def raw(gunicorn: Server) -> Raw:
    return Raw(gunicorn)


def assert_no_call(answer: bytes, statuses: tuple[int, ...], server: Server) -> None:
    if answer:
        status = int(answer.split(b" ", 2)[1])
        assert status in statuses, answer
        head, _, body = answer.partition(b"\r\n\r\n")
        if b"application/json" in head:  # said by us, not by gunicorn before us
            assert set(json.loads(body)) == {"error"}, body
    else:
        assert 0 in statuses, "the server said nothing"
    assert not Call.objects.exists(), "a call was placed"
    assert "Traceback" not in server.log.read_text()


def test_the_raw_request_places_a_call(raw: Raw) -> None:
    """Otherwise none of the others would prove anything."""
    answer = raw.server.send(raw.head(f"Content-Length: {len(raw.body)}"), raw.body)

    assert b" 202 " in answer
    assert Call.objects.count() == 1


def test_a_chunked_body_is_411(raw: Raw) -> None:
    answer = raw.server.send(raw.head("Transfer-Encoding: chunked"), raw.chunked())

    assert b" 411 " in answer.split(b"\r\n")[0]
    assert_no_call(answer, (411,), raw.server)


def test_odd_transfers_place_no_call(raw: Raw) -> None:
    length, body = len(raw.body), raw.body
    vectors: dict[str, tuple[bytes, ...]] = {
        "chunked, an odd chunk": (raw.head("Transfer-Encoding: chunked"), b"zz\r\nabc\r\n"),
        "chunked, cut off": (raw.head("Transfer-Encoding: chunked"), raw.chunked()[:-30]),
        "chunked and a length": (
            raw.head("Transfer-Encoding: chunked", f"Content-Length: {length}"),
            raw.chunked(),
        ),
        "another transfer coding": (raw.head("Transfer-Encoding: gzip"), body),
        "two lengths": (
            raw.head(f"Content-Length: {length}", f"Content-Length: {length - 5}"),
            body,
        ),
        "a length in words": (raw.head("Content-Length: many"), body),
        "a negative length": (raw.head("Content-Length: -1"), body),
        "a hexadecimal length": (raw.head(f"Content-Length: {length:#x}"), body),
        "a length with a sign": (raw.head(f"Content-Length: +{length}"), body),
        "no length": (raw.head(), body),
        "length zero": (raw.head("Content-Length: 0"), body),
        "a length too short": (raw.head(f"Content-Length: {length - 1}"), body),
        "a length too long": (raw.head(f"Content-Length: {length + 1}"), body),
        "a length far too long": (raw.head(f"Content-Length: {length + 5000}"), body),
        "half a body": (raw.head(f"Content-Length: {length}"), body[: length // 2]),
        "no body at all": (raw.head(f"Content-Length: {length}"),),
        "a megabyte announced": (raw.head("Content-Length: 1000000"), body),
        "a NUL in a header": (raw.head(f"Content-Length: {length}", "X: a\x00b"), body),
        "a header over two lines": (raw.head(f"Content-Length: {length}", "X: a", " b"), body),
        "a header without a name": (raw.head(f"Content-Length: {length}", ": x"), body),
        "two origins": (
            raw.head(f"Content-Length: {length}", "Origin: https://evil.example"),
            body,
        ),
        "a forged host": (
            raw.head(f"Content-Length: {length}").replace(b"localhost", b"evil.example"),
            body,
        ),
        "an unknown method": (raw.head(f"Content-Length: {length}", method="CALL"), body),
        "a method in small letters": (raw.head(f"Content-Length: {length}", method="post"), body),
        "GET with a body": (raw.head(f"Content-Length: {length}", method="GET"), body),
        "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",),
        "nothing": (b"",),
    }
    refused = (0, 400, 403, 405, 411, 413, 501)
    for name, pieces in vectors.items():
        answer = raw.server.send(*pieces)
        try:
            assert_no_call(answer, refused, raw.server)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


def test_a_visitor_who_vanishes_half_way_places_no_call(raw: Raw) -> None:
    length = len(raw.body)
    for sent in (0, 1, length // 2, length - 1):
        raw.server.send_and_vanish(raw.head(f"Content-Length: {length}"), raw.body[:sent])

    alive = raw.server.send(raw.head("Content-Length: 2"), b"{}")
    assert b" 400 " in alive, "the server did not survive"
    assert not Call.objects.exists()


def test_a_body_in_small_pieces_arrives_whole(raw: Raw) -> None:
    pieces = [raw.body[at : at + 7] for at in range(0, len(raw.body), 7)]

    answer = raw.server.send(raw.head(f"Content-Length: {len(raw.body)}"), *pieces)

    assert b" 202 " in answer, answer
