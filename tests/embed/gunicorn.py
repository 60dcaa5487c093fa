"""The test settings behind real gunicorn processes, on the database of the test that asks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from django.db import connection

from tests.postgres import URL
from tests.settings import SQLITE

CHECKOUT = Path(__file__).resolve().parents[2]
_PATIENCE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    log: Path

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, *pieces: bytes, half_close: bool = True, timeout: float = 20.0) -> bytes:
        """Everything the server says to these bytes, however wrong they are."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as raw:
            for piece in pieces:
                raw.sendall(piece)
            if half_close:
                raw.shutdown(socket.SHUT_WR)
            return _read_all(raw)

    def send_and_vanish(self, *pieces: bytes) -> None:
        """Send, and reset the connection without listening."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        for piece in pieces:
            raw.sendall(piece)
        raw.close()


@contextmanager
def serving(folder: Path, *, workers: int = 2) -> Iterator[Server]:
    """Gunicorn with sync workers, as `make run` starts it."""
    server = Server(_port_of_this_worker(), folder / "gunicorn.log")
    command = [
        *(sys.executable, "-m", "gunicorn", "--workers", str(workers), "--timeout", "30"),
        *("--bind", f"127.0.0.1:{server.port}", "--worker-tmp-dir", str(folder)),
        "django.core.wsgi:get_wsgi_application()",
    ]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "tests.settings"),
        URL: address_of_this_database(),
    }
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_it_answers(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def address_of_this_database() -> str:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(name)}?{urlencode(SQLITE['OPTIONS'])}"
    address = connection.settings_dict
    login = f"{address['USER']}:{quote(address['PASSWORD'] or '')}".rstrip(":")
    return f"postgres://{login}@{address['HOST']}:{address['PORT']}/{name}"


def _port_of_this_worker() -> int:
    """A free port that no other worker of the tests takes at the same moment."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in range(21000 + 200 * worker, 21200 + 200 * worker):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port for gunicorn")


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + _PATIENCE
    health = b"GET /clicktocall/health/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    while time.monotonic() < give_up and process.poll() is None:
        try:
            # Its own log says so: another server may have taken the port and answer for it.
            listens = b"Listening at" in server.log.read_bytes()
            if listens and b" 200 " in server.send(health, half_close=False):
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"gunicorn does not answer:\n{server.log.read_text()}")


def _read_all(raw: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := raw.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received
