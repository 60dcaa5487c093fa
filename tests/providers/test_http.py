"""The HTTP client of all providers, against real servers that behave."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from clicktocall import __version__
from clicktocall.exceptions import (
    ConfigurationError,
    NotAuthorized,
    OutcomeUnknown,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from clicktocall.providers.http import Answer, HttpClient, failure, transport
from tests.providers.loopback import MisbehavingServer, Peer


def echo(peer: Peer) -> None:
    """Answer every request with its own body, on one connection."""
    while request := peer.read_request():
        peer.answer(request.partition(b"\r\n\r\n")[2] or b"{}")


def test_request_carries_everything() -> None:
    with MisbehavingServer(echo) as server:
        client = HttpClient(f"{server.url}/v1/", headers={"Authorization": "Bearer key"})
        answer = client.post("calls", json={"to": "+44 é"}, query={"page": "a b"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/calls?page=a+b HTTP/1.1\r\n")
    assert f"User-Agent: django-clicktocall/{__version__}".encode() in head
    assert b"Authorization: Bearer key" in head
    assert b"Content-Type: application/json" in head
    assert json.loads(body) == {"to": "+44 é"}
    assert answer.ok
    assert answer.document() == {"to": "+44 é"}
    assert answer.headers["content-length"] == str(len(body))


def test_form_body() -> None:
    with MisbehavingServer(echo) as server:
        HttpClient(server.url).post("send", form={"from": "+44", "text": "a&b"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"Content-Type: application/x-www-form-urlencoded" in head
    assert body == b"from=%2B44&text=a%26b"


def test_other_methods() -> None:
    with MisbehavingServer(echo) as server:
        client = HttpClient(server.url)
        assert client.get("calls/1").ok
        assert client.request("DELETE", "calls/1").ok
    assert [request.split()[0] for request in server.requests] == [b"GET", b"DELETE"]


def test_connection_is_kept() -> None:
    with MisbehavingServer(echo) as server:
        client = HttpClient(server.url)
        for _ in range(20):
            client.post("calls", json={})
        assert server.connections == 1


def test_many_threads_get_their_own_answers() -> None:
    with MisbehavingServer(echo) as server:
        client = HttpClient(server.url)
        start = threading.Barrier(32)

        def ask(number: int) -> list[dict[str, Any]]:
            start.wait()
            return [client.post("calls", json={"n": [number, i]}).document() for i in range(10)]

        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(ask, range(32)))
        assert answers == [[{"n": [number, i]} for i in range(10)] for number in range(32)]
        assert len(server.requests) == 320
        assert server.connections <= 40


def test_idle_connection_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "IDLE_LIMIT", 0.05)
    with MisbehavingServer(echo) as server:
        client = HttpClient(server.url)
        client.post("calls", json={})
        time.sleep(0.1)
        client.post("calls", json={})
        assert server.connections == 2


def test_connection_closed_by_the_server_meanwhile_is_replaced() -> None:
    def answer_once(peer: Peer) -> None:
        peer.read_request()
        peer.answer()

    with MisbehavingServer(answer_once) as server:
        client = HttpClient(server.url)
        for _ in range(5):
            assert client.post("calls", json={}).ok
            time.sleep(0.02)
        assert len(server.requests) == 5


def test_environment_is_not_consulted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login stranger password stranger\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with MisbehavingServer(echo) as server:
        client = HttpClient(server.url, headers={"Authorization": "Bearer ours"})
        assert client.post("calls", json={}).ok
    assert b"Authorization: Bearer ours" in server.requests[0]


def test_cookies_are_not_kept() -> None:
    def set_cookie(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(headers="Set-Cookie: session=1; Path=/\r\n")

    with MisbehavingServer(set_cookie) as server:
        client = HttpClient(server.url)
        client.get("a")
        client.get("b")
    assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://10.0.0.1:8000",
        "http://127.0.0.1.example.com",
        "http://2130706433",
        "http://[::2]",
        "ftp://127.0.0.1",
        "https://user:password-CANARY@api.example.com",
        "https://api.example.com?key=CANARY",
        "https://api.example.com#x",
        "https://",
        "https://[::1",
        "https://api.example.com:99999",
        "api.example.com",
        "",
    ],
)
def test_address_that_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HttpClient(url)
    assert '"BASE_URL"' in str(caught.value)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "https://api.example.com:8443/v1/",
        "http://localhost:8001",
        "http://127.0.0.1:8001",
        "http://127.8.9.10",
        "http://[::1]:8001",
    ],
)
def test_address_that_is_accepted(url: str) -> None:
    assert HttpClient(url).host


@pytest.mark.parametrize("timeout", [(0, 10), (5, 0), (5,), 5, ("a", 1), None, (5, 60), (1, -1)])
def test_timeout_that_is_refused(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match='"TIMEOUT"'):
        HttpClient.from_options({"BASE_URL": "https://api.example.com", "TIMEOUT": timeout})


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[1]", b"null", b'"text"', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "words", "list", "null", "text", "not-utf-8", "deep"],
)
def test_answer_without_a_document(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        Answer(200, {}, body, "200 words").document()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, OutcomeUnknown),
        (303, OutcomeUnknown),
        (307, ProviderRefused),
        (308, ProviderRefused),
        (400, ProviderRefused),
        (401, NotAuthorized),
        (403, ProviderRefused),
        (404, ProviderRefused),
        (408, OutcomeUnknown),
        (422, ProviderRefused),
        (429, ProviderThrottled),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (504, OutcomeUnknown),
    ],
)
def test_meaning_of_a_status(status: int, kind: type[Exception]) -> None:
    error = failure(Answer(status, {}, b"", f"{status} words"))
    assert type(error) is kind
    assert error.detail == f"{status} words"


def test_provider_may_promise_that_a_status_is_harmless() -> None:
    error = failure(Answer(503, {}, b""), words="down", surely_not_placed={503})
    assert type(error) is ProviderUnavailable
    assert error.detail == "503 down"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("999999999", 3600.0),
        ("-5", 1.0),
        ("soon", 1.0),
        ("", 1.0),
        ("1e3", 1.0),
        ("²", 1.0),
    ],
)
def test_retry_after_in_seconds(header: str, seconds: float) -> None:
    error = failure(Answer(429, {"retry-after": header}, b"", "429"))
    assert isinstance(error, ProviderThrottled)
    assert error.retry_after == seconds


def test_retry_after_as_a_date() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < Answer(429, {"retry-after": moment}, b"").retry_after() <= 30
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert Answer(429, {"retry-after": past}, b"").retry_after() == 0.0
