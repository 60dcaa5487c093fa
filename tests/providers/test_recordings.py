"""Recordings fetched from a provider: from the real sandbox, and from servers that mean harm."""

from __future__ import annotations

import gc
import hashlib
import logging
import random
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from clicktocall.exceptions import (
    ClicktocallError,
    NotAuthorized,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
    RecordingGone,
)
from clicktocall.orders import CallOrder, Capability, Placement
from clicktocall.providers import RecordingStream
from clicktocall.providers.http import LARGEST_DOWNLOAD, Download, HttpClient
from clicktocall.providers.http.address import own_address
from clicktocall.providers.http.download import PIECE
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.providers.sandbox.simulator import Simulator
from clicktocall.providers.simulation.tone import TONE
from tests.providers.loopback import Behaviour, CallbackReceiver, MisbehavingServer, Peer
from tests.providers.sandbox_client import API_KEY, wait_until
from tests.providers.test_http_faults import certificate, tls_server

__all__ = ["certificate"]  # a fixture

SECRET = "canary/secret+4711=="
TIMEOUT = (0.5, 0.5)
SOUND = random.Random(1).randbytes(3 * PIECE + 17)
WAV = "Content-Type: audio/wav\r\n"


def provider_at(url: str, **options: Any) -> SandboxProvider:
    given = {"BASE_URL": url, "API_KEY": SECRET, "TIMEOUT": TIMEOUT}
    return SandboxProvider("box", {**given, **options})


def open_at(url: str) -> RecordingStream:
    address = f"{url}/recordings/1.wav?signature=canary"
    return provider_at(url).download_recording(Placement(), address)


def fetch(url: str) -> bytes:
    with open_at(url) as stream:
        return b"".join(stream)


def fault_of(behaviour: Behaviour) -> ClicktocallError:
    """Why there is no recording at a server that behaves like this; it is asked once."""
    with MisbehavingServer(behaviour) as server:
        with pytest.raises(ClicktocallError) as caught:
            fetch(server.url)
        assert server.connections == 1
        assert len(server.requests) <= 1
        assert_nothing_open(server.port)
    return caught.value


def open_sockets(port: int) -> list[socket.socket]:
    """The sockets of this process that are connected to the port."""
    found = []
    for thing in gc.get_objects():
        if not issubclass(type(thing), socket.socket):
            continue
        try:
            if thing.family != socket.AF_UNIX and thing.getpeername()[1] == port:
                found.append(thing)
        except OSError:
            continue  # closed, or listening
    return found


def assert_nothing_open(port: int) -> None:
    assert open_sockets(port) == []


def answering(
    body: bytes = SOUND, *, status: str = "200 OK", headers: str = WAV, length: int | None = None
) -> Behaviour:
    """A server that answers one request; `length` is what it declares if that is not true."""

    def answer(peer: Peer) -> None:
        peer.read_request()
        declared = len(body) if length is None else length
        peer.send(f"HTTP/1.1 {status}\r\nContent-Length: {declared}\r\n{headers}\r\n".encode())
        peer.send(body)

    return answer


# The sandbox


@pytest.fixture
def recorded(
    provider: SandboxProvider, receiver: CallbackReceiver, new_order: Callable[..., CallOrder]
) -> tuple[Placement, str]:
    """A call that was recorded: its placement, and the address that was reported."""
    placement = provider.place_call(new_order(options={"record": True}))
    return placement, receiver.wait_for_event("recorded")[-1]["recording_url"]


def test_every_byte_arrives(
    simulator: Simulator, provider: SandboxProvider, recorded: tuple[Placement, str]
) -> None:
    assert provider.can(Capability.FETCH_RECORDING)
    port = int(simulator.address.rpartition(":")[2])
    with provider.download_recording(*recorded) as stream:
        assert stream.content_type == "audio/wav"
        assert stream.length == len(TONE)
        assert b"".join(stream.chunks) == TONE
    wait_until(lambda: len(open_sockets(port)) <= 1)  # the one that placed the call is kept


def test_wrong_key_opens_nothing(simulator: Simulator, recorded: tuple[Placement, str]) -> None:
    stranger = provider_at(simulator.address)
    with pytest.raises(ProviderRefused) as caught:
        stranger.download_recording(*recorded)
    assert caught.value.detail == "401 The API key is missing or wrong."


