"""Requests over real sockets: what they look like, and how each fault of the other side ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from clicktocall.exceptions import ConfigurationError
from clicktocall.outbound import (
    AddressRefused,
    AnswerTooLarge,
    Limits,
    NoAnswer,
    OutboundClient,
    OutboundError,
    Unreachable,
)
from tests.outbound.conftest import AllowPrivately
from tests.providers import test_http_faults as faults
from tests.providers.loopback import Behaviour, MisbehavingServer, Peer

LIMITS = Limits(connect=0.5, silence=0.5, total=1.0, largest=1000)
SLACK = 1.5  # seconds; the machine may be busy


@pytest.fixture(autouse=True)
def loopback_allowed(allow_privately: AllowPrivately) -> None:
    allow_privately("127.0.0.1")


@pytest.fixture
def client() -> OutboundClient:
    return OutboundClient(LIMITS)


def answer(peer: Peer) -> None:
    peer.read_request()
    peer.answer(b"hello", headers="X-Word: a\r\nContent-Type: text/plain\r\n")


def fault_of(client: OutboundClient, url: str, body: bytes = b"secret") -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        client.post(url, body, headers={"Authorization": "Bearer secret"})
    assert "secret" not in str(caught.value)
    return caught.value


# --- What is sent, and what comes back ------------------------------------------------------


def test_get(client: OutboundClient) -> None:
    with MisbehavingServer(answer) as server:
        answered = client.get(f"{server.url}/a?b=c", headers={"Accept": "audio/*"})
        assert (answered.status, answered.ok, answered.body) == (200, True, b"hello")
        assert answered.headers["x-word"] == "a"
        line, *headers = server.requests[0].decode().split("\r\n")
    assert line == "GET /a?b=c HTTP/1.1"
    sent = dict(header.split(": ", 1) for header in headers if header)
    agent = sent.pop("User-Agent")
    assert agent.startswith("django-clicktocall/")
    assert sent == {
        "Host": f"127.0.0.1:{server.port}",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Accept": "audio/*",
    }


def test_post(client: OutboundClient) -> None:
    with MisbehavingServer(answer) as server:
        client.post(server.url, b"{}", headers={"Content-Type": "application/json"})
        client.post(server.url, b"")
        first, second = server.requests
    assert first.startswith(b"POST / HTTP/1.1\r\n")
    assert first.endswith(b"\r\n\r\n{}")
    assert b"\r\nContent-Length: 2\r\n" in first
    assert b"\r\nContent-Length: 0\r\n" in second


def test_own_user_agent(client: OutboundClient) -> None:
    with MisbehavingServer(answer) as server:
        client.get(server.url, headers={"user-agent": "mine"})
    assert server.requests[0].lower().count(b"user-agent: ") == 1


def test_head_tells_the_length_and_has_no_body(client: OutboundClient) -> None:
    def head(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        time.sleep(3)

    with MisbehavingServer(head) as server:
        started = time.monotonic()
        with client.stream("HEAD", server.url) as arriving:
            assert (arriving.length, arriving.read()) == (10_000_000, b"")
        assert client.head(server.url).body == b""
        assert time.monotonic() - started < 1


@pytest.mark.parametrize("status", [201, 204, 404, 500, 503])
def test_every_status_is_an_answer(client: OutboundClient, status: int) -> None:
    def other(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"", status=f"{status} Some")

    with MisbehavingServer(other) as server:
        answered = client.post(server.url, b"")
    assert (answered.status, answered.ok) == (status, status < 300)


def test_a_body_in_chunks_and_one_that_ends_with_the_connection(client: OutboundClient) -> None:
    def either(peer: Peer) -> None:
        if b"/chunks" in peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n")
            peer.send(b"3\r\nllo\r\n0\r\n\r\n")
        else:
            peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")

    with MisbehavingServer(either) as server:
        for path in ("/chunks", "/close"):
            with client.stream("GET", server.url + path) as arriving:
                assert arriving.length is None
                assert arriving.read() == b"hello"


def test_what_is_packed_stays_packed(client: OutboundClient) -> None:
    with MisbehavingServer(faults.bad_gzip) as server:
        assert client.get(server.url).body == b"no gzip at all"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Name": "a\r\nX-Evil: 1"},
        {"X-Name": "名"},
        {"Host": "other.example"},
        {"content-length": "7"},
        {"Transfer-Encoding": "chunked"},
    ],
)
def test_a_request_that_cannot_be_written_is_not_begun(
    client: OutboundClient, headers: dict[str, str]
) -> None:
    with MisbehavingServer(answer) as server:
        with pytest.raises(ValueError, match=r"(?i)header|codec"):
            client.post(server.url, b"", headers=headers)
        time.sleep(0.05)
        assert server.connections == 0


# --- What is never done ---------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary"])
def test_no_redirect_is_followed(client: OutboundClient, status: str) -> None:
    with MisbehavingServer(answer) as target:

        def redirect(peer: Peer) -> None:
            peer.read_request()
            peer.answer(status=status, headers=f"Location: {target.url}/stolen\r\n")

        with MisbehavingServer(redirect) as server:
            assert client.get(server.url).status == int(status[:3])
            assert server.connections == 1
        assert target.connections == 0


def test_no_proxy_and_no_password_of_the_environment(
    client: OutboundClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with MisbehavingServer(answer) as proxy, MisbehavingServer(answer) as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert client.get(server.url).body == b"hello"
        assert (proxy.connections, server.connections) == (0, 1)
    assert b"uthorization" not in server.requests[0]


def test_no_cookie_is_kept(client: OutboundClient) -> None:
    def biscuit(peer: Peer) -> None:
        peer.read_request()
        peer.answer(headers="Set-Cookie: a=b; Path=/\r\n")

    with MisbehavingServer(biscuit) as server:
        client.get(server.url)
        client.get(server.url)
        assert len(server.requests) == server.connections == 2
        assert b"ookie" not in b"".join(server.requests)


# --- Faults: what surely was not sent, what may have arrived --------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [
        faults.hang,
        faults.close_without_answer,
        faults.reset_before_answer,
        faults.reset_without_reading,
        faults.reset_in_the_answer,
        faults.half_body,
        faults.half_chunks,
        faults.bad_chunks,
        faults.no_http,
        faults.endless_header,
        faults.many_headers,
        faults.dripping_head,
        faults.dripping_body,
        faults.endless_continue,
    ],
)
def test_after_sending_it_may_have_arrived(client: OutboundClient, behaviour: Behaviour) -> None:
    with MisbehavingServer(behaviour) as server:
        started = time.monotonic()
        fault = fault_of(client, server.url)
        assert time.monotonic() - started < LIMITS.total + SLACK
        time.sleep(0.05)  # a hidden second try would be seen by now
        assert type(fault) is NoAnswer
        assert server.connections == 1
        assert f"127.0.0.1:{server.port} " in str(fault)


def test_a_refused_connection_is_certain(client: OutboundClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    fault = fault_of(client, f"http://127.0.0.1:{port}/secret")
    assert type(fault) is Unreachable
    assert str(fault) == f"127.0.0.1:{port} cannot be reached: it refuses connections."


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full, so that further connections wait."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for filler in waiting:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        time.sleep(0.05)
        yield full.getsockname()[1]
        for filler in waiting:
            filler.close()


def test_a_connection_that_is_not_accepted_is_certain(
    client: OutboundClient, full_port: int
) -> None:
    started = time.monotonic()
    fault = fault_of(client, f"http://127.0.0.1:{full_port}")
    assert time.monotonic() - started < LIMITS.connect + SLACK
    assert type(fault) is Unreachable
    assert "does not accept a connection in time" in str(fault)


def test_a_server_that_does_not_read_is_given_up(client: OutboundClient) -> None:
    def sip(peer: Peer) -> None:
        # Little by little: each time some more of the request fits into the pipe.
        for _ in range(60):
            for _ in range(16):
                peer.connection.recv(64 * 1024)
            time.sleep(0.1)

    with MisbehavingServer(sip) as server:
        started = time.monotonic()
        fault = fault_of(client, server.url, b"secret" * 20_000_000)
        assert time.monotonic() - started < LIMITS.total + SLACK
        assert type(fault) is NoAnswer


def deaf(_peer: Peer) -> None:
    time.sleep(5)


@pytest.mark.parametrize(("behaviour", "size"), [(faults.hang, 1), (deaf, 20_000_000)])
def test_no_silence_is_longer_than_the_whole(behaviour: Behaviour, size: int) -> None:
    client = OutboundClient(Limits(connect=30, silence=30, total=0.5))
    with MisbehavingServer(behaviour) as server:
        started = time.monotonic()
        assert type(fault_of(client, server.url, b"x" * size)) is NoAnswer
        assert time.monotonic() - started < 0.5 + SLACK


# --- How much is read -----------------------------------------------------------------------


def test_the_largest_answer(client: OutboundClient) -> None:
    def exact(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"x" * LIMITS.largest)

    with MisbehavingServer(exact) as server:
        assert len(client.get(server.url).body) == LIMITS.largest


def test_of_an_answer_that_says_it_is_too_large_nothing_is_read(client: OutboundClient) -> None:
    def boast(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 202 OK\r\nContent-Length: 1001\r\n\r\n")
        time.sleep(3)

    with MisbehavingServer(boast) as server:
        started = time.monotonic()
        fault = fault_of(client, server.url)
        assert time.monotonic() - started < 0.4
    assert isinstance(fault, AnswerTooLarge)
    assert fault.status == 202
    assert str(fault) == f"127.0.0.1:{server.port} answered 202 with more than 1000 bytes."


def test_of_an_endless_answer_little_is_read(client: OutboundClient) -> None:
    sent = 0
    over = threading.Event()

    def endless(peer: Peer) -> None:
        nonlocal sent
        peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                sent += peer.connection.send(b"x" * 4096)
        finally:
            over.set()

    with MisbehavingServer(endless) as server:
        assert type(fault_of(client, server.url)) is AnswerTooLarge
        assert over.wait(5), "the connection is still open"
    assert sent < 8_000_000  # what the two pipes hold


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (b"Content-Length: -5", None),
        (b"Content-Length: 99999999999999999999", AnswerTooLarge),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked", NoAnswer),
    ],
)
def test_a_length_that_lies(
    client: OutboundClient, head: bytes, fault: type[OutboundError] | None
) -> None:
    def lie(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\nhello")

    with MisbehavingServer(lie) as server:
        if fault is None:
            assert client.get(server.url).body == b"hello"
        else:
            assert type(fault_of(client, server.url)) is fault


# --- Many at once ---------------------------------------------------------------------------


def test_many_at_once(client: OutboundClient) -> None:
    def echo(peer: Peer) -> None:
        request = peer.read_request()
        time.sleep(0.05)
        peer.answer(request.split()[1])

    with MisbehavingServer(echo) as server, ThreadPoolExecutor(16) as pool:
        paths = [f"/{number}" for number in range(100)]
        bodies = pool.map(lambda path: client.get(server.url + path).body.decode(), paths)
        assert list(bodies) == paths
        assert server.connections == 100


def test_nothing_stays_open(client: OutboundClient) -> None:
    gone = threading.Semaphore(0)

    def watch(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"hello")
        if peer.connection.recv(1) == b"":
            gone.release()

    with MisbehavingServer(watch) as server:
        client.get(server.url)
        with client.stream("GET", server.url):
            pass  # nothing read of the body
        with pytest.raises(ZeroDivisionError), client.stream("GET", server.url):
            raise ZeroDivisionError
        for _ in range(3):
            assert gone.acquire(timeout=5), "a connection is still open"


# --- Refused before anything ----------------------------------------------------------------


def test_a_private_address_is_not_connected_to(
    client: OutboundClient, allow_privately: AllowPrivately
) -> None:
    with MisbehavingServer(answer) as server:
        allow_privately(f"127.0.0.1:{server.port + 1}", "localhost")
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 is not a public host"):
            client.get(server.url)
        allow_privately(f"127.0.0.1:{server.port}")
        assert client.get(server.url).ok
        assert server.connections == 1


def test_a_setting_that_cannot_be_read_lets_nothing_through(
    client: OutboundClient, allow_privately: AllowPrivately
) -> None:
    with MisbehavingServer(answer) as server:
        allow_privately("127.0.0.1", "http://oops/")
        with pytest.raises(ConfigurationError):
            client.get(server.url)
        assert server.connections == 0
