"""Telling the customer: reports over HTTP, tried again until they are taken."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from clicktocall.providers.simulation.courier import Courier
from clicktocall.providers.simulation.scheduler import Scheduler

logger = logging.getLogger(__name__)

TRIES = 8
FIRST_PAUSE = 0.25  # before the second try, then doubled (seconds)
LONGEST_PAUSE = 10.0
TIMEOUT = (3.0, 10.0)  # to connect, to answer


@dataclass(slots=True)
class Report:
    """One report on its way; every try of it is the same."""

    url: str = field(repr=False)
    content: dict[str, Any]
    tries: int = 0


@dataclass(slots=True)
class Lane:
    """Reports that are sent strictly one after the other."""

    reports: deque[Report] = field(default_factory=deque)
    moving: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Reporter:
    """Sends reports from a small pool of threads; a failed one holds up only its own lane."""

    def __init__(
        self, scheduler: Scheduler, *, workers: int = 8, first_pause: float = FIRST_PAUSE
    ) -> None:
        self._scheduler = scheduler
        self._first_pause = first_pause
        self._stopped = False
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="sandbox-report")
        self._courier = Courier("sandbox")

    def stop(self) -> None:
        """Forget what was not sent and wait for what is being sent."""
        self._stopped = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def send(self, lane: Lane, url: str, content: dict[str, Any]) -> None:
        with lane.lock:
            lane.reports.append(Report(url, content))
            if lane.moving:
                return
            lane.moving = True
        self._move(lane)

    def _move(self, lane: Lane) -> None:
        with contextlib.suppress(RuntimeError):  # stopped: the pool takes no more
            self._pool.submit(self._empty, lane)

    def _empty(self, lane: Lane) -> None:
        while not self._stopped:
            report = lane.reports[0]
            if not self._delivered(report) and report.tries < TRIES:
                pause = min(self._first_pause * 2 ** (report.tries - 1), LONGEST_PAUSE)
                self._scheduler.after(pause, lambda: self._move(lane))
                return
            with lane.lock:
                lane.reports.popleft()
                if not lane.reports:
                    lane.moving = False
                    return

    def _delivered(self, report: Report) -> bool:
        report.tries += 1
        body = json.dumps(report.content).encode()
        problem = self._courier.post(report.url, body, "application/json", timeout=TIMEOUT)
        if problem and report.tries == TRIES:
            logger.warning(
                "call %s: gave up reporting %s after %d tries (%s)",
                report.content["call"],
                report.content["event"],
                TRIES,
                problem,
            )
        return not problem
