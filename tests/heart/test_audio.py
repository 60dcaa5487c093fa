"""The check of a recorded message, against real servers that get it right and wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connections, transaction

from clicktocall.endpoints import audio
from clicktocall.endpoints.audio import (
    SIZE_LIMIT,
    Heard,
    check_audio,
    check_recorded_message,
    hearing_first,
)
from clicktocall.models import Endpoint
from clicktocall.outbound import OutboundClient, names
from tests.factories import make_endpoint
from tests.providers.loopback import MisbehavingServer, Peer
from tests.providers.test_http_faults import certificate, tls_server

__all__ = ["certificate"]

SOUND = b"RIFF" + bytes(1000)
SLACK = 1.5  # seconds; the machine may be busy


@pytest.fixture(autouse=True)
def loopback_allowed(settings: Any) -> None:
    settings.CLICKTOCALL = {
        **settings.CLICKTOCALL,
        "ALLOWED_PRIVATE_HOSTS": ["127.0.0.1", "localhost"],
        "CHECK_AUDIO": True,
    }


def serving(
    body: bytes = SOUND,
    *,
    kind: str | None = "audio/wav",
    head: str = "200 OK",
    get: str = "200 OK",
    length: int | None = None,
    declared: bool = True,
) -> Callable[[Peer], None]:
    """A file server; `head` and `get` are its statuses, `length` what it says of the body."""
    size = len(body) if length is None else length

    def serve(peer: Peer) -> None:
        asked_head = peer.read_request().startswith(b"HEAD ")
        peer.send(f"HTTP/1.1 {head if asked_head else get}\r\n".encode())
        if kind is not None:
            peer.send(f"Content-Type: {kind}\r\n".encode())
        if declared:
            peer.send(f"Content-Length: {size}\r\n".encode())
        peer.send(b"\r\n" if asked_head else b"\r\n" + body)

    return serve


def problems(url: str) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        check_audio(url)
    assert list(caught.value.message_dict) == ["message_audio_url"]
    found: list[str] = caught.value.message_dict["message_audio_url"]
    return found


def problems_with(behaviour: Callable[[Peer], None], path: str = "/hello.wav") -> list[str]:
    with MisbehavingServer(behaviour) as server:
        return problems(server.url + path)


# --- Files that can be played ---------------------------------------------------------------


def test_a_sound_file_is_asked_for_with_head_and_get() -> None:
    with MisbehavingServer(serving()) as server:
        check_audio(f"{server.url}/hello.wav?v=2")
        asked = [request.split(b" HTTP")[0] for request in server.requests]
    assert asked == [b"HEAD /hello.wav?v=2", b"GET /hello.wav?v=2"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/a", "audio/aac"),
        ("/a", "audio/x-aiff"),
        ("/a", "audio/mp4; codecs=mp4a"),
        ("/a", "AUDIO/MPEG"),
        ("/a", "application/ogg"),
        ("/a", "audio/vnd.wave"),
        ("/a", "audio/x-ms-wma"),
        ("/a.mp3", "application/octet-stream"),
        ("/a.b/A.WMA?x=/y.txt", "binary/octet-stream"),
        ("/a.m4a", None),
        ("/a%2Emp3", ""),
    ],
)
def test_kinds_that_are_played(path: str, kind: str | None) -> None:
    with MisbehavingServer(serving(kind=kind)) as server:
        check_audio(server.url + path)


@pytest.mark.parametrize("declared", [True, False])
def test_the_largest_file(declared: bool) -> None:
    with MisbehavingServer(serving(bytes(SIZE_LIMIT - 1), declared=declared)) as server:
        check_audio(f"{server.url}/a.wav")


def test_a_declared_length_spares_the_download() -> None:
    sent = serving(b"x", length=SIZE_LIMIT - 1)

    def slow(peer: Peer) -> None:
        sent(peer)
        time.sleep(3)

    with MisbehavingServer(slow) as server:
        started = time.monotonic()
        check_audio(f"{server.url}/a.wav")
        assert time.monotonic() - started < 1


# --- What is wrong with others --------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"head": "405 Not Allowed"},
            ["Asked with HEAD, the server answers 405. Check the address, and let the server"],
        ),
        ({"get": "500 Oops"}, ["Asked with GET, the server answers 500 instead of 200."]),
        ({"head": "206 Some", "get": "204 No"}, ["HEAD, the server answers 206", "GET, the"]),
        ({"head": "404 No", "get": "404 No"}, ["Asked with HEAD, the server answers 404."]),
        ({"head": "403 No", "get": "401 No"}, ["denies access (403)", "denies access (401)"]),
        (
            {"head": "302 Found", "get": "302 Found"},
            ["HEAD, the server points elsewhere (302). Write the address where the file itself"],
        ),
        (
            {"kind": "text/html"},
            ["Asked with HEAD, the server calls the file “text/html”. Give the address of a"],
        ),
        ({"kind": "audio/flac"}, ["the server calls the file “audio/flac”."]),
        ({"kind": "<b>x</b>"}, ["the server calls the file “…”."]),
        ({"length": SIZE_LIMIT}, ["make it smaller than 4 MB (4,000,000 bytes)."]),
        ({"body": bytes(SIZE_LIMIT), "declared": False}, ["make it smaller than 4 MB"]),
        ({"body": b""}, ["says that the file is empty"]),
        ({"body": b"", "declared": False}, ["GET, the server says that the file is empty"]),
        ({"kind": "text/html", "length": SIZE_LIMIT}, ["calls the file", "smaller than 4 MB"]),
        (
            {"head": "405 No", "kind": "video/mp4", "length": SIZE_LIMIT},
            ["HEAD, the server answers 405", "GET, the server calls", "smaller than 4 MB"],
        ),
    ],
)
def test_each_problem_is_a_sentence(options: dict[str, Any], expected: list[str]) -> None:
    found = problems_with(serving(**options))
    assert len(found) == len(expected)
    for sentence, words in zip(found, expected, strict=True):
        assert words in sentence
        assert sentence.endswith(".")


@pytest.mark.parametrize("kind", ["application/octet-stream", None])
@pytest.mark.parametrize("path", ["/a", "/a.txt", "/mp3", "/a?x=.mp3"])
def test_neither_type_nor_ending_tells(kind: str | None, path: str) -> None:
    (sentence,) = problems_with(serving(kind=kind), path)
    assert "does not say what kind of file it is, and neither does its name" in sentence


def test_only_head_is_wrong_about_the_type() -> None:
    right, wrong = serving(), serving(kind="text/plain")

    def serve(peer: Peer) -> None:
        (wrong if peer.server.connections == 1 else right)(peer)

    (sentence,) = problems_with(serve)
    assert "Asked with HEAD, the server calls the file “text/plain”" in sentence


def test_of_an_endless_file_no_more_is_read_than_it_takes_to_know() -> None:
    def endless(peer: Peer) -> None:
        asked_head = peer.read_request().startswith(b"HEAD ")
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n\r\n")
        while not asked_head:
            peer.send(bytes(64 * 1024))

    started = time.monotonic()
    (sentence,) = problems_with(endless)
    assert time.monotonic() - started < 3
    assert "make it smaller than 4 MB" in sentence


# --- Addresses and faults -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com/a.mp3", "Begin the address with https://"),
        ("https://10.0.0.1/a.mp3", "10.0.0.1 is not a public host"),
        ("https://user:secret@example.com/a.mp3", "Leave user name and password out"),
        ("https://example.com:8443/a.mp3", "usual ports only: leave the port out"),
    ],
)
def test_addresses_that_are_not_even_asked(url: str, words: str) -> None:
    (sentence,) = problems(url)
    assert words in sentence


def test_a_name_that_leads_into_a_private_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def rebound(_name: str, _port: int) -> list[str]:
        return ["169.254.169.254"]

    monkeypatch.setattr(audio, "OutboundClient", _client_with(rebound))
    (sentence,) = problems("http://media.example.org/a.mp3")
    assert "media.example.org is not a public host" in sentence


def _client_with(look_up: names.LookUp) -> Callable[..., Any]:
    return lambda limits: OutboundClient(limits, look_up=look_up)


def test_nobody_there() -> None:
    with MisbehavingServer(serving()) as server:
        url = f"{server.url}/a.wav"
    (sentence,) = problems(url)
    assert "cannot be reached: it refuses connections." in sentence
    assert "have its operator set CHECK_AUDIO to False" in sentence


def test_a_certificate_that_nobody_knows(certificate: Any) -> None:
    with tls_server(certificate, serving()) as server:
        (sentence,) = problems(f"{server.url}/a.wav")
        assert "its certificate is not valid" in sentence
        assert server.requests == []


def test_head_breaks_off_and_get_is_asked_all_the_same() -> None:
    right = serving(kind="text/html")

    def serve(peer: Peer) -> None:
        if peer.server.connections == 1:
            peer.read_request()
            peer.reset()
        else:
            right(peer)

    of_head, of_get = problems_with(serve)
    assert "Asked with GET, the server calls the file" in of_get
    assert "Asked with HEAD: 127.0.0.1:" in of_head
    assert "it broke the connection" in of_head


@pytest.mark.parametrize("limits", [(0.5, 1.0)])
def test_it_takes_no_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[float, float]
) -> None:
    monkeypatch.setattr(audio, "_LONGEST_HEAD", limits[0])
    monkeypatch.setattr(audio, "LONGEST_CHECK", limits[1])

    def drip(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n")
        if peer.server.connections == 2:
            peer.send(b"\r\n")
        for _ in range(40):
            peer.send(b"X")
            time.sleep(0.1)

    with MisbehavingServer(drip) as server:
        started = time.monotonic()
        found = problems(f"{server.url}/a.wav")
        assert time.monotonic() - started < limits[1] + SLACK
    assert len(found) == 1, found
    assert "no complete answer came in time" in found[0]


def test_the_limit_is_eight_seconds() -> None:
    assert audio.LONGEST_CHECK <= 8
    assert audio._LONGEST_HEAD < audio.LONGEST_CHECK / 2


# --- When it is asked -----------------------------------------------------------------------


def test_switched_off_nothing_is_asked(settings: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "CHECK_AUDIO": False}
    with MisbehavingServer(serving(kind="text/html")) as server:
        check_audio(f"{server.url}/a.wav")
        check_audio("https://10.0.0.1/a.wav")
        assert server.connections == 0


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_is_checked_when_its_address_is_a_new_one() -> None:
    with MisbehavingServer(serving(kind="text/html")) as server:
        endpoint = make_endpoint(message_audio_url=f"{server.url}/old.wav")
        check_recorded_message(endpoint)
        assert server.connections == 0

        endpoint.message_audio_url = f"{server.url}/new.wav"
        with pytest.raises(ValidationError, match="text/html"):
            check_recorded_message(endpoint)
        assert server.connections == 2

        endpoint.message_audio_url = ""
        check_recorded_message(endpoint)
        assert server.connections == 2


@pytest.mark.django_db(transaction=True)
def test_a_new_endpoint_is_checked() -> None:
    endpoint = make_endpoint()
    endpoint.pk = None
    with MisbehavingServer(serving()) as server:
        endpoint.message_audio_url = f"{server.url}/new.wav"
        check_recorded_message(endpoint)
        assert server.connections == 2


@pytest.mark.django_db(transaction=True)
def test_a_transaction_is_given_up_before_the_server_is_asked() -> None:
    tries: list[Heard] = []
    left_of_the_first_try: list[int] = []

    def save(heard: Heard) -> str:
        tries.append(heard)
        with transaction.atomic():
            endpoint = make_endpoint(name="New")
            endpoint.pk = None
            endpoint.message_audio_url = url
            check_recorded_message(endpoint, heard)
        return "saved"

    def asked(peer: Peer) -> None:
        left_of_the_first_try.append(Endpoint.objects.count())
        connections.close_all()  # of this thread
        good(peer)

    good = serving()
    with MisbehavingServer(asked) as server:
        url = f"{server.url}/new.wav"
        assert hearing_first(save) == "saved"
        assert len(server.requests) == 2
    assert left_of_the_first_try == [0, 0]
    assert tries == [{}, {url: []}]
    assert Endpoint.objects.count() == 1


def test_what_need_not_be_asked_is_saved_at_once() -> None:
    assert hearing_first(lambda heard: [heard]) == [{}]