def test_forgotten_recording_is_gone(simulator: Simulator, provider: SandboxProvider) -> None:
    address = f"{simulator.address}/recordings/{'0' * 32}.wav"
    with pytest.raises(RecordingGone):
        provider.download_recording(Placement(), address)


def test_recording_of_another_sandbox_is_refused(
    start_simulator: Callable[..., Simulator], recorded: tuple[Placement, str]
) -> None:
    other = provider_at(start_simulator().address, API_KEY=API_KEY)
    with pytest.raises(ProviderRefused):
        other.download_recording(*recorded)


# What arrives


def chunked(peer: Peer) -> None:
    peer.read_request()
    peer.send(f"HTTP/1.1 200 OK\r\n{WAV}Transfer-Encoding: chunked\r\n\r\n".encode())
    for start in range(0, len(SOUND), 50_000):
        part = SOUND[start : start + 50_000]
        peer.send(b"%x\r\n%b\r\n" % (len(part), part))
    peer.send(b"0\r\n\r\n")


def until_closed(peer: Peer) -> None:
    peer.read_request()
    peer.send(f"HTTP/1.1 200 OK\r\n{WAV}\r\n".encode() + SOUND)


@pytest.mark.parametrize(
    ("behaviour", "length"), [(answering(), len(SOUND)), (chunked, None), (until_closed, None)]
)
def test_every_way_to_send_a_body(behaviour: Behaviour, length: int | None) -> None:
    with MisbehavingServer(behaviour) as server:
        stream = open_at(server.url)
        pieces = list(stream)
        assert stream.length == length
        assert b"".join(pieces) == SOUND
        assert max(map(len, pieces)) <= PIECE
        assert_nothing_open(server.port)  # the end closes it


def test_empty_recording() -> None:
    with MisbehavingServer(answering(b"")) as server:
        assert fetch(server.url) == b""


def test_request_carries_the_key_and_nothing_of_the_body() -> None:
    with MisbehavingServer(answering()) as server:
        fetch(server.url)
    head = server.requests[0]
    assert head.startswith(b"GET /recordings/1.wav?signature=canary HTTP/1.1\r\n")
    assert f"Authorization: Bearer {SECRET}".encode() in head
    assert b"Accept: audio/*" in head
    assert b"Accept-Encoding: identity" in head


def test_environment_is_not_consulted(monkeypatch: pytest.MonkeyPatch) -> None:
    with MisbehavingServer(answering()) as proxy, MisbehavingServer(answering()) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert fetch(server.url) == SOUND
        assert proxy.connections == 0


def test_long_recording_is_never_whole_in_memory() -> None:
    megabyte = b"\x01" * 1024 * 1024
    size = 48

    def send_much(peer: Peer) -> None:
        peer.read_request()
        peer.send(f"HTTP/1.1 200 OK\r\n{WAV}Content-Length: {size * 1024 * 1024}\r\n\r\n".encode())
        for _ in range(size):
            peer.send(megabyte)

    with MisbehavingServer(send_much) as server, open_at(server.url) as stream:
        tracemalloc.start()
        try:
            received = hashlib.sha256()
            for piece in stream:
                received.update(piece)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert received.digest() == hashlib.sha256(megabyte * size).digest()
    assert peak < 3 * 1024 * 1024


@pytest.mark.parametrize(
    ("told", "understood"),
    [
        ("audio/mpeg", "audio/mpeg"),
        ("AUDIO/WAV; codecs=1", "audio/wav"),
        ("audio/x-wav;charset=utf-8", "audio/x-wav"),
        ("audio/vnd.wave", "audio/vnd.wave"),
    ],
)
def test_sound_types(told: str, understood: str) -> None:
    behaviour = answering(headers=f"Content-Type: {told}\r\n")
    with MisbehavingServer(behaviour) as server, open_at(server.url) as stream:
        assert stream.content_type == understood


