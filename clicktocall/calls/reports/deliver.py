"""Sending what stands in the outbox, until it arrives or is given up.

One thread takes and records, so that the database has one writer of ours; the receivers are
waited for in others, and no transaction is open meanwhile. Each receiver has a lane of its own:
few messages under way at a time, so that one that hangs holds up nobody else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Empty, SimpleQueue

from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from clicktocall.calls.reports.due import LEASE, due_receivers, take_due
from clicktocall.calls.reports.results import give_up, record_tries
from clicktocall.calls.reports.secrets import secrets_of
from clicktocall.calls.reports.sending import Letter, Tried, send
from clicktocall.conf import settings
from clicktocall.models import Delivery, DeliveryState, SigningSecret
from clicktocall.outbound import Limits, OutboundClient
from clicktocall.providers.deadline import steady_now

logger = logging.getLogger(__name__)

LIMITS = Limits(connect=5.0, silence=15.0, total=15.0)
KEPT_FOR = timedelta(days=30)

_PACE = 0.1  # seconds between two looks at the outbox
_TIDY_EVERY = 60.0  # seconds
_REMOVED_AT_ONCE = 500
_RECORDED_AT_ONCE = 200
_GATHERED_FOR = 0.02  # seconds: results that come together are written together
# Taken beforehand for a receiver that answers quickly, so that not each one costs a look.
_TAKEN_AHEAD = 20
_QUICK = 1.0  # seconds
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)  # while the database is not available


@dataclass(slots=True)
class _Lane:
    """The way to one receiver."""

    waiting: deque[Letter] = field(default_factory=deque)
    under_way: int = 0


class Deliverer:
    """Sends reports until it is told to stop. Any number may run, in any number of processes.

    Args:
        limits: what a receiver has to answer in.
        lease: for how long what is taken is ours; longer than a receiver may take to answer.
    """

    def __init__(self, limits: Limits = LIMITS, lease: timedelta = LEASE) -> None:
        self._client = OutboundClient(limits)
        self._limits = limits
        self._lease = lease
        self._threads: int = settings.REPORT_CONCURRENCY
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="report")
        self._results: SimpleQueue[Tried] = SimpleQueue()
        self._unrecorded: deque[Tried] = deque()
        self._lanes: dict[str, _Lane] = {}
        # Receivers whose latest answer took long, or never came: together they never get more
        # than half of the threads.
        self._slow: set[str] = set()
        self._stopping = threading.Event()
        self._next_tidy = 0.0

    def stop(self) -> None:
        """Wait for what is under way, record it, and return from `run`. Safe in any thread."""
        self._stopping.set()

    def run(self) -> None:
        """Deliver until `stop`; waits out a locked or lost database."""
        failures = 0
        while not self._stopping.is_set():
            try:
                self.step(_PACE)
                failures = 0
            except (DatabaseError, InterfaceError) as error:
                logger.warning("database not available for reports: %s", error)
                failures += 1
            except Exception:
                logger.exception("reports could not be looked after")
                failures += 1
            if failures:
                connections.close_all()
                self._stopping.wait(_PAUSES[min(failures, len(_PAUSES)) - 1])
        self._finish()

    def step(self, seconds: float = 0.0) -> None:
        """Record what comes back within `seconds`, take what is due, and send it."""
        self._collect(seconds)
        self._record()
        self._take()
        self._hand_out()
        self._tidy()

    def drain(self) -> None:
        """Send everything that is due now, once, and record it; then close."""
        while True:
            self.step(_PACE)
            if not self._lanes and not self._unrecorded and not due_receivers():
                break
        self._pool.shutdown()

    # --- taking ---------------------------------------------------------------------------------

    def _take(self) -> None:
        free = self._threads - sum(lane.under_way for lane in self._lanes.values())
        if free <= 0:
            return
        wanted: dict[str, int] = {}
        for receiver in due_receivers():
            room = self._room(receiver)
            if room and not self._lanes.get(receiver, _Lane()).waiting:
                wanted[receiver] = room if receiver in self._slow else room + _TAKEN_AHEAD
                free -= room
            if free <= 0:
                break
        if wanted:
            taken_at = steady_now()
            self._line_up(take_due(wanted, self._lease), taken_at)

    def _room(self, receiver: str) -> int:
        """How many more may be under way to this receiver now."""
        lane = self._lanes.get(receiver)
        room = int(settings.REPORTS_PER_RECEIVER) - (lane.under_way if lane else 0)
        if receiver in self._slow:
            slow = sum(lane.under_way for name, lane in self._lanes.items() if name in self._slow)
            room = min(room, self._threads // 2 - slow)
        return max(room, 0)

    def _line_up(self, ids: Sequence[str], taken_at: float) -> None:
        good_until = taken_at + self._lease.total_seconds() - self._limits.total
        deliveries = Delivery.objects.filter(pk__in=ids).select_related("webhook")
        switched_off = [one.pk for one in deliveries if one.webhook and not one.webhook.active]
        if switched_off:
            give_up(switched_off, _("The webhook is switched off."))
        wanted = [one for one in deliveries if one.pk not in switched_off]
        signing = secrets_of(wanted)
        for one in sorted(wanted, key=lambda one: one.created_at):
            letter = Letter(
                id=one.pk,
                receiver=one.receiver,
                url=one.address,
                content_type=one.content_type,
                body=bytes(one.body),
                secrets=signing[one.pk],
                tries=one.tries,
                webhook_id=one.webhook_id,
                good_until=good_until,
            )
            self._lanes.setdefault(one.receiver, _Lane()).waiting.append(letter)

    # --- sending --------------------------------------------------------------------------------

    def _hand_out(self) -> None:
        for receiver in list(self._lanes):
            self._send_on(receiver)

    def _send_on(self, receiver: str) -> None:
        """Send what waits for this receiver, as far as there is room."""
        lane, now = self._lanes[receiver], steady_now()
        while lane.waiting and lane.waiting[0].good_until <= now:
            lane.waiting.popleft()  # our claim ends; whoever takes it next sends it
        for _each in range(min(self._room(receiver), len(lane.waiting))):
            lane.under_way += 1
            self._pool.submit(self._send, lane.waiting.popleft())
        if not lane.waiting and not lane.under_way:
            del self._lanes[receiver]

    def _send(self, letter: Letter) -> None:
        self._results.put(send(letter, self._client))

    # --- recording ------------------------------------------------------------------------------

    def _collect(self, seconds: float) -> None:
        """Take what comes back within `seconds`, and send on at once where there is more.

        What has come back is recorded soon: if this process is killed before, it is sent again.
        """
        until = time.monotonic() + seconds
        while len(self._unrecorded) < _RECORDED_AT_ONCE:
            left = until - time.monotonic()
            try:
                tried = self._results.get(timeout=left) if left > 0 else self._results.get_nowait()
            except Empty:
                return
            if not self._unrecorded:
                until = min(until, time.monotonic() + _GATHERED_FOR)
            self._answered(tried)

    def _answered(self, tried: Tried) -> None:
        receiver = tried.letter.receiver
        self._lanes[receiver].under_way -= 1
        if tried.seconds <= _QUICK:
            self._slow.discard(receiver)
        else:
            self._slow.add(receiver)
        self._unrecorded.append(tried)
        self._send_on(receiver)

    def _record(self) -> None:
        # A result leaves only after it is written: a lost database loses none.
        tried = list(self._unrecorded)
        if tried:
            _record_together(tried)
            for _each in tried:
                self._unrecorded.popleft()

    def _tidy(self) -> None:
        """Remove what was delivered long ago, some at a time, and secrets that have retired."""
        if time.monotonic() < self._next_tidy:
            return
        now = timezone.now()
        old = Delivery.objects.filter(
            state=DeliveryState.DELIVERED, done_at__lt=now - KEPT_FOR
        ).order_by("done_at")
        ids = list(old.values_list("pk", flat=True)[:_REMOVED_AT_ONCE])
        if ids:
            Delivery.objects.filter(pk__in=ids).delete()
        else:
            SigningSecret.objects.filter(retires_at__lt=now).delete()
            self._next_tidy = time.monotonic() + _TIDY_EVERY

    def _finish(self) -> None:
        """Give back what has not been sent, and wait for what is under way."""
        unsent = [letter.id for lane in self._lanes.values() for letter in lane.waiting]
        for lane in self._lanes.values():
            lane.waiting.clear()
        self._pool.shutdown(wait=False)
        give_up_at = time.monotonic() + self._limits.total + 5
        while (unsent or self._lanes or self._unrecorded) and time.monotonic() < give_up_at:
            try:
                _give_back(unsent)
                unsent = []
                self._hand_out()  # nothing is left to send: lanes that are done go
                self._collect(_PACE)
                self._record()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("database not available while stopping: %s", error)
                connections.close_all()
                time.sleep(0.2)


@contextmanager
def delivering() -> Iterator[Deliverer]:
    """Deliver in a thread of this process, with a database connection of its own."""
    deliverer = Deliverer()

    def work() -> None:
        try:
            deliverer.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work, name="reports")
    thread.start()
    try:
        yield deliverer
    finally:
        deliverer.stop()
        thread.join()


def _record_together(tried: Sequence[Tried]) -> None:
    try:
        record_tries(tried)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("tries not recorded together")
        for each in tried:
            _record_alone(each)


def _record_alone(each: Tried) -> None:
    try:
        record_tries([each])
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # It would fail again and hold up all others; the delivery is sent once more instead.
        logger.exception("try not recorded id=%s", each.letter.id)


def _give_back(ids: Sequence[str]) -> None:
    Delivery.objects.filter(pk__in=ids, state=DeliveryState.PENDING).update(next_try_at=Now())
