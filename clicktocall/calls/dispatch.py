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
from queue import Empty, SimpleQueue

from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.models.functions import Now
from django.utils import timezone

from clicktocall.calls.claim import Claim, anything_due, claim_cancels, claim_due, expire_late
from clicktocall.calls.database import atomic
from clicktocall.calls.events import Retry, apply_event, event_now, storable
from clicktocall.calls.placing import Answer, PlacingPool, steady_now
from clicktocall.calls.recover import recover
from clicktocall.calls.redial import pause_after_failed_placing
from clicktocall.calls.schedule import next_due
from clicktocall.conf import public_url, settings
from clicktocall.exceptions import (
    ConfigurationError,
    OutcomeUnknown,
    ProviderRefused,
    ProviderThrottled,
)
from clicktocall.models import Attempt, Call, Dispatcher
from clicktocall.numbers import mask, mask_within
from clicktocall.orders import CallOrder
from clicktocall.providers import get_provider, provider_aliases
from clicktocall.signals import call_ended
from clicktocall.states import WITH_PROVIDER_STATES, EventKind, Outcome

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
RECOVER_SECONDS = 5.0

_FORGOTTEN_AFTER = timedelta(days=1)
_CANCEL_AGAIN_AFTER = timedelta(seconds=2)
_CANCEL_TRIED_FOR = timedelta(minutes=5)
_DATABASE_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class CallDispatcher:
    """Places due calls until it is told to stop.

    Args:
        aliases: the providers it places for; by default every one of the settings that does not
            run a dispatcher of its own.
    """

    def __init__(self, aliases: list[str] | None = None) -> None:
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._unrecorded: deque[Answer] = deque()
        self._pools: dict[str, PlacingPool] = {}
        for alias in aliases if aliases is not None else provider_aliases():
            provider = get_provider(alias)
            if provider.dispatch == "general":
                self._pools[alias] = PlacingPool(provider, self._answers)
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
            except (OperationalError, InterfaceError, DatabaseError) as error:
                pause = _DATABASE_PAUSES[min(failures, len(_DATABASE_PAUSES) - 1)]
                failures += 1
                logger.warning("database not available, next try in %.1f s: %s", pause, error)
                connections.close_all()
                self._stopping.wait(pause)
        self._finish()

    def step(self) -> None:
        """Record what has come back, then hand out what is due; waits one poll interval at most."""
        self._collect(settings.POLL_INTERVAL)
        self._record_answers()
        if anything_due():
            self._hand_out_due_calls()
            self._hand_out_cancels()
            self._expire_late_calls()

    def drain(self) -> None:
        """Place everything due now and record every answer; for hosts without a process of ours."""
        self._hand_out_due_calls()
        self._hand_out_cancels()
        while self._busy():
            self._collect(settings.POLL_INTERVAL)
            self._record_answers()

    def _busy(self) -> bool:
        return bool(self._unrecorded) or any(pool.busy for pool in self._pools.values())

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

    def _hand_out_due_calls(self) -> None:
        for alias, pool in self._pools.items():
            if pool.free > 0:
                # Counted from before the claim: if this process is stopped in between, the claim
                # may have been judged by another one when it goes on.
                valid_until = steady_now() + settings.CLAIM_LIFETIME / 2
                for claim in claim_due(alias, self.name, pool.free):
                    self._place(pool, claim, valid_until)

    def _place(self, pool: PlacingPool, claim: Claim, valid_until: float) -> None:
        try:
            order = order_of(claim.call, claim.attempt)
        except (ConfigurationError, TypeError, ValueError) as error:
            # Nothing has left this process: a certain no.
            pool_answer = Answer(claim.attempt, error=ProviderRefused(str(error)))
            self._unrecorded.append(pool_answer)
            logger.exception("call %s cannot be ordered", claim.call.pk)
            return
        logger.info(
            "placing call=%s attempt=%s provider=%s contact=%s",
            claim.call.pk,
            claim.attempt.number,
            claim.attempt.provider,
            mask(claim.call.contact.as_e164),
        )
        pool.place(claim.attempt, order, valid_until)

    def _hand_out_cancels(self) -> None:
        for alias, pool in self._pools.items():
            if pool.free > 0:
                for call in claim_cancels(alias, pool.free):
                    self._cancel(pool, call)

    def _cancel(self, pool: PlacingPool, call: Call) -> None:
        attempt = call.attempts.get(number=call.attempt_count)
        try:
            order = order_of(call, attempt)
        except (ConfigurationError, TypeError, ValueError):
            logger.exception("call %s cannot be hung up", call.pk)
            return  # its claim ends by itself, and then it is tried again
        pool.cancel(attempt, order)

    def _expire_late_calls(self) -> None:
        for call in Call.objects.filter(pk__in=expire_late()):
            logger.warning("call expired id=%s", call.pk)
            call_ended.send_robust(Call, call=call)

    def _collect(self, wait: float) -> None:
        """Take the answers that have come, waiting for the first one."""
        with suppress(Empty):
            self._take(self._answers.get(timeout=wait) if wait else self._answers.get_nowait())
            while True:
                self._take(self._answers.get_nowait())

    def _take(self, answer: Answer) -> None:
        self._pools[answer.attempt.provider].answered()
        self._unrecorded.append(answer)

    def _record_answers(self) -> None:
        # An answer leaves the queue only after it is written: a lost database loses none.
        while self._unrecorded:
            answer = self._unrecorded[0]
            try:
                record_answer(answer)
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                # It would fail again and hold up all others; recovery ends its call `unknown`.
                logger.exception("answer not recorded attempt=%s", answer.attempt.reference)
            self._unrecorded.popleft()