@pytest.mark.parametrize(
    "headers",
    [
        "",
        "Content-Type: \r\n",
        "Content-Type: text/html\r\n",
        "Content-Type: text/html; x=audio/wav\r\n",
        "Content-Type: application/octet-stream\r\n",
        "Content-Type: image/svg+xml\r\n",
        "Content-Type: audio\r\n",
        "Content-Type: audio/\r\n",
        "Content-Type: audio/*\r\n",
        "Content-Type: audio/w\u00e4v\r\n",
        "Content-Type: audiobook/html\r\n",
        "Content-Type: audio/wav, text/html\r\n",
        "Content-Type: audio/wav\r\nContent-Type: text/html\r\n",
        "Content-Type: audio/wav\r\n text/html\r\n",
        f"{WAV}Content-Encoding: gzip\r\n",
        f"{WAV}Content-Encoding: br\r\n",
    ],
)
def test_what_is_not_plain_sound_is_refused(headers: str) -> None:
    assert type(fault_of(answering(b"<script>", headers=headers))) is ProviderRefused


# What does not


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("404 Not Found", RecordingGone),
        ("410 Gone", RecordingGone),
        ("401 Unauthorized", NotAuthorized),
        ("403 Forbidden", ProviderRefused),
        ("301 Moved Permanently", ProviderRefused),
        ("304 Not Modified", ProviderRefused),
        ("408 Request Timeout", ProviderUnavailable),
        ("429 Too Many Requests", ProviderThrottled),
        ("500 Internal Server Error", ProviderUnavailable),
        ("503 Service Unavailable", ProviderUnavailable),
        ("201 Created", ProviderUnavailable),
        ("204 No Content", ProviderUnavailable),
        ("206 Partial Content", ProviderUnavailable),
    ],
)
def test_status_without_a_recording(status: str, kind: type[ClicktocallError]) -> None:
    # Even when the body looks like sound.
    fault = fault_of(answering(b"", status=status))
    assert type(fault) is kind
    assert status[:3] in str(fault)


def test_delay_asked_for_is_told() -> None:
    fault = fault_of(answering(b"", status="429 No", headers="Retry-After: 17\r\n"))
    assert isinstance(fault, ProviderThrottled)
    assert fault.retry_after == 17


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_redirect_is_not_followed(status: str) -> None:
    with MisbehavingServer(answering()) as target:
        moved = f"Location: {target.url}/stolen.wav\r\n{WAV}"
        fault = fault_of(answering(status=f"{status} Moved", headers=moved))
        assert type(fault) is ProviderRefused
        assert target.connections == 0


def test_server_that_is_down_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(ProviderUnavailable) as caught:
        open_at(f"http://127.0.0.1:{port}")
    assert caught.value.detail == f"127.0.0.1:{port} cannot be reached: it refuses connections"


def hang(peer: Peer) -> None:
    peer.read_request()
    time.sleep(5)


def close_without_answer(peer: Peer) -> None:
    peer.read_request()


def reset_in_the_middle(peer: Peer) -> None:
    answering(length=len(SOUND) * 2)(peer)
    time.sleep(0.1)
    peer.reset()


def silent_in_the_middle(peer: Peer) -> None:
    answering(length=len(SOUND) * 2)(peer)
    time.sleep(5)


def half_chunks(peer: Peer) -> None:
    peer.read_request()
    head = f"HTTP/1.1 200 OK\r\n{WAV}Transfer-Encoding: chunked\r\n\r\n".encode()
    peer.send(head + b"ffff\r\nRIFF")


def bad_chunks(peer: Peer) -> None:
    peer.read_request()
    head = f"HTTP/1.1 200 OK\r\n{WAV}Transfer-Encoding: chunked\r\n\r\n".encode()
    peer.send(head + b"zz\r\nRIFF\r\n0\r\n\r\n")


def endless_chunk_length(peer: Peer) -> None:
    peer.read_request()
    peer.send(f"HTTP/1.1 200 OK\r\n{WAV}Transfer-Encoding: chunked\r\n\r\n".encode())
    while True:
        peer.send(b"0" * 65536)


def endless_error(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 500 Oops\r\n\r\n")
    while True:
        peer.send(b"x" * 65536)


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        close_without_answer,
        answering(length=len(SOUND) + 1),
        answering(length=LARGEST_DOWNLOAD),
        reset_in_the_middle,
        silent_in_the_middle,
        half_chunks,
        bad_chunks,
        endless_chunk_length,
        endless_error,
    ],
    ids=lambda behaviour: behaviour.__name__,
)
def test_recording_that_does_not_come_whole_is_unavailable(behaviour: Behaviour) -> None:
    started = time.monotonic()
    assert type(fault_of(behaviour)) is ProviderUnavailable
    assert time.monotonic() - started < 3


