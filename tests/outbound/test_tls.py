"""TLS: the certificate is that of the name, wherever the connection goes."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clicktocall.outbound import AnswerTooLarge, Limits, NoAnswer, OutboundClient, Unreachable
from tests.outbound.conftest import AllowPrivately
from tests.providers import test_http_faults as faults
from tests.providers.loopback import Behaviour, MisbehavingServer, Peer

NAME = "media.example.org"
LIMITS = Limits(connect=1.5, silence=0.5, total=2.0, largest=1000)
SLACK = 1.5  # seconds; the machine may be busy


class Authority:
    """A certificate authority in a folder, made with the openssl command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "ca.pem"
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=CA")

    def _run(self, *arguments: str, key: str = "ca.key", out: str = "ca.pem") -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("needs the openssl command to make certificates")
        command = [openssl, *arguments, "-keyout", key, "-out", out]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def server_context(self, names: str) -> ssl.SSLContext:
        """What a server needs to be `names`, as `subjectAltName` has them."""
        self._run(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=leaf"),
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName={names}"),
            *("-addext", "basicConstraints=CA:FALSE"),
            key="leaf.key",
            out="leaf.pem",
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "leaf.pem", self.folder / "leaf.key")
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    return authority.server_context(f"DNS:{NAME},IP:127.0.0.1")


@pytest.fixture(autouse=True)
def loopback_allowed(allow_privately: AllowPrivately) -> None:
    allow_privately(NAME, "other.example.org", "localhost", "127.0.0.1")


@pytest.fixture
def client(authority: Authority) -> OutboundClient:
    return OutboundClient(
        LIMITS, ca_bundle=str(authority.file), look_up=lambda _name, _port: ["127.0.0.1"]
    )


def answer(peer: Peer) -> None:
    peer.read_request()
    peer.answer(b"hello")


@contextmanager
def asked_names(context: ssl.SSLContext) -> Iterator[list[str | None]]:
    """The names by which clients ask for this server (SNI)."""
    names: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    yield names
    context.sni_callback = None


def test_the_certificate_of_the_name(client: OutboundClient, context: ssl.SSLContext) -> None:
    with MisbehavingServer(answer, tls=context) as server, asked_names(context) as names:
        answered = client.post(f"https://{NAME}:{server.port}/", b"{}")
        assert answered.body == b"hello"
        assert names == [NAME]
        assert f"Host: {NAME}:{server.port}\r\n".encode() in server.requests[0]


def test_the_certificate_of_an_address(client: OutboundClient, context: ssl.SSLContext) -> None:
    with MisbehavingServer(answer, tls=context) as server, asked_names(context) as names:
        assert client.get(f"https://127.0.0.1:{server.port}/").body == b"hello"
        assert names == [None]


@pytest.mark.parametrize("name", ["other.example.org", "localhost"])
def test_the_certificate_of_the_address_is_not_enough(
    client: OutboundClient, context: ssl.SSLContext, name: str
) -> None:
    with MisbehavingServer(answer, tls=context) as server:
        with pytest.raises(Unreachable, match="its certificate is not valid"):
            client.get(f"https://{name}:{server.port}/")
        assert server.requests == []


def test_an_authority_that_nobody_knows(
    context: ssl.SSLContext, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The environment has no say in whom we trust.
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    with MisbehavingServer(answer, tls=context) as server:
        client = OutboundClient(LIMITS, look_up=lambda _name, _port: ["127.0.0.1"])
        with pytest.raises(Unreachable, match="its certificate is not valid"):
            client.get(f"https://{NAME}:{server.port}/")
        assert server.requests == []


@pytest.mark.parametrize(
    "behaviour", [faults.silent_handshake, faults.broken_handshake, faults.plain_text]
)
def test_before_the_handshake_is_done_nothing_was_sent(
    client: OutboundClient, behaviour: Behaviour
) -> None:
    with MisbehavingServer(behaviour) as server:
        started = time.monotonic()
        with pytest.raises(Unreachable):
            client.post(f"https://{NAME}:{server.port}/", b"secret")
        assert time.monotonic() - started < LIMITS.connect + SLACK


def dripping_handshake(peer: Peer) -> None:
    peer.connection.recv(4096)
    peer.send(b"\x16\x03\x03\x40\x00")  # a long record that hardly comes
    for _ in range(60):
        peer.send(b"\x02")
        time.sleep(0.1)


def test_a_dripping_handshake_ends_in_time(client: OutboundClient) -> None:
    with MisbehavingServer(dripping_handshake) as server:
        started = time.monotonic()
        with pytest.raises(Unreachable):
            client.get(f"https://{NAME}:{server.port}/")
        assert time.monotonic() - started < LIMITS.connect + SLACK


def sip(peer: Peer) -> None:
    for _ in range(60):
        for _ in range(64):
            peer.connection.recv(16 * 1024)
        time.sleep(0.1)


@pytest.mark.parametrize(
    "behaviour",
    [
        faults.hang,
        faults.close_without_answer,
        faults.reset_before_answer,
        faults.half_body,
        faults.dripping_head,
        faults.dripping_body,
        sip,
    ],
)
def test_faults_after_sending_over_tls(
    client: OutboundClient, context: ssl.SSLContext, behaviour: Callable[[Peer], None]
) -> None:
    with MisbehavingServer(behaviour, tls=context) as server:
        started = time.monotonic()
        with pytest.raises(NoAnswer):
            client.post(f"https://{NAME}:{server.port}/", b"x" * (10**8 if behaviour is sip else 9))
        assert time.monotonic() - started < LIMITS.total + SLACK
        assert server.connections == 1


def test_too_large_over_tls(client: OutboundClient, context: ssl.SSLContext) -> None:
    def endless(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.send(b"x" * 4096)

    with MisbehavingServer(endless, tls=context) as server, pytest.raises(AnswerTooLarge):
        client.get(f"https://{NAME}:{server.port}/")