def order_of(call: Call, attempt: Attempt) -> CallOrder:
    """What the provider of `attempt` is asked.

    Raises:
        ConfigurationError: `PUBLIC_URL` or the callback secret is missing.
    """
    secrets = get_provider(attempt.provider).callback_secrets
    if not secrets:
        raise ConfigurationError(
            f'CLICKTOCALL["PROVIDERS"]["{attempt.provider}"]["OPTIONS"] needs "CALLBACK_SECRETS".'
        )
    return call.order(
        attempt,
        callback_url=public_url(f"callbacks/{attempt.provider}/{secrets[0]}/"),
        longest=settings.MAX_DURATION,
    )


def record_answer(answer: Answer) -> None:
    """Write down what a provider answered to one attempt, all of it or nothing."""
    with atomic():
        if answer.was_cancel:
            _record_cancel(answer)
        elif answer.placement is not None:
            _record_placement(answer)
        else:
            _record_failure(answer)


def _record_placement(answer: Answer) -> None:
    attempt, placement = answer.attempt, answer.placement
    if placement is None:
        raise TypeError("an answer without a placement")
    # The event first: whoever moves a call locks its row before those of its attempts.
    apply_event(attempt, event_now(EventKind.PLACED, words=placement.words))
    Attempt.objects.filter(pk=attempt.pk).update(
        provider_reference=storable(placement.provider_reference)[:200],
        provider_state=placement.provider_state,
    )


def _record_failure(answer: Answer) -> None:
    error = answer.error
    if error is None:
        raise TypeError("an answer without an error")
    match error:
        case ProviderRefused():
            event = event_now(EventKind.ENDED, outcome=Outcome.REJECTED, words=error.detail)
            apply_event(answer.attempt, event)
        case OutcomeUnknown():
            event = event_now(EventKind.ENDED, outcome=Outcome.UNKNOWN, words=error.detail)
            apply_event(answer.attempt, event)
        case _:
            _record_not_placed(answer, error.detail)
    logger.warning(
        "attempt=%s provider=%s %s: %s",
        answer.attempt.reference,
        answer.attempt.provider,
        type(error).__name__,
        mask_within(error.detail),
    )


def _record_not_placed(answer: Answer, words: str) -> None:
    """Surely not placed: tried again, unless somebody has asked for a hang-up meanwhile."""
    call = Call.objects.get(pk=answer.attempt.call_id)
    if call.cancel_requested_at is not None:
        event = event_now(EventKind.NOT_PLACED, outcome=Outcome.CANCELED, words=words)
        apply_event(answer.attempt, event)
        return
    event = event_now(EventKind.NOT_PLACED, outcome=Outcome.FAILED, words=words)
    apply_event(answer.attempt, event, retry=_next_try(call, answer))


def _next_try(call: Call, answer: Answer) -> Retry:
    """The next provider at once, or the same one after a pause; inside the delivery window."""
    following = _provider_after(call)
    if following is not None:
        return Retry(at=next_due(call.call_options, timezone.now()), provider=following)
    pause = pause_after_failed_placing(answer.attempt.number)
    if isinstance(answer.error, ProviderThrottled):
        pause = max(pause, timedelta(seconds=answer.error.retry_after))
    at = next_due(call.call_options, timezone.now() + pause)
    return Retry(at=at, provider=call.provider)


def _provider_after(call: Call) -> str | None:
    chain = list(call.fallback_providers)
    if call.provider not in chain:
        return chain[0] if chain else None
    rest = chain[chain.index(call.provider) + 1 :]
    return rest[0] if rest else None


def _record_cancel(answer: Answer) -> None:
    """Done, or tried again shortly, for a few minutes."""
    calls = Call.objects.filter(pk=answer.attempt.call_id)
    if answer.error is None:
        apply_event(answer.attempt, event_now(EventKind.CANCEL_REQUESTED))
        calls.update(cancel_due_at=None)
        return
    words = f"Hang-up failed: {answer.error.detail}"
    apply_event(answer.attempt, event_now(EventKind.NOTE, words=words))
    recent = timezone.now() - _CANCEL_TRIED_FOR
    still_wanted = calls.filter(
        state__in=WITH_PROVIDER_STATES, cancel_requested_at__gt=recent
    ).update(cancel_due_at=Now() + _CANCEL_AGAIN_AFTER)
    if not still_wanted:
        calls.update(cancel_due_at=None)
