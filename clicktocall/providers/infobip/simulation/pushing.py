"""Pushing reports to the customers: well-behaved, or as badly as one asks for."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from clicktocall.providers.infobip.simulation.stories import Told
from clicktocall.providers.infobip.simulation.xml import as_xml
from clicktocall.providers.simulation.courier import Courier
from clicktocall.providers.simulation.scheduler import Scheduler

logger = logging.getLogger(__name__)

TRIES = 8
TIMEOUT = (3.0, 10.0)  # seconds to connect, to answer
LONGEST_DISORDER = 5.0  # seconds at speed 1
LATE = 2.0
LONGEST_GATHERING = 1.0
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How reports are pushed. Times are seconds at speed 1.

    Attributes:
        never: no report leaves.
        copies: how often each one is sent.
        delay: how late each one is.
        disorder: each one is late by chance, so that those of several messages are mixed.
        batch: how many reports one POST may carry.
        pause: before a report that was refused is tried again: once, and once more for the
            square of the tries so far (the schedule the provider publishes has 60).
        basic: user:password to send with each POST.
        hosts: those that may be told, besides the loopback ones.
    """

    never: bool = False
    copies: int = 1
    delay: float = 0.0
    disorder: bool = False
    batch: int = 1
    pause: float = 60.0
    basic: str = field(default="", repr=False)
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Destination:
    """Where reports go and in which shape; what shares one may share a POST."""

    url: str = field(repr=False)
    as_xml: bool
    version: int

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


class Pusher:
    """Sends reports from a small pool of threads, each until it is taken or given up."""

    def __init__(
        self, scheduler: Scheduler, manners: Manners, *, speed: float, seed: int, workers: int = 8
    ) -> None:
        self._scheduler = scheduler
        self._manners = manners
        self._speed = speed
        self._seed = seed
        self._stopped = False
        self._gathered: dict[Destination, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="infobip-report")
        self._courier = Courier("infobip", _login(manners.basic))

    def stop(self) -> None:
        """Forget what was not sent and wait for what is being sent."""
        self._stopped = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def tell(self, destination: Destination, report: dict[str, Any], told: Told) -> None:
        """Send the report of one message, as the manners and its story want it."""
        if self._manners.never or told == Told.NEVER:
            return
        if destination.host not in LOOPBACK_HOSTS | self._manners.hosts:
            logger.warning("message %s: not reported to a stranger", report["messageId"])
            return
        copies = self._manners.copies + (told == Told.LATE_AND_TWICE)
        for number in range(copies):
            pause = self._lateness(report["messageId"], number, told) / self._speed
            self._scheduler.after(pause, lambda: self._gather(destination, report))

    def _lateness(self, message_id: str, number: int, told: Told) -> float:
        late = self._manners.delay + (LATE if told == Told.LATE_AND_TWICE else 0.0)
        if self._manners.disorder:
            chance = Random(f"{self._seed} {message_id} {number}")  # noqa: S311 (a story)
            late += chance.uniform(0, LONGEST_DISORDER)
        return late

    def _gather(self, destination: Destination, report: dict[str, Any]) -> None:
        with self._lock:
            waiting = self._gathered.setdefault(destination, [])
            waiting.append(report)
            is_first, is_full = len(waiting) == 1, len(waiting) >= self._manners.batch
        if is_full:
            self._release(destination)
        elif is_first:
            pause = LONGEST_GATHERING / self._speed
            self._scheduler.after(pause, lambda: self._release(destination))

    def _release(self, destination: Destination) -> None:
        with self._lock:
            reports = self._gathered.pop(destination, [])
        if reports:
            self._submit(destination, _rendered(destination, reports), 1)

    def _submit(self, destination: Destination, body: bytes, number: int) -> None:
        with contextlib.suppress(RuntimeError):  # stopped: the pool takes no more
            self._pool.submit(self._try, destination, body, number)

    def _try(self, destination: Destination, body: bytes, number: int) -> None:
        if self._stopped:
            return
        problem = self._problem_of(destination, body)
        if problem and number == TRIES:
            logger.warning("gave up a report after %d tries (%s)", TRIES, problem)
        elif problem:
            pause = self._manners.pause * (1 + number**2) / self._speed
            self._scheduler.after(pause, lambda: self._submit(destination, body, number + 1))

    def _problem_of(self, destination: Destination, body: bytes) -> str:
        kind = "application/xml" if destination.as_xml else "application/json"
        kind += ";charset=UTF-8"
        return self._courier.post(destination.url, body, kind, timeout=TIMEOUT)


def _login(basic: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(basic.encode()).decode()}"} if basic else {}


def _rendered(destination: Destination, reports: list[dict[str, Any]]) -> bytes:
    content = {"results": reports}
    if not destination.as_xml:
        return json.dumps(content, ensure_ascii=False).encode()
    # The documents' example of the old XML report repeats sentAt where doneAt belongs.
    renamed = {"doneAt": "sentAt"} if destination.version == 1 else {}
    return as_xml("reportResponse", content, renamed)
