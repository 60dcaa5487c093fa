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

import requests

from clicktocall.providers.sandbox.scheduler import Scheduler

logger = logging.getLogger(__name__)

TRIES = 8
FIRST_PAUSE = 0.25  # before the second try, then doubled (seconds)
LONGEST_PAUSE = 10.0
TIMEOUT = (3.0, 10.0)


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
        self._thread = threading.local()

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
        try:
            answer = self._session().post(
                report.url,
                data=json.dumps(report.content).encode(),
                headers={"Content-Type": "application/json"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            problem = type(error).__name__  # its message would quote the secret address
        else:
            if 200 <= answer.status_code < 300:
                return True
            problem = str(answer.status_code)
        if report.tries == TRIES:
            logger.warning(
                "call %s: gave up reporting %s after %d tries (%s)",
                report.content["call"],
                report.content["event"],
                TRIES,
                problem,
            )
        return False

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._thread, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.headers["User-Agent"] = "clicktocall-sandbox"
            self._thread.session = session
        return session
