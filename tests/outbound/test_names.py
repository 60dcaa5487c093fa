"""Names: looked up once, judged by every address behind them, connected to by one of those."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.outbound import (
    AddressRefused,
    Limits,
    OutboundClient,
    Unreachable,
    check_public_url,
    names,
)
from clicktocall.outbound.address import read_url
from clicktocall.outbound.deadline import Deadline
from tests.outbound.conftest import AllowPrivately
from tests.outbound.spellings import PRIVATE_V4, PRIVATE_V6, PUBLIC_V4, PUBLIC_V6
from tests.providers.loopback import MisbehavingServer, Peer

LIMITS = Limits(connect=0.5, silence=0.5, total=1.0)
NAME = "media.example.org"


def answer(peer: Peer) -> None:
    peer.read_request()
    peer.answer(b"hello")


class Resolver:
    """Answers the questions for a name one after the other, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, int]] = []

    def __call__(self, name: str, port: int) -> list[str]:
        self.asked.append((name, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def client_of(look_up: Callable[[str, int], list[str]]) -> OutboundClient:
    return OutboundClient(LIMITS, look_up=look_up)


def test_a_name_that_turns_private_after_it_was_saved() -> None:
    with MisbehavingServer(answer) as server:
        url = f"http://{NAME}:{server.port}/"
        check_public_url(url)
        resolver = Resolver(["127.0.0.1"])
        with pytest.raises(AddressRefused) as caught:
            client_of(resolver).get(url)
        assert server.connections == 0
    assert f"{NAME} is not a public host" in str(caught.value)
    assert "127.0.0.1" not in str(caught.value), "a stranger learns what our resolver knows"


@pytest.mark.parametrize("later", ["127.0.0.1", "127.0.0.2"])
def test_between_judging_and_connecting_nobody_is_asked_again(
    allow_privately: AllowPrivately, later: str
) -> None:
    # Whatever the name server says next, the connection goes where its first answer led.
    allow_privately(NAME)
    with MisbehavingServer(answer) as server:
        resolver = Resolver(["127.0.0.1"], [later])
        assert client_of(resolver).get(f"http://{NAME}:{server.port}/").body == b"hello"
        assert resolver.asked == [(NAME, server.port)]
        assert f"Host: {NAME}:{server.port}\r\n".encode() in server.requests[0]


def test_the_system_is_asked_for_no_name_but_by_look_up(
    allow_privately: AllowPrivately, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    real = socket.getaddrinfo

    def counted(host: object, *rest: object, **more: object) -> object:
        asked.append(host)
        return real(host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", counted)
    allow_privately("localhost")
    with MisbehavingServer(answer) as server:
        assert OutboundClient(LIMITS).get(f"http://localhost:{server.port}/").body == b"hello"
    assert asked == ["localhost"]


@given(
    st.lists(st.sampled_from([*PUBLIC_V4, *PUBLIC_V6]), max_size=5),
    st.sampled_from([*PRIVATE_V4, *PRIVATE_V6, "::ffff:10.0.0.1", "fe80::1%lo"]),
    st.integers(0, 5),
)
def test_one_private_address_among_public_ones_is_enough(
    public: list[str], private: str, place: int
) -> None:
    found = [*public[:place], private, *public[place:]]
    with pytest.raises(AddressRefused):
        names.addresses_of(read_url(f"https://{NAME}/"), Deadline(5), lambda *_: found)


@given(st.lists(st.sampled_from([*PUBLIC_V4, *PUBLIC_V6]), min_size=1, max_size=5))
def test_public_addresses_are_kept_in_order(public: list[str]) -> None:
    found = names.addresses_of(read_url(f"https://{NAME}/"), Deadline(5), lambda *_: public)
    assert [str(address) for address in found] == public


def test_an_address_in_numbers_is_not_looked_up(allow_privately: AllowPrivately) -> None:
    allow_privately("127.0.0.1")
    resolver = Resolver(["127.0.0.2"])
    with MisbehavingServer(answer) as server:
        assert client_of(resolver).get(server.url).ok
    assert resolver.asked == []


def test_an_international_name_is_looked_up_in_ascii(allow_privately: AllowPrivately) -> None:
    allow_privately("bücher.example.org")
    resolver = Resolver(["127.0.0.1"])
    with MisbehavingServer(answer) as server:
        assert client_of(resolver).get(f"http://BÜCHER.example.org:{server.port}/").ok
        assert resolver.asked == [("xn--bcher-kva.example.org", server.port)]
        assert b"Host: xn--bcher-kva.example.org:" in server.requests[0]


def test_the_next_address_when_one_does_not_accept(allow_privately: AllowPrivately) -> None:
    allow_privately(NAME)
    with MisbehavingServer(answer) as server:
        resolver = Resolver(["127.0.0.2", "127.0.0.3", "127.0.0.1"])
        assert client_of(resolver).get(f"http://{NAME}:{server.port}/").body == b"hello"
        assert server.connections == 1


def test_ipv6(allow_privately: AllowPrivately) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    allow_privately("[::1]")

    def serve() -> None:
        connection, _ = listener.accept()
        Peer(connection, MisbehavingServer(answer)).read_request()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv6")
        connection.close()

    with listener:
        threading.Thread(target=serve, daemon=True).start()
        url = f"http://[0::1]:{listener.getsockname()[1]}/"
        assert OutboundClient(LIMITS).get(url).body == b"v6"


# --- When nobody answers the question -------------------------------------------------------


def unknown(_name: str, _port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    "look_up",
    [unknown, lambda *_: [], lambda *_: ["nonsense"], names.look_up],
    ids=["unknown", "nothing", "nonsense", "real"],
)
def test_an_unknown_name_is_certain(look_up: Callable[[str, int], list[str]]) -> None:
    with pytest.raises(Unreachable, match=r"nobody\.invalid cannot be reached: its name"):
        client_of(look_up).get("https://nobody.invalid/")


def test_a_question_that_is_not_answered_in_time_is_certain() -> None:
    over = threading.Event()

    def slow(_name: str, _port: int) -> list[str]:
        over.wait(10)
        return ["127.0.0.1"]

    started = time.monotonic()
    with pytest.raises(Unreachable, match="nobody resolves its name in time"):
        client_of(slow).get(f"https://{NAME}/")
    assert time.monotonic() - started < LIMITS.connect + 1.5
    over.set()


def test_unanswered_questions_do_not_pile_up() -> None:
    over = threading.Event()
    asked = threading.Semaphore(0)

    def slow(_name: str, _port: int) -> list[str]:
        asked.release()
        over.wait(20)
        return []

    def get(_: int) -> None:
        with contextlib.suppress(Unreachable):
            client_of(slow).get(f"https://{NAME}/")

    def questions() -> int:
        return sum(thread.name == "clicktocall-look-up" for thread in threading.enumerate())

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(get, range(96)))
    assert questions() <= 64
    over.set()
    deadline = time.monotonic() + 10
    while questions() and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(Unreachable, match="cannot be resolved"):
        client_of(unknown).get(f"https://{NAME}/")  # and it goes on
