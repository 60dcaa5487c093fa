"""The product as people start it: all its processes, on a free port, with a folder of its own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from demo_site.ports import any_free_port
from tests.postgres import URL

CHECKOUT = Path(__file__).resolve().parent.parent
READY = "Ctrl-C stops everything."

_START_LIMIT = 120.0  # seconds
_STOP_LIMIT = 30.0  # seconds
# What belongs to the tests and must not reach the product.
_OURS = frozenset(
    {
        "DATABASE_URL",
        "DJANGO_ALLOW_ASYNC_UNSAFE",
        "DJANGO_SETTINGS_MODULE",
        "HOST",
        "PORT",
        "PROVIDER",
        "PUBLIC_URL",
        "SANDBOX_PORT",
    }
)


def clean_environ() -> dict[str, str]:
    """The environment of somebody who runs no tests."""
    return {name: value for name, value in os.environ.items() if name not in _OURS}


@dataclass(slots=True)
class Product:
    """A demo site that runs, or ran."""

    state_dir: Path
    port: int = field(default_factory=any_free_port)
    speed: float = 20
    provider: str = ""
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    database_url: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """Where the API and the admin are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def shop_url(self) -> str:
        """The shop page, on another origin than the API."""
        return f"http://localhost:{self.port}/"

    @property
    def provider_url(self) -> str:
        """Where its simulated provider listens."""
        told = json.loads((self.state_dir / "run.json").read_text())
        return f"http://127.0.0.1:{told['sandbox_port']}"

    @property
    def log_file(self) -> Path:
        return self.state_dir / "output.log"

    @property
    def output(self) -> str:
        """What all its processes have written so far."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    @property
    def environ(self) -> dict[str, str]:
        ours = {
            "PORT": str(self.port),
            "DEMO_STATE_DIR": str(self.state_dir),
            "DEMO_SPEED": f"{self.speed:g}",
            "DEMO_ADMIN_PASSWORD": self.admin_password,
            "DEMO_API_KEY": self.api_key,
        }
        if self.database_url:
            ours["DATABASE_URL"] = self.database_url
        if self.provider:
            ours["PROVIDER"] = self.provider
        return clean_environ() | ours

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo_site.run", "--end-with-parent"],
                cwd=CHECKOUT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        give_up = time.monotonic() + _START_LIMIT
        while READY not in self.output:
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise AssertionError(f"The product did not start:\n{self.output}")
            time.sleep(0.1)

    @property
    def supervisor(self) -> subprocess.Popen[bytes]:
        """The process that was started; it starts the others."""
        if self.process is None:
            raise AssertionError("The product was never started.")
        return self.process

    def stop(self) -> int:
        """Ask it to stop; returns its exit code."""
        self.supervisor.terminate()
        try:
            return self.supervisor.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            raise

    def manage(self, *arguments: str) -> str:
        """The output of a `manage.py` command given in another shell."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    @property
    def processes(self) -> dict[int, str]:
        """Its living processes: id and command line, the supervisor's too (Linux)."""
        ours = f"DEMO_STATE_DIR={self.state_dir}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if ours in (folder / "environ").read_bytes().split(b"\0"):
                    command = (folder / "cmdline").read_bytes().split(b"\0")
                    found[int(folder.name)] = b" ".join(command).decode().strip()
            except OSError:
                continue  # it has just ended
        return found

    def pid_of(self, words: str) -> int:
        """The oldest of its processes whose command line has these words."""
        return min(pid for pid, command in self.processes.items() if words in command)

    @contextmanager
    def paused(self, words: str) -> Iterator[None]:
        """Inside the `with`, the process with these words in its command line stands still."""
        pid = self.pid_of(words)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @property
    def info(self) -> dict[str, Any]:
        """What `demo_info --json` says."""
        told: dict[str, Any] = json.loads(self.manage("demo_info", "--json"))
        return told

    def endpoint(self, name: str) -> dict[str, str]:
        """The button of that name: `id`, `name`, `origin`."""
        found: dict[str, str] = next(e for e in self.info["endpoints"] if e["name"] == name)
        return found


@contextmanager
def running(state_dir: Path, **options: Any) -> Iterator[Product]:
    """A product that runs inside the `with`, on PostgreSQL where the tests do."""
    with _database() as database_url:
        product = Product(state_dir, database_url=database_url, **options)
        product.start()
        try:
            yield product
        finally:
            if product.process and product.process.poll() is None:
                product.stop()


@contextmanager
def _database() -> Iterator[str]:
    """The address of a fresh PostgreSQL database; "" where the tests run on SQLite."""
    server = os.environ.get(URL)
    if not server:
        yield ""
        return
    name = f"product_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
