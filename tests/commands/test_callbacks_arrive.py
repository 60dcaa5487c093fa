"""`check_callbacks` against real addresses: a site that answers, another one, nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management import CommandError, call_command


@pytest.fixture
def somebody() -> Iterator[str]:
    """A web server that has nothing to do with us."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<h1>Welcome</h1>")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/clicktocall/"
    server.shutdown()
    server.server_close()


def check(settings: Any, address: str) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PUBLIC_URL": address}
    call_command("check_callbacks", timeout=2)


@pytest.mark.django_db(transaction=True)
def test_a_site_that_answers_is_fine(settings: Any, live_server: Any) -> None:
    check(settings, f"{live_server.url}/clicktocall/")


def test_nobody_answers(settings: Any) -> None:
    with pytest.raises(CommandError, match="does not answer"):
        check(settings, "http://127.0.0.1:9/clicktocall/")


def test_somebody_else_answers(settings: Any, somebody: str) -> None:
    with pytest.raises(CommandError, match="not as this app does"):
        check(settings, somebody)


def test_the_address_is_missing(settings: Any) -> None:
    with pytest.raises(CommandError, match="PUBLIC_URL"):
        check(settings, "")
