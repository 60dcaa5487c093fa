"""`manage.py simulate_provider infobip` as a process of its own, and its log when it is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command

from clicktocall.providers.infobip.simulation.request_log import (
    RequestLog,
    phones_rung,
    read_log,
)
from tests.providers.infobip_customer import CLICK_TO_CALL, Customer, Inbox, click_to_call, running
from tests.providers.test_simulate_provider import (
    ROOT,
    command,
    environment,
    first_line,
    free_port,
    run,
)

Start = Callable[..., tuple[subprocess.Popen[str], Customer]]

# The simulator is a tool of the tests; what they need of it fails them first.
pytestmark = pytest.mark.slow

CONFIGURED = """
from tests.settings import *

CLICKTOCALL = {
    **CLICKTOCALL,
    "PUBLIC_URL": "http://127.0.0.1:8000/clicktocall/",
    "PROVIDERS": {
        "bip": {
            "BACKEND": "clicktocall.providers.infobip.InfobipProvider",
            "OPTIONS": OPTIONS,
        },
    },
}
"""


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **variables: str) -> tuple[subprocess.Popen[str], Customer]:
        port = free_port()
        process = subprocess.Popen(
            command("infobip", "--port", str(port), *arguments),
            env={**environment(), **variables},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert f"infobip listens on http://127.0.0.1:{port}" in first_line(process)
        return process, Customer(f"http://127.0.0.1:{port}", "App a-key")

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_plays_reports_and_ends_cleanly(start: Start) -> None:
    process, customer = start("--api-key", "a-key", "--speed", "20")
    with Inbox() as inbox:
        customer.call("a_declined", messageId="M-1", notifyUrl=inbox.url)
        (report,) = inbox.wait_for(1)
    assert report["status"]["id"] == 99
    health = requests.get(f"{customer.address}/health", timeout=5).json()
    assert health == {"status": "ok", "counts": {"accepted": 1, "duplicate": 0, "rejected": 0}}
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "infobip stopped" in output
    assert "442079460004" not in output
    assert "Traceback" not in errors


def test_stops_in_the_middle_of_calls_and_slow_answers(start: Start) -> None:
    process, customer = start("--api-key", "a-key", "--fault", "slow", "--slow", "600")
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{customer.address}{CLICK_TO_CALL}",
            json={"messages": [click_to_call()]},
            headers={"Authorization": customer.authorization},
            timeout=0.5,
        )
    process.terminate()
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_every_option_reaches_the_simulator(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    _, customer = start(
        *("--basic", "user:word", "--bearer", "token", "--session", "token", "--speed", "100"),
        *("--log", str(log), "--seed", "3", "--dedupe", "window:60", "--error-codes", "5000"),
        *("--price", "0.5", "--currency", "CHF", "--no-machine-detection", "--no-recording"),
        *("--fault", "429", "--fault-times", "1", "--fault-share", "1", "--retry-after", "9"),
        *("--report-copies", "2", "--report-delay", "1", "--report-disorder"),
        *("--report-batch", "2", "--report-pause", "1", "--report-basic", "we:us"),
        *("--report-version", "1"),
    )
    for authorization in ("Bearer token", "IBSSO token", "Basic dXNlcjp3b3Jk"):
        customer.authorization = authorization
        assert customer.ask("GET", "/tts/3/logs").status_code == 200
    assert customer.call().headers["Retry-After"] == "9"
    with Inbox() as inbox:
        call: dict[str, Any] = {"record": True, "messageId": "M-1", "notifyUrl": inbox.url}
        assert customer.call(**call).json()["messages"][0]["status"]["id"] == 26
        assert customer.call(**call).json()["messages"][0]["status"]["id"] == 23
        refused = customer.call(machineDetection="hangup").json()["messages"][0]
        assert refused["status"]["id"] == 83
        first, second = inbox.wait_for(2)
        assert first == second
        assert inbox.posts[0].headers["authorization"] == "Basic d2U6dXM="
    assert first["price"] == {"pricePerSecond": 0.5, "currency": "CHF"}
    assert first["error"]["id"] == 5000
    assert "voiceCall" not in first
    assert "recordedAudioFileUrl" not in first
    assert phones_rung(log) == ["442079460001"]


@pytest.mark.parametrize(
    ("options", "authorization"),
    [
        ('{"API_KEY": "the-key"}', "App the-key"),
        ('{"USERNAME": "user", "PASSWORD": "word"}', "Basic dXNlcjp3b3Jk"),
    ],
)
def test_credentials_default_to_those_of_the_alias(
    options: str, authorization: str, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "configured.py").write_text(CONFIGURED.replace("OPTIONS,", f"{options},"))
    _, customer = start(
        DJANGO_SETTINGS_MODULE="configured",
        PYTHONPATH=os.pathsep.join((str(ROOT), str(tmp_path))),
    )
    customer.authorization = authorization
    assert customer.call().status_code == 200
    customer.authorization = "App a-key"
    assert customer.call().status_code == 401


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Give --api-key, --basic, --bearer or --session"),
        (("--api-key", "k", "--dedupe", "window"), "must be none, window:SECONDS or lookup"),
        (("--api-key", "k", "--dedupe", "window:long"), "must be a number from 0 to"),
        (("--api-key", "k", "--dedupe", "lookup:3"), "must be none, window:SECONDS or lookup"),
        (("--api-key", "k", "--fault", "418"), "invalid choice: '418'"),
        (("--api-key", "k", "--fault-times", "2"), "--fault-times needs --fault"),
        (
            ("--api-key", "k", "--fault", "500", "--fault-share", "2"),
            "must be a number from 0 to 1",
        ),
        (("--api-key", "k", "--seed", "x"), "must be a whole number"),
        (("--api-key", "k", "--basic", "user"), "must be USER:PASSWORD"),
        (("--api-key", "k", "--currency", "euro"), "must be three capital letters"),
        (("--api-key", "k", "--log", "/no/where"), "must be a file in a folder that exists"),
        (("--api-key", "k", "--report-copies", "0"), "must be a whole number from 1 to 10"),
    ],
)
def test_wrong_options_give_one_clear_line(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("simulate_provider", "infobip", "--port", "1", *arguments)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_wrong_option_on_the_command_line() -> None:
    result = run("infobip", "--dedupe", "window")
    assert result.returncode != 0
    assert "must be none, window:SECONDS or lookup" in result.stderr
    assert "Traceback" not in result.stderr


def test_log_that_cannot_be_opened_gives_one_clear_line(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    result = run("infobip", "--port", str(free_port()), "--api-key", "k", "--log", str(loop))
    assert result.stderr.splitlines()[-1] == (
        f"CommandError: Cannot write to {loop}: Too many levels of symbolic links."
    )


def test_busy_port_gives_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("infobip", "--port", str(port), "--api-key", "k")
    assert result.stderr.splitlines()[-1] == (
        f"CommandError: Cannot listen on 127.0.0.1:{port}: Address already in use."
    )


def test_options_of_infobip_are_refused_for_others() -> None:
    result = run("sandbox", "--port", str(free_port()), "--api-key", "k", "--report-never")
    assert result.stderr.splitlines()[-1] == (
        "CommandError: --report-never is for infobip, not for sandbox."
    )


def test_help_explains_the_options() -> None:
    help_text = run("--help").stdout
    for part in (
        *("infobip only", "--log FILE", "--dedupe", "--fault-times", "--report-disorder"),
        *("reset-early", "--seed", "--session TOKEN", "--error-codes {5000,10000}"),
    ):
        assert part in help_text


# The log.


def test_log_has_every_answer_when_the_process_is_killed(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    process, customer = start("--api-key", "a-key", "--log", str(log))
    answered = [customer.call(messageId=f"M-{n}").status_code for n in range(25)]
    process.kill()
    process.wait(timeout=5)
    assert answered == [200] * 25
    lines = read_log(log)
    assert [line["messages"][0]["messageId"] for line in lines] == [f"M-{n}" for n in range(25)]
    assert len(phones_rung(log)) == 25


def test_no_answer_comes_without_its_line(start: Start, tmp_path: Path) -> None:
    """Killed in the middle of a storm: the log may know more than was answered, never less."""
    log = tmp_path / "requests.jsonl"
    process, customer = start("--api-key", "a-key", "--log", str(log))
    answered: list[str] = []

    def storm(worker: int) -> None:
        number = 0
        while True:
            message_id = f"M-{worker}-{number}"
            try:
                answer = customer.call(messageId=message_id)
            except requests.RequestException:
                return
            if answer.status_code == 200:
                answered.append(message_id)
            if len(answered) > 150:
                process.kill()
            number += 1

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(storm, range(4)))
    process.wait(timeout=5)
    logged = [line["messages"][0]["messageId"] for line in read_log(log)]
    assert len(answered) > 150
    assert len(set(logged)) == len(logged)
    assert set(answered) <= set(logged)
    assert len(logged) <= len(answered) + 4


def test_log_is_continued_after_a_restart(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    for number in range(2):
        process, customer = start("--api-key", "a-key", "--log", str(log))
        customer.call(messageId=f"M-{number}")
        process.kill()
        process.wait(timeout=5)
    assert len(phones_rung(log)) == 2
    assert log.stat().st_mode & 0o077 == 0


def test_line_is_on_the_disk_before_it_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel was asked, in order: the whole line, then the disk."""
    asked: list[str] = []
    write, fsync = os.write, os.fsync

    def watched_write(file: int, data: bytes) -> int:
        asked.append("write")
        return write(file, data)

    def watched_fsync(file: int) -> None:
        asked.append("fsync")
        fsync(file)

    monkeypatch.setattr(os, "write", watched_write)
    monkeypatch.setattr(os, "fsync", watched_fsync)
    log = RequestLog(tmp_path / "requests.jsonl")
    asked.clear()
    log.write({"path": "/somewhere"})
    assert asked == ["write", "fsync"]


def test_torn_last_line_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(b'{"messages": [{"numbers": ["441"], "decision": "accepted"}]}\n{"mess')
    assert phones_rung(path) == ["441"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here that is always full")
def test_what_cannot_be_logged_is_not_answered_and_does_not_ring(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    with running(log=Path("/dev/full")) as customer:
        with pytest.raises(requests.ConnectionError):
            customer.call(messageId="M-1")
        time.sleep(0.4)  # a whole call would be over
    assert "No space left" in caplog.text
    assert "rings" not in caplog.text