def test_what_comes_after_the_declared_end_is_dropped() -> None:
    """It must not be taken for the answer to the next request either."""
    stowaway = b'HTTP/1.1 201 Created\r\nContent-Length: 15\r\n\r\n{"id": "forged"}'

    def answer(peer: Peer) -> None:
        if peer.server.connections == 1:
            answering(SOUND + stowaway, length=len(SOUND))(peer)
            peer.read_request()
        else:
            peer.read_request()
            peer.answer(b'{"id": "true"}', status="201 Created")

    with MisbehavingServer(answer) as server:
        client = HttpClient(server.url, timeout=TIMEOUT)
        stream = client.stream(f"{server.url}/1.wav")
        assert isinstance(stream, Download)
        assert b"".join(stream) == SOUND
        assert client.get("calls/1").document() == {"id": "true"}
        assert server.connections == 2


def test_download_leaves_the_kept_connections_alone() -> None:
    def answer(peer: Peer) -> None:
        while request := peer.read_request():
            peer.answer(b"{}", headers=WAV if b".wav" in request else "")

    with MisbehavingServer(answer) as server:
        client = HttpClient(server.url, timeout=TIMEOUT)
        client.get("calls/1")
        kept = open_sockets(server.port)
        stream = client.stream(f"{server.url}/1.wav")
        assert isinstance(stream, Download)
        assert b"".join(stream) == b"{}"
        client.get("calls/1")
        assert open_sockets(server.port) == kept
        assert server.connections == 2


# Limits


def test_declared_size_beyond_the_limit_is_refused_at_once() -> None:
    fault = fault_of(answering(length=LARGEST_DOWNLOAD + 1))
    assert type(fault) is ProviderRefused
    assert f"{LARGEST_DOWNLOAD} bytes" in str(fault)


def endless(peer: Peer) -> None:
    peer.read_request()
    peer.send(f"HTTP/1.1 200 OK\r\n{WAV}\r\n".encode())
    while True:
        peer.send(SOUND)


def endless_chunks(peer: Peer) -> None:
    peer.read_request()
    peer.send(f"HTTP/1.1 200 OK\r\n{WAV}Transfer-Encoding: chunked\r\n\r\n".encode())
    while True:
        peer.send(b"%x\r\n%b\r\n" % (len(SOUND), SOUND))


def one_endless_chunk(peer: Peer) -> None:
    peer.read_request()
    peer.send(f"HTTP/1.1 200 OK\r\n{WAV}Transfer-Encoding: chunked\r\n\r\n".encode())
    peer.send(b"f" * 15 + b"\r\n")
    while True:
        peer.send(SOUND)


@pytest.mark.parametrize("behaviour", [endless, endless_chunks, one_endless_chunk])
def test_endless_recording_ends_at_the_limit(behaviour: Behaviour) -> None:
    received: list[int] = []
    with MisbehavingServer(behaviour) as server:
        stream = open_at(server.url)
        with pytest.raises(ProviderRefused):
            received.extend(map(len, stream))
        assert LARGEST_DOWNLOAD - PIECE <= sum(received) <= LARGEST_DOWNLOAD
        assert_nothing_open(server.port)


def dripping(seconds: float) -> Behaviour:
    def drip(peer: Peer) -> None:
        peer.read_request()
        drops = round(seconds / 0.1)
        peer.send(f"HTTP/1.1 200 OK\r\n{WAV}Content-Length: {drops}\r\n\r\n".encode())
        for _ in range(drops):
            peer.send(b"x")
            time.sleep(0.1)

    return drip


def stream_within(server: MisbehavingServer, seconds: float) -> Download:
    stream = HttpClient(server.url, timeout=TIMEOUT).stream(f"{server.url}/1", within=seconds)
    assert isinstance(stream, Download)
    return stream


def test_slow_recording_may_take_longer_than_an_answer() -> None:
    with MisbehavingServer(dripping(1.2)) as server:
        assert b"".join(stream_within(server, 10)) == b"x" * 12


