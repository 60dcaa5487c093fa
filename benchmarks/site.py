"""A site of its own for the benchmarks: fresh database, gunicorn, and a dispatcher when asked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def settings_for(database_url: str | None, sandbox_port: int) -> Iterator[int]:
    """Point this process and its children at a fresh state folder; yields the web port."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="clicktocall-bench-") as state:
        Path(state, "static").mkdir()  # looked for by the static file server
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "DEMO_STATE_DIR": state,
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
        }
        if database_url:
            os.environ["DATABASE_URL"] = database_url
        yield port


@contextmanager
def process(*command: str, ready: int | None = None) -> Iterator[None]:
    """Run a child until the block ends; waits for its port when there is one."""
    child = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT)
    try:
        if ready is not None:
            _wait_for(ready, child)
        yield
    finally:
        child.terminate()
        child.wait(timeout=30)


def web(port: int, workers: int = 2) -> tuple[str, ...]:
    return (
        "gunicorn",
        "django.core.wsgi:get_wsgi_application()",
        f"--bind=127.0.0.1:{port}",
        f"--workers={workers}",
        "--log-level=warning",
    )


def _wait_for(port: int, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise RuntimeError(f"the server ended with {child.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing answers at port {port}")
