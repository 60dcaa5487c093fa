"""A simulated Infobip with a durable log, and dispatchers that are killed while they use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.calls.recover import recover
from clicktocall.models import Attempt, Call, Endpoint
from clicktocall.providers.infobip.simulation.request_log import phones_rung
from clicktocall.states import WAITING_STATES, CallState
from tests.embed.gunicorn import address_of_this_database
from tests.factories import make_call
from tests.postgres import URL
from tests.providers.contract import simulating

CHECKOUT = Path(__file__).resolve().parents[2]
KEY = "infobip-key-of-the-fault-tests"
# What the provider really does, by what is proven of it.
DEDUPE = {"none": "none", "window": "window:600", "lookup": "lookup"}

_ROUNDS = 40


class Ward:
    """Places calls with a provider of one `dedupe` kind, and kills whoever does so."""

    def __init__(self, kind: str, log: Path, nursery: subprocess.Popen[str]) -> None:
        self.kind = kind
        self._log = log
        self._nursery = nursery
        self._phones = iter(range(10_000))

    def new_calls(self, endpoint: Endpoint, count: int) -> list[Call]:
        """Queued calls, each to a number of its own."""
        in_an_hour = timezone.now() + timedelta(hours=1)
        return [
            make_call(endpoint, contact=f"+4479{next(self._phones):04}5555", expires_at=in_an_hour)
            for _ in range(count)
        ]

    def kill_at(self, point: str, passing: int = 1) -> None:
        """Run a dispatcher until it is killed there."""
        stdin, stdout = self._nursery.stdin, self._nursery.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"alias": "infobip", "point": point, "passing": passing}) + "\n")
        stdin.flush()
        ended_by = int(stdout.readline())
        assert ended_by == signal.SIGKILL, f"“{point}” was not passed ({ended_by})"

    def age(self) -> None:
        """As if every claim, lease and pause were over."""
        past = timezone.now() - timedelta(seconds=1)
        Call.objects.filter(state=CallState.PLACING, claimed_until__isnull=False).update(
            claimed_until=past
        )
        Call.objects.filter(due_at__isnull=False).update(due_at=past)
        Attempt.objects.filter(follow_up_at__isnull=False).update(follow_up_at=past)

    def bring_to_an_end(self, calls: list[Call]) -> None:
        """Healthy dispatchers take over, until every call is placed or over."""
        open_states = [*WAITING_STATES, CallState.PLACING]
        for _ in range(_ROUNDS):
            if not Call.objects.filter(
                pk__in=[c.pk for c in calls], state__in=open_states
            ).exists():
                return
            self.age()
            recover()
            CallDispatcher(["infobip"]).drain()
        stuck = Call.objects.filter(pk__in=[call.pk for call in calls], state__in=open_states)
        raise AssertionError(f"without an end: {list(stuck.values_list('state', 'outcome_words'))}")

    def rung(self, calls: list[Call]) -> Counter[str]:
        """How often the phone of each call has rung, by the provider's own log."""
        told = Counter(phones_rung(self._log))
        return Counter({c.pk: told[c.contact.as_e164.removeprefix("+")] for c in calls})


@contextmanager
def ward(kind: str, folder: Path, **settings: Any) -> Iterator[tuple[Ward, dict[str, Any]]]:
    """A ward, and the `CLICKTOCALL` settings with its provider and whatever else is given."""
    log = folder / "requests.jsonl"
    arguments = ("infobip", "--api-key", KEY, "--log", str(log), "--report-never")
    with simulating(*arguments, "--dedupe", DEDUPE[kind]) as address:
        infobip = {
            "BACKEND": "clicktocall.providers.infobip.InfobipProvider",
            "OPTIONS": {
                "BASE_URL": address,
                "API_KEY": KEY,
                "CALLBACK_SECRETS": ["a-callback-secret-of-the-fault-tests"],
                "DEDUPE": DEDUPE[kind],
            },
        }
        configured = {"PROVIDERS": {"infobip": infobip}, **settings}
        with _nursery(configured) as nursery:
            yield Ward(kind, log, nursery), configured


def environment_with(configured: dict[str, Any]) -> dict[str, str]:
    """For a process that works on the database of this test, with these settings."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "CLICKTOCALL_FAULTS": json.dumps(configured),
        URL: address_of_this_database(),
    }


@contextmanager
def _nursery(configured: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nursery"],
        cwd=CHECKOUT,
        env=environment_with(configured),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