def test_drip_is_broken_off_at_the_time_limit() -> None:
    with MisbehavingServer(dripping(10)) as server:
        started = time.monotonic()
        with pytest.raises(ProviderUnavailable, match="in time"):
            list(stream_within(server, 1.0))
        assert 0.9 < time.monotonic() - started < 3
        assert_nothing_open(server.port)


def test_listener_who_dawdles_is_broken_off_at_the_time_limit() -> None:
    def send_much(peer: Peer) -> None:
        peer.read_request()
        peer.send(f"HTTP/1.1 200 OK\r\n{WAV}Content-Length: 50000000\r\n\r\n".encode())
        peer.send(b"x" * 50_000_000)

    with MisbehavingServer(send_much) as server:
        pieces = iter(stream_within(server, 0.3))
        next(pieces)
        time.sleep(0.4)
        with pytest.raises(ProviderUnavailable):
            list(pieces)
        assert_nothing_open(server.port)


# Addresses


@pytest.fixture(scope="module")
def own() -> Iterator[MisbehavingServer]:
    with MisbehavingServer(answering()) as server:
        yield server


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[MisbehavingServer]:
    with MisbehavingServer(answering()) as server:
        yield server


@pytest.mark.parametrize(
    "address",
    [
        # another place
        "http://127.0.0.1:{other}/r.wav",
        "https://127.0.0.1:{port}/r.wav",
        "http://127.0.0.1/r.wav",
        "http://127.0.0.1:/r.wav",
        "http://127.0.0.1:0{port}/r.wav",
        "http://127.0.0.1:{port}0/r.wav",
        "http://127.0.0.1:+{port}/r.wav",
        "http://evil.example:{port}/r.wav",
        "http://127.0.0.1.evil.example:{port}/r.wav",
        "http://169.254.169.254/latest/meta-data/",
        # this place, in other words
        "http://localhost:{port}/r.wav",
        "http://127.1:{port}/r.wav",
        "http://2130706433:{port}/r.wav",
        "http://0x7f.0.0.1:{port}/r.wav",
        "http://127.0.0.1.:{port}/r.wav",
        "http://127.0.0.%31:{port}/r.wav",
        "http://\uff11\uff12\uff17.0.0.1:{port}/r.wav",
        "http://[::1]:{port}/r.wav",
        "http://[::ffff:127.0.0.1]:{port}/r.wav",
        "http://[::ffff:7f00:1]:{port}/r.wav",
        "http://[127.0.0.1]:{port}/r.wav",
        "http://[::1%25lo]:{port}/r.wav",
        "http://[v1.x]:{port}/r.wav",
        "http://[::1:{port}/r.wav",
        # userinfo
        "http://user@127.0.0.1:{port}/r.wav",
        "http://user:password@127.0.0.1:{port}/r.wav",
        "http://@127.0.0.1:{port}/r.wav",
        "http://127.0.0.1:{port}@127.0.0.1:{other}/r.wav",
        "http://127.0.0.1:{port}\\@127.0.0.1:{other}/r.wav",
        "http://127.0.0.1:{port}%40127.0.0.1:{other}/r.wav",
        "http://127.0.0.1:{port};@127.0.0.1:{other}/r.wav",
        "http://127.0.0.1:{port} @127.0.0.1:{other}/r.wav",
        # no web address
        "",
        "r.wav",
        "/r.wav",
        "//127.0.0.1:{port}/r.wav",
        "//evil",
        "///evil",
        "http:r.wav",
        "http:/r.wav",
        "http:///r.wav",
        "http:\\\\127.0.0.1:{port}\\r.wav",
        "http//127.0.0.1:{port}/r.wav",
        "ftp://127.0.0.1:{port}/r.wav",
        "file:///etc/passwd",
        "file://127.0.0.1:{port}/etc/passwd",
        "gopher://127.0.0.1:{port}/_GET",
        "data:audio/wav;base64,UklGRg==",
        "javascript:alert(1)",
        "view-source:http://127.0.0.1:{port}/r.wav",
        # tricks with the path
        "{own}",
        "{own}?x=1",
        "{own}/",
        "{own}//evil.example/r.wav",
        "{own}//127.0.0.1:{other}/r.wav",
        "{own}/a//b.wav",
        "{own}/..",
        "{own}/a/../b.wav",
        "{own}/a/./b.wav",
        "{own}/%2e%2e/b.wav",
        "{own}/.%2E/b.wav",
        "{own}/a%2f..%2fb.wav",
        "{own}/a\\..\\b.wav",
        "{own}/a%5cb.wav",
        "{own}/a%00.wav",
        "{own}/a%0d%0aX-Evil:%201",
        "{own}/a%C2%85.wav",
        "{own}/a%zz.wav",
        "{own}/a%",
        "{own}/a b.wav",
        "{own}/\u00e9.wav",
        "{own}/a.wav#fragment",
        "{own}/a.wav?b c",
        "{own}/a.wav?\u00e9",
        # control characters
        " {own}/r.wav",
        "{own}/r.wav ",
        "{own}/r.wav\n",
        "\x00{own}/r.wav",
        "ht\ntp://127.0.0.1:{port}/r.wav",
        "http://127.0.0.1:{port}\t/r.wav",
        "http://127.0.0.1\r\n:{port}/r.wav",
        "{own}/r.wav HTTP/1.1\r\nX-Evil: 1\r\n\r\n",
        "{own}/r.wav?\r\nX-Evil: 1",
    ],
)
def test_address_elsewhere_or_in_disguise_is_refused(
    address: str, own: MisbehavingServer, elsewhere: MisbehavingServer
) -> None:
    told = address.format(own=own.url, port=own.port, other=elsewhere.port)
    before = own.connections
    with pytest.raises(ProviderRefused) as caught:
        provider_at(own.url).download_recording(Placement(), told)
    assert caught.value.detail == f"Only addresses of 127.0.0.1:{own.port} itself are fetched."
    assert own.connections == before
    assert elsewhere.connections == 0


