"""The HTTP client against servers that fail in every way: what surely did not leave, what may have.

Every fault counts the requests the server saw: nothing is ever sent twice.
"""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clicktocall.exceptions import (
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
)
from clicktocall.providers import http
from clicktocall.providers.http import HttpClient
from tests.providers.loopback import Behaviour, MisbehavingServer, Peer

SECRET = "canary/secret+4711=="
TIMEOUT = (0.5, 0.5)


def client_of(url: str, **options: Any) -> HttpClient:
    return HttpClient(
        url,
        headers={"Authorization": f"Bearer {SECRET}"},
        secrets=[SECRET],
        **{"timeout": TIMEOUT, **options},
    )


def fault_of(client: HttpClient) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        client.post("calls", json={"secret": SECRET}, query={"api_key": SECRET})
    return caught.value


def hang(peer: Peer) -> None:
    peer.read_request()
    time.sleep(5)


def close_without_answer(peer: Peer) -> None:
    peer.read_request()


def reset_before_answer(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def reset_without_reading(peer: Peer) -> None:
    time.sleep(0.1)
    peer.reset()


def reset_in_the_answer(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    time.sleep(0.1)
    peer.reset()


def half_head(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def half_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"id"')


def half_chunks(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{")


def bad_chunks(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")


def no_http(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"220 mail.example.com ESMTP\r\n")


def bad_gzip(peer: Peer) -> None:
    peer.read_request()
    peer.answer(b"no gzip at all", headers="Content-Encoding: gzip\r\n")


def endless_header(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000)


def many_headers(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1000 + b"\r\n")


def dripping_head(peer: Peer) -> None:
    peer.read_request()
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":
        peer.send(bytes([byte]))
        time.sleep(0.1)


def dripping_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(100):
        peer.send(b" ")
        time.sleep(0.1)


def endless_continue(peer: Peer) -> None:
    peer.read_request()
    for _ in range(100):
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.1)


def huge_body(peer: Peer) -> None:
    peer.read_request()
    peer.answer(b"x" * (http.LARGEST_ANSWER + 1))


def endless_body(peer: Peer) -> None:
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.send(b"x" * 65536)


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        close_without_answer,
        reset_before_answer,
        reset_without_reading,
        reset_in_the_answer,
        half_body,
        half_chunks,
        bad_chunks,
        no_http,
        bad_gzip,
        endless_header,
        many_headers,
        dripping_head,
        dripping_body,
        endless_continue,
        huge_body,
        endless_body,
    ],
)
def test_fault_after_sending_leaves_the_outcome_unknown(behaviour: Behaviour) -> None:
    with MisbehavingServer(behaviour) as server:
        started = time.monotonic()
        fault = fault_of(client_of(server.url))
        took = time.monotonic() - started
        time.sleep(0.05)  # a hidden second try would be seen by now
        assert type(fault) is OutcomeUnknown
        assert took < 3
        assert server.connections == 1
        assert len(server.requests) <= 1


@pytest.mark.parametrize("behaviour", [hang, close_without_answer, reset_before_answer, half_body])
def test_get_is_not_sent_again_either(behaviour: Behaviour) -> None:
    # Some providers place calls by GET.
    with MisbehavingServer(behaviour) as server:
        with pytest.raises(OutcomeUnknown):
            client_of(server.url).get("calls")
        time.sleep(0.05)
        assert (server.connections, len(server.requests)) == (1, 1)


def test_answer_cut_off_in_its_head_is_no_success() -> None:
    # A client cannot tell this from an old server that ends its answer by closing.
    with MisbehavingServer(half_head) as server:
        answer = client_of(server.url).post("calls", json={})
        with pytest.raises(OutcomeUnknown):
            answer.document()
        assert len(server.requests) == 1


def test_reset_of_a_kept_connection_is_not_sent_again() -> None:
    def answer_then_reset(peer: Peer) -> None:
        peer.read_request()
        peer.answer()
        peer.read_request()
        peer.reset()

    with MisbehavingServer(answer_then_reset) as server:
        client = client_of(server.url)
        client.post("calls", json={})
        fault = fault_of(client)
        time.sleep(0.05)
        assert type(fault) is OutcomeUnknown
        assert (server.connections, len(server.requests)) == (1, 2)


def test_client_works_again_after_a_fault() -> None:
    def fail_first(peer: Peer) -> None:
        if peer.server.connections == 1:
            peer.read_request()
            peer.reset()
        else:
            answer_all(peer)

    with MisbehavingServer(fail_first) as server:
        client = client_of(server.url)
        assert type(fault_of(client)) is OutcomeUnknown
        assert client.post("calls", json={}).ok


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary"])
def test_redirect_is_not_followed(status: str) -> None:
    def answer(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(status="200 OK")

    with MisbehavingServer(answer) as target:

        def redirect(peer: Peer) -> None:
            peer.read_request()
            peer.answer(status=status, headers=f"Location: {target.url}/stolen\r\n")

        with MisbehavingServer(redirect) as server:
            answered = client_of(server.url).post("calls", json={})
        assert answered.status == int(status[:3])
        assert not answered.ok
        assert target.connections == 0


def test_refused_connection_is_certain() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    fault = fault_of(client_of(f"http://127.0.0.1:{port}"))
    assert type(fault) is ProviderUnavailable
    assert fault.detail == f"127.0.0.1:{port} cannot be reached: it refuses connections"


def test_connect_timeout_is_certain() -> None:
    # A listener whose queue is full lets further connections wait.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            waiting.append(filler)
        time.sleep(0.05)
        started = time.monotonic()
        fault = fault_of(client_of(f"http://127.0.0.1:{full.getsockname()[1]}"))
        assert time.monotonic() - started < 3
        for filler in waiting:
            filler.close()
    assert type(fault) is ProviderUnavailable
    assert "does not accept a connection in time" in fault.detail


def test_unknown_name_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    fault = fault_of(client_of("https://api.example.invalid"))
    assert type(fault) is ProviderUnavailable
    assert fault.detail == ("api.example.invalid cannot be reached: its name cannot be resolved")


def test_unreachable_network_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("urllib3.util.connection.create_connection", unreachable)
    fault = fault_of(client_of("https://api.example.invalid"))
    assert type(fault) is ProviderUnavailable
    assert "Network is unreachable" in fault.detail


@pytest.mark.parametrize(
    "request_of",
    [
        lambda client: client.post("calls", json={"n": float("nan")}),
        lambda client: client.post("calls", json={"n": object()}),
        lambda client: client.post("calls", json={}, headers={"X-Name": "a\r\nX-Evil: 1"}),
        lambda client: client.post("calls", json={}, headers={"X-Name": "名"}),
    ],
    ids=["nan", "object", "header-injection", "header-charset"],
)
def test_request_that_cannot_be_written_is_refused_or_certain(
    request_of: Callable[[HttpClient], object],
) -> None:
    with MisbehavingServer(close_without_answer) as server:
        with pytest.raises((ProviderRefused, ProviderUnavailable)):
            request_of(client_of(server.url))
        assert server.requests == []


# TLS


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    return both


@contextmanager
def tls_server(certificate: Path, behaviour: Behaviour) -> Iterator[MisbehavingServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with MisbehavingServer(behaviour, tls=context) as server:
        yield server


def answer_all(peer: Peer) -> None:
    while peer.read_request():
        peer.answer()


def test_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with tls_server(certificate, answer_all) as server:
        fault = fault_of(client_of(server.url))
        assert type(fault) is ProviderUnavailable
        assert "certificate is not valid" in fault.detail
        assert server.requests == []


def test_certificate_of_the_own_authority_is_accepted(certificate: Path) -> None:
    with tls_server(certificate, answer_all) as server:
        client = client_of(server.url, ca_bundle=str(certificate))
        assert client.post("calls", json={}).ok
        assert client.post("calls", json={}).ok
        assert server.connections == 1


def test_certificate_of_another_host_is_refused(certificate: Path) -> None:
    with tls_server(certificate, answer_all) as server:
        url = f"https://localhost:{server.port}"
        fault = fault_of(client_of(url, ca_bundle=str(certificate)))
        assert type(fault) is ProviderUnavailable
        assert server.requests == []


def test_fault_after_sending_over_tls_is_unknown(certificate: Path) -> None:
    for behaviour in (hang, close_without_answer, reset_before_answer, half_body, dripping_body):
        with tls_server(certificate, behaviour) as server:
            fault = fault_of(client_of(server.url, ca_bundle=str(certificate)))
            assert type(fault) is OutcomeUnknown, behaviour
            assert len(server.requests) == 1


def silent_handshake(peer: Peer) -> None:
    time.sleep(5)


def broken_handshake(peer: Peer) -> None:
    peer.connection.recv(100)
    peer.reset()


def plain_text(peer: Peer) -> None:
    peer.connection.recv(1000)
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("behaviour", [silent_handshake, broken_handshake, plain_text])
def test_failed_handshake_is_certain(behaviour: Behaviour) -> None:
    with MisbehavingServer(behaviour) as server:
        fault = fault_of(client_of(f"https://127.0.0.1:{server.port}"))
    assert type(fault) is ProviderUnavailable


def test_missing_ca_bundle_is_certain() -> None:
    fault = fault_of(client_of("https://127.0.0.1:9", ca_bundle="/nonexistent/ca.pem"))
    assert type(fault) is ProviderUnavailable


# Secrets


def echo_with_error(peer: Peer) -> None:
    request = peer.read_request()
    peer.answer(request, status="500 Oops")


def chunk_of_secret(peer: Peer) -> None:
    peer.read_request()
    peer.send(f"HTTP/1.1 200 {SECRET}\r\nTransfer-Encoding: chunked\r\n\r\n{SECRET}".encode())


@pytest.mark.parametrize(
    "behaviour", [hang, reset_before_answer, half_body, no_http, chunk_of_secret, huge_body]
)
def test_secrets_are_in_no_fault_and_no_log(
    behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with MisbehavingServer(behaviour) as server:
        fault = fault_of(client_of(server.url))
    assert_no_secret(fault, caplog)


def test_secrets_are_in_no_words_of_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with MisbehavingServer(echo_with_error) as server:
        client = client_of(server.url)
        answer = client.post("calls", json={"secret": SECRET}, query={"api_key": SECRET})
    assert "***" in answer.words
    assert "canary" not in answer.words + repr(answer) + repr(client)
    assert "POST" in caplog.text
    assert_no_secret(http.failure(answer), caplog)


def test_secrets_in_a_broken_head_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken_head(peer: Peer) -> None:
        peer.read_request()
        peer.send(f"HTTP/1.1 200 OK\r\n{SECRET}\r\nContent-Le".encode())

    caplog.set_level(logging.DEBUG)
    with MisbehavingServer(broken_head) as server:
        client_of(server.url).post("calls", json={}, query={"api_key": SECRET})
    assert "Failed to parse headers" in caplog.text
    assert "canary" not in caplog.text


def test_secret_that_straddles_the_cut_is_redacted() -> None:
    def long_echo(peer: Peer) -> None:
        peer.read_request()
        peer.answer(b"x" * (http.LONGEST_WORDS - 12) + SECRET.encode())

    with MisbehavingServer(long_echo) as server:
        assert "canary" not in client_of(server.url).get("calls").words


def test_refused_connection_hides_the_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert_no_secret(fault_of(client_of("http://127.0.0.1:9")), caplog)


def test_other_users_of_urllib3_keep_their_logs(caplog: pytest.LogCaptureFixture) -> None:
    client_of("http://127.0.0.1:9")
    with caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
        logging.getLogger("urllib3.connectionpool").debug("about %s", SECRET)
    assert SECRET in caplog.text


def test_threads_do_not_mix_up_their_faults() -> None:
    """A certain failure stays certain while other threads are in the middle of sending."""
    with MisbehavingServer(hang) as server:
        senders = [
            threading.Thread(target=fault_of, args=(client_of(server.url),)) for _ in range(8)
        ]
        for sender in senders:
            sender.start()
        for _ in range(20):
            assert type(fault_of(client_of("http://127.0.0.1:9"))) is ProviderUnavailable
        for sender in senders:
            sender.join()


def assert_no_secret(fault: ProviderError, caplog: pytest.LogCaptureFixture) -> None:
    shown = f"{fault} {fault!r} {fault.detail} {fault.__dict__} {caplog.text}"
    assert fault.__cause__ is None
    assert fault.__context__ is None
    assert "canary" not in shown
    assert "4711" not in shown
