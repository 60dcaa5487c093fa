"""Claim, place, record: the dispatcher.

One thread claims and records, so the database has one writer; the providers are asked from
pools of threads, and no transaction is open while they are.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from queue import Empty, SimpleQueue

from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.models.functions import Now
from django.utils import timezone

from clicktocall.calls.brakes import is_stopped
from clicktocall.calls.circuits import allowance, give_back, hand_over, is_held, note_answer
from clicktocall.calls.claim import (
    Claim,
    anything_due,
    claim_cancels,
    claim_due,
    claim_follow_ups,
    expire_late,
)
from clicktocall.calls.database import atomic
from clicktocall.calls.doubt import give_up, may_be_repeated_until
from clicktocall.calls.pacing import release_due
from clicktocall.calls.placing import (
    Answer,
    Answered,
    NotPlaced,
    Order,
    Placed,
    ProviderPool,
    Pulled,
)
from clicktocall.calls.record import record, record_placements, record_pulled
from clicktocall.calls.recover import recover
from clicktocall.calls.reports.outbox import post_ends
from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError, ProviderRefused
from clicktocall.models import Attempt, Call, Dispatcher
from clicktocall.numbers import mask
from clicktocall.orders import CallOrder
from clicktocall.providers import get_provider, provider_aliases
from clicktocall.providers.deadline import steady_now
from clicktocall.signals import call_ended
from clicktocall.states import Outcome

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
RECOVER_SECONDS = 5.0

_FORGOTTEN_AFTER = timedelta(days=1)
# Rows of one transaction: enough to be quick, few enough not to hold others up.
_CLAIMED_AT_ONCE = 400
_RECORDED_AT_ONCE = 200
# A provider that has handed out reports may have more.
_PULLED_AGAIN_AFTER = 0.2
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class CallDispatcher:
    """Places due calls until it is told to stop.

    Args:
        aliases: the providers it places for; by default every one of the settings that does not
            run a dispatcher of its own.
    """

    def __init__(self, aliases: list[str] | None = None) -> None:
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._answers: SimpleQueue[Answered] = SimpleQueue()
        self._placed: deque[Placed] = deque()
        self._other: deque[Answer] = deque()
        self._well: set[str] = set()
        self._pools: dict[str, ProviderPool] = {}
        self._next_pull: dict[str, float] = {}
        for alias in aliases if aliases is not None else provider_aliases():
            provider = get_provider(alias)
            if provider.dispatch == "general":
                self._pools[alias] = ProviderPool(provider, self._answers)
                if provider.pull_every is not None:
                    self._next_pull[alias] = 0.0
        self._stopping = threading.Event()
        self._next_beat = 0.0
        self._next_recovery = 0.0

    def stop(self) -> None:
        """Finish what is under way, record it, and return from `run`. Safe in a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Place calls until `stop`; waits out a locked or lost database."""
        started_at = timezone.now()
        failures = 0
        while not self._stopping.is_set():
            try:
                self._look_after_itself(started_at)
                self.step()
                failures = 0
            except (InterfaceError, DatabaseError) as error:
                failures += 1
                pause = _pause_after(failures)
                logger.warning("database not available, next try in %.1f s: %s", pause, error)
                connections.close_all()
                self._stopping.wait(pause)
            except Exception:
                # A mistake about one call must not keep all others from being placed.
                failures += 1
                logger.exception("the dispatcher goes on after an error")
                self._stopping.wait(_pause_after(failures))
        self._finish()

    def step(self) -> None:
        """Record what has come back, then hand out what is due; takes about one poll interval."""
        self._collect(settings.POLL_INTERVAL)
        self._record_answers()
        if anything_due():
            release_due()
            self._hand_out()
            self._expire_late_calls()
        self._pull_reports()

    def drain(self) -> None:
        """Place everything due now and record every answer; for hosts without a process of ours."""
        release_due()
        self._hand_out()
        self._pull_reports()
        while self._busy():
            self._collect(settings.POLL_INTERVAL)
            self._record_answers()

    def _hand_out(self) -> None:
        for pool in self._pools.values():
            self._hand_out_cancels(pool)
            self._hand_out_due_calls(pool)
            self._hand_out_follow_ups(pool)

    def _busy(self) -> bool:
        unrecorded = self._placed or self._other
        return bool(unrecorded) or any(pool.busy for pool in self._pools.values())

    def _finish(self) -> None:
        for pool in self._pools.values():
            pool.close()
        give_up_at = time.monotonic() + 20
        while self._busy() and time.monotonic() < give_up_at:
            try:
                self._collect(0)
                self._record_answers()
            except DatabaseError as error:
                logger.warning("database not available while stopping: %s", error)
                connections.close_all()
                time.sleep(0.2)
        with suppress(DatabaseError):
            Dispatcher.objects.filter(name=self.name).delete()

    def _look_after_itself(self, started_at: datetime) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            Dispatcher.objects.update_or_create(
                name=self.name, defaults={"started_at": started_at, "beat_at": Now()}
            )
            self._next_beat = now + BEAT_SECONDS
        if now >= self._next_recovery:
            recover()
            Dispatcher.objects.filter(beat_at__lt=timezone.now() - _FORGOTTEN_AFTER).delete()
            self._next_recovery = now + RECOVER_SECONDS

    def _hand_out_due_calls(self, pool: ProviderPool) -> None:
        alias = pool.provider.alias
        # Counted from before the claim: if this process is stopped in between, the claim may have
        # been judged by another one when it goes on.
        valid_until = steady_now() + settings.CLAIM_LIFETIME / 2
        allowed = allowance(alias, min(pool.room, _CLAIMED_AT_ONCE))
        claims = claim_due(alias, self.name, allowed.calls) if allowed.calls else []
        if allowed.is_try and not claims:
            give_back(alias)
        orders = [self._order(claim, valid_until) for claim in claims]
        pool.place([order for order in orders if order is not None])
        if not claims and pool.free > 0 and is_held(alias):
            hand_over(alias)

    def _order(self, claim: Claim, valid_until: float) -> Order | None:
        """What the provider is asked; None, and a certain no, where that cannot be said."""
        try:
            order = order_of(claim.call, claim.attempt)
        except (ConfigurationError, TypeError, ValueError) as error:
            logger.exception("call %s cannot be ordered", claim.call.pk)
            self._other.append(NotPlaced(claim.attempt, ProviderRefused(str(error))))
            return None
        logger.info(
            "placing call=%s attempt=%s provider=%s contact=%s",
            claim.call.pk,
            claim.attempt.number,
            claim.attempt.provider,
            mask(claim.call.contact.as_e164),
        )
        return Order(claim.attempt, order, valid_until)

    def _hand_out_cancels(self, pool: ProviderPool) -> None:
        if pool.free > 0:
            for call in claim_cancels(pool.provider.alias, pool.free):
                self._cancel(pool, call)

    def _cancel(self, pool: ProviderPool, call: Call) -> None:
        attempt = call.attempts.get(number=call.attempt_count)
        try:
            order = order_of(call, attempt)
        except (ConfigurationError, TypeError, ValueError):
            logger.exception("call %s cannot be hung up", call.pk)
            return  # its claim ends by itself, and then it is tried again
        pool.cancel(attempt, order)

    def _hand_out_follow_ups(self, pool: ProviderPool) -> None:
        """Find out about attempts whose fate nobody knows."""
        if pool.free > 0:
            lease_ends = steady_now() + settings.CLAIM_LIFETIME / 2
            for attempt in claim_follow_ups(pool.provider.alias, pool.free):
                try:
                    self._follow_up(pool, attempt, lease_ends)
                except (ConfigurationError, TypeError, ValueError):
                    # Its lease ends by itself, and then it is tried again.
                    logger.exception("attempt %s cannot be asked after", attempt.reference)

    def _follow_up(self, pool: ProviderPool, attempt: Attempt, lease_ends: float) -> None:
        until = may_be_repeated_until(attempt, pool.provider)
        if until is not None and is_stopped(attempt.call):
            give_up(attempt, "Calls are stopped, and the window to repeat it has ended.")
        elif until is not None:
            left = (until - timezone.now()).total_seconds()
            order = order_of(attempt.call, attempt)
            pool.place_again(Order(attempt, order, min(lease_ends, steady_now() + left)))
        elif pool.provider.looks_up and attempt.outcome in (None, Outcome.UNKNOWN):
            pool.look_up(attempt)
        else:
            give_up(attempt, "Nobody can tell whether the call was placed.")

    def _pull_reports(self) -> None:
        """Fetch what providers keep for us until it is fetched."""
        for alias, due in self._next_pull.items():
            pool = self._pools[alias]
            if time.monotonic() >= due and pool.free > 0:
                pool.pull()
                self._next_pull[alias] = time.monotonic() + (pool.provider.pull_every or 0)

    def _expire_late_calls(self) -> None:
        with atomic():
            expired = list(Call.objects.filter(pk__in=expire_late()))
            post_ends(expired, timezone.now())
        for call in expired:
            logger.warning("call expired id=%s", call.pk)
            call_ended.send_robust(Call, call=call)

    def _collect(self, seconds: float) -> None:
        """Take the answers that come within `seconds`: what comes together is written together."""
        until = time.monotonic() + seconds
        while len(self._placed) < _RECORDED_AT_ONCE:
            left = until - time.monotonic()
            try:
                self._take(
                    self._answers.get(timeout=left) if left > 0 else self._answers.get_nowait()
                )
            except Empty:
                return

    def _take(self, answered: Answered) -> None:
        self._pools[answered.alias].answered()
        if answered.well:
            self._well.add(answered.alias)
        for answer in answered.answers:
            if isinstance(answer, Placed):
                self._placed.append(answer)
            else:
                self._other.append(answer)

    def _record_answers(self) -> None:
        # An answer leaves its queue only after it is written: a lost database loses none.
        while self._placed:
            some = list(islice(self._placed, _RECORDED_AT_ONCE))
            _record_together(some)
            for _ in some:
                self._placed.popleft()
        if self._well:
            note_answer(self._well)
            self._well.clear()
        while self._other:
            self._record(self._other[0])
            self._other.popleft()

    def _record(self, answer: Answer) -> None:
        if not isinstance(answer, Pulled):
            _record_alone(answer)
        elif record_pulled(answer):
            self._next_pull[answer.alias] = time.monotonic() + _PULLED_AGAIN_AFTER


def _pause_after(failures: int) -> float:
    return _PAUSES[min(failures, len(_PAUSES)) - 1]


def _record_together(placed: list[Placed]) -> None:
    try:
        record_placements(placed)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("placements not recorded together")
        # One of them cannot be written; the others can.
        for each in placed:
            _record_alone(each)


def _record_alone(answer: Answer) -> None:
    try:
        record(answer)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # It would fail again and hold up all others; recovery looks after its call.
        logger.exception("answer not recorded: %r", type(answer).__name__)


def order_of(call: Call, attempt: Attempt) -> CallOrder:
    """What the provider of `attempt` is asked.

    Raises:
        ConfigurationError: `PUBLIC_URL` or the callback secret is missing.
    """
    address = get_provider(attempt.provider).callback_url
    return call.order(attempt, callback_url=address, longest=settings.MAX_DURATION)