@pytest.mark.parametrize(
    ("told", "base", "fetched"),
    [
        ("https://a.example/r.wav", "https://a.example", "https://a.example/r.wav"),
        ("https://a.example/r.wav", "https://a.example/v1/", "https://a.example/r.wav"),
        ("https://a.example:443/r", "https://a.example", "https://a.example/r"),
        ("https://a.example/r", "https://a.example:443", "https://a.example:443/r"),
        ("HTTPS://A.Example/R.WAV", "https://a.example", "https://a.example/R.WAV"),
        ("https://a.example/r", "HTTPS://A.EXAMPLE", "https://A.EXAMPLE/r"),
        ("https://a.example/r/", "https://a.example", "https://a.example/r/"),
        (
            "https://a.example/r%20~(1).wav?sig=a%2Fb/c?&t=1",
            "https://a.example",
            "https://a.example/r%20~(1).wav?sig=a%2Fb/c?&t=1",
        ),
        ("http://[::1]:8001/r", "http://[::1]:8001", "http://[::1]:8001/r"),
        ("https://a.example:80/r", "https://a.example", None),
        ("https://a.example:443/r", "https://a.example:8443", None),
        ("http://[::1]/r", "http://[::1]:8001", None),
        ("http://[0:0:0:0:0:0:0:1]:8001/r", "http://[::1]:8001", None),
    ],
)
def test_own_addresses(told: str, base: str, fetched: str | None) -> None:
    assert own_address(told, base) == fetched


_BASE = "https://a.example:8443"
_SCRAPS = ["https://", "http://", "a.example", ":8443", ":443", "/", "\\", "@", "evil.example", "?"]
_SCRAPS += ["#", "..", ".", "%2e", "%2f", "%5c", "%", "//", ":", "[", "]", "::1", " ", "\t", "\r\n"]
_SCRAPS += ["\x00", "é", "。", "x", ";", "&", "=", "https://a.example:8443/"]


@given(st.lists(st.sampled_from(_SCRAPS), max_size=12).map("".join))
@example("https://a.example:8443/x")
def test_whatever_is_fetched_is_at_the_own_host(told: str) -> None:
    fetched = own_address(told, _BASE)
    if fetched is None:
        return
    sent = requests.Request("GET", fetched).prepare().url
    for seen in (fetched, sent or ""):
        parts = urlsplit(seen)
        assert (parts.scheme, parts.netloc) == ("https", "a.example:8443")
        assert ".." not in parts.path.split("/")
        assert not set(seen) & set("\\ \t\r\n\x00")
        assert seen.isascii()


