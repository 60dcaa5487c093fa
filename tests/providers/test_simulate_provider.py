"""`manage.py simulate_provider` as a process of its own."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from clicktocall.orders import CallOrder
from clicktocall.providers import simulation
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.providers.sandbox.stories import contact_for
from tests.providers.loopback import CallbackReceiver

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "simulate_provider", *sys.argv[1:]])
"""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", RUN, *arguments]


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port: int = unused.getsockname()[1]
        return port


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command(*arguments),
            env=environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_it_is_stopped(
    number: signal.Signals,
    start: Callable[..., subprocess.Popen[str]],
    receiver: CallbackReceiver,
    new_order: Callable[..., CallOrder],
) -> None:
    port = free_port()
    process = start("sandbox", "--port", str(port), "--speed", "20", "--api-key", "a-key")
    assert first_line(process) == f"sandbox listens on http://127.0.0.1:{port}, speed 20"
    assert requests.get(f"http://127.0.0.1:{port}/health", timeout=5).json()["status"] == "ok"

    options = {"BASE_URL": f"http://127.0.0.1:{port}", "API_KEY": "a-key"}
    order = new_order("a_declined")
    SandboxProvider("box", options).place_call(order)
    assert receiver.wait_for_end()[-1]["outcome"] == "declined"

    process.send_signal(number)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "sandbox stopped" in output
    assert f"call {order.reference} accepted: +4420…90 and +4420…04 plays a_declined" in output
    assert contact_for("a_declined") not in output
    assert "Traceback" not in errors


def test_stops_in_the_middle_of_a_call(
    start: Callable[..., subprocess.Popen[str]], new_order: Callable[..., CallOrder]
) -> None:
    port = free_port()
    process = start("sandbox", "--port", str(port), "--api-key", "a-key")
    first_line(process)
    options = {"BASE_URL": f"http://127.0.0.1:{port}", "API_KEY": "a-key"}
    SandboxProvider("box", options).place_call(new_order())
    process.terminate()
    _, errors = process.communicate(timeout=5)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_key_defaults_to_that_of_the_settings(
    start: Callable[..., subprocess.Popen[str]], new_order: Callable[..., CallOrder]
) -> None:
    port = free_port()
    process = start("sandbox", "--port", str(port))
    first_line(process)
    options = {
        "BASE_URL": f"http://127.0.0.1:{port}",
        "API_KEY": "api-key-of-the-sandbox-in-tests",
    }
    assert SandboxProvider("box", options).place_call(new_order("silent")).provider_reference


def test_busy_port_gives_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("sandbox", "--port", str(port), "--api-key", "a-key")
    assert result.returncode != 0
    assert result.stderr.splitlines()[-1] == (
        f"CommandError: Cannot listen on 127.0.0.1:{port}: Address already in use."
    )
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("pigeon",), "invalid choice: 'pigeon'"),
        (("sandbox", "--port", "0"), "must be a number from 1 to 65535"),
        (("sandbox", "--port", "http"), "must be a number from 1 to 65535"),
        (("sandbox", "--speed", "0"), "must be a number from 0.01 to 1000"),
        (("sandbox", "--speed", "nan"), "must be a number from 0.01 to 1000"),
    ],
)
def test_wrong_arguments(arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.returncode != 0
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_help_explains() -> None:
    help_text = run("--help").stdout
    for part in ("{infobip,sandbox}", "--port", "--speed", "--api-key", "loopback"):
        assert part in help_text


def test_what_simulators_share_knows_no_provider() -> None:
    """It is the ground both stand on; through it, nothing of an adapter could be shared."""
    files = list(Path(simulation.__path__[0]).glob("*.py"))
    imported = {
        module
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in _names_of(node)
    }
    ours = {module for module in imported if module.startswith("clicktocall")}
    assert len(files) >= 5
    assert {module for module in ours if not module.startswith(simulation.__name__)} == set()


def _names_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]
