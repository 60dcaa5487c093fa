"""Dispatchers that are stopped in the middle of their work, and go on when others have taken over.

Row 53 of the fault table: eight of them, a thousand calls, each placed once.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clicktocall.models import Call
from clicktocall.states import WAITING_STATES, CallState, Outcome
from tests.faults.test_kills import endpoint
from tests.faults.ward import CHECKOUT, environment_with, ward

DISPATCHERS = 8
CALLS = 1000
# `make torture` takes the real life of a claim.
CLAIM_LIFETIME = 60 if "CLICKTOCALL_KILLS" in os.environ else 6
PATIENCE = 180 + 4 * CLAIM_LIFETIME


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_thousand_calls_are_placed_once_though_their_dispatchers_are_stopped_and_go_on(
    tmp_path: Path, settings: Any
) -> None:
    with ward("lookup", tmp_path, CLAIM_LIFETIME=CLAIM_LIFETIME) as (patients, configured):
        settings.CLICKTOCALL = {**settings.CLICKTOCALL, **configured}
        calls = patients.new_calls(endpoint(), CALLS)
        with dispatchers(configured) as working:
            stop_some_for_a_while(working)
            wait_until_all_are_placed()
        rung = patients.rung(calls)
        ends = {call.outcome for call in Call.objects.all()}
    assert set(rung.values()) == {1}
    assert ends <= {None, Outcome.COMPLETED}


@contextmanager
def dispatchers(configured: dict[str, Any]) -> Iterator[list[subprocess.Popen[bytes]]]:
    command = [sys.executable, "manage.py", "run_dispatcher"]
    working = [
        subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environment_with(configured),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(DISPATCHERS)
    ]
    try:
        yield working
    finally:
        for process in working:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


def stop_some_for_a_while(working: list[subprocess.Popen[bytes]]) -> None:
    """Five of the eight are stopped as soon as they hold calls, for longer than a claim lives."""
    chance = random.Random(53)
    held = Call.objects.filter(attempt_count__gt=0)
    give_up = time.monotonic() + PATIENCE
    while not held.exists():
        assert time.monotonic() < give_up, "no dispatcher has begun"
        time.sleep(0.01)
    stopped = chance.sample(working, 5)
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
        time.sleep(chance.uniform(0, 0.05))
    time.sleep(CLAIM_LIFETIME + 5)
    for process in stopped:
        process.send_signal(signal.SIGCONT)


def wait_until_all_are_placed() -> None:
    unfinished = Call.objects.filter(state__in=[*WAITING_STATES, CallState.PLACING])
    give_up = time.monotonic() + PATIENCE
    while unfinished.exists():
        assert time.monotonic() < give_up, f"{unfinished.count()} calls without an end"
        time.sleep(0.2)