# Secrets, TLS, connections


def echo_everything(peer: Peer) -> None:
    peer.answer(peer.read_request(), status=f"500 {SECRET}")


def secret_as_type(peer: Peer) -> None:
    peer.read_request()
    peer.answer(b"x", headers=f"Content-Type: text/{SECRET}\r\n")


def secret_as_chunk_length(peer: Peer) -> None:
    peer.read_request()
    head = f"HTTP/1.1 200 OK\r\n{WAV}Transfer-Encoding: chunked\r\n\r\n".encode()
    peer.send(head + f"4\r\nRIFF\r\n{SECRET}\r\n".encode())


def secret_in_a_broken_head(peer: Peer) -> None:
    peer.read_request()
    peer.send(f"HTTP/1.1 200 OK\r\n{SECRET}\r\nContent-Le".encode())


def secret_as_location(peer: Peer) -> None:
    peer.read_request()
    peer.answer(status="302 Found", headers=f"Location: http://{SECRET}/\r\n")


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        reset_in_the_middle,
        half_chunks,
        answering(b"", status="404 Not Found"),
        echo_everything,
        secret_as_type,
        secret_as_chunk_length,
        secret_in_a_broken_head,
        secret_as_location,
    ],
    ids=lambda behaviour: behaviour.__name__,
)
def test_secrets_are_in_no_fault_and_no_log(
    behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "urllib3")
    fault = fault_of(behaviour)
    assert fault.__cause__ is None
    assert fault.__context__ is None
    shown = f"{fault} {fault!r} {fault.__dict__} {caplog.text}"
    assert "canary" not in shown
    assert "4711" not in shown


def test_words_do_not_quote_a_signed_link() -> None:
    quoting = b'{"error": {"message": "There is nothing at /1.wav?signature=canary"}}'
    fault = fault_of(answering(quoting, status="403 Forbidden"))
    assert str(fault) == "403 There is nothing at /1.wav?***"


def test_refused_address_is_not_quoted(own: MisbehavingServer) -> None:
    with pytest.raises(ProviderRefused) as caught:
        provider_at(own.url).download_recording(Placement(), f"https://x.example/{SECRET}")
    assert "canary" not in f"{caught.value!r}"


def test_certificate_is_verified(certificate: Path) -> None:
    with tls_server(certificate, answering()) as server:
        with pytest.raises(ProviderUnavailable, match="certificate is not valid"):
            open_at(server.url)
        assert server.requests == []
        trusting = provider_at(server.url, CA_BUNDLE=str(certificate))
        with trusting.download_recording(Placement(), f"{server.url}/1.wav") as stream:
            assert b"".join(stream) == SOUND


def test_leaving_early_closes_the_connection() -> None:
    with MisbehavingServer(endless) as server:
        with open_at(server.url) as stream:
            next(stream.chunks)
            assert len(open_sockets(server.port)) == 1
        assert_nothing_open(server.port)
        stream.close()


def test_closing_before_the_first_piece_closes_the_connection() -> None:
    with MisbehavingServer(endless) as server:
        stream = open_at(server.url)
        stream.close()
        assert_nothing_open(server.port)
        assert list(stream.chunks) == []


def test_many_downloads_leave_nothing_open() -> None:
    with MisbehavingServer(answering()) as server:
        provider = provider_at(server.url)
        for number in range(50):
            with provider.download_recording(Placement(), f"{server.url}/{number}.wav") as stream:
                next(stream.chunks)
        assert_nothing_open(server.port)


def test_error_in_the_middle_of_reading_closes_the_connection() -> None:
    with MisbehavingServer(endless) as server:
        stream = open_at(server.url)
        with pytest.raises(ZeroDivisionError), stream:
            next(map(lambda piece: 1 // 0, stream))  # noqa: C417
        assert_nothing_open(server.port)


def test_provider_errors_of_downloads_are_the_known_four() -> None:
    """A recording that is gone is no fault of the provider's service, so it is apart."""
    assert not issubclass(RecordingGone, ProviderError)
