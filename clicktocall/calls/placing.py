"""Asking providers, from bounded thread pools. Nothing here touches the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from clicktocall.conf import settings
from clicktocall.exceptions import OutcomeUnknown, ProviderError, ProviderUnavailable
from clicktocall.models import Attempt
from clicktocall.orders import CallOrder, Placement
from clicktocall.providers import Provider

logger = logging.getLogger(__name__)


def steady_now() -> float:
    """Seconds on a clock that also runs while the machine is suspended, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one attempt: a placement, or one of the four provider errors."""

    attempt: Attempt
    placement: Placement | None = None
    error: ProviderError | None = None
    was_cancel: bool = False


class PlacingPool:
    """The threads that talk to one provider, so that a slow provider holds up only itself."""

    def __init__(self, provider: Provider, answers: SimpleQueue[Answer]) -> None:
        self._provider = provider
        self._answers = answers
        self._size: int = settings.PROVIDER_CONCURRENCY
        self._threads = ThreadPoolExecutor(self._size, thread_name_prefix=f"place-{provider.alias}")
        self._busy = 0

    @property
    def free(self) -> int:
        return self._size - self._busy

    @property
    def busy(self) -> int:
        return self._busy

    def place(self, attempt: Attempt, order: CallOrder, valid_until: float) -> None:
        """Ask for `attempt`, but not after `valid_until` (`steady_now`); the answer is queued."""
        self._submit(lambda: self._ask(attempt, order, valid_until))

    def cancel(self, attempt: Attempt, order: CallOrder) -> None:
        """Ask for a hang-up; the answer comes to the queue."""
        self._submit(lambda: self._ask_to_hang_up(attempt, order))

    def answered(self) -> None:
        """One answer has been taken from the queue."""
        self._busy -= 1

    def close(self) -> None:
        """Wait for the requests under way."""
        self._threads.shutdown(wait=True, cancel_futures=False)

    def _submit(self, work: Callable[[], Answer]) -> None:
        self._busy += 1
        self._threads.submit(lambda: self._answers.put(work()))

    def _ask(self, attempt: Attempt, order: CallOrder, valid_until: float) -> Answer:
        if steady_now() > valid_until:
            # This process was stopped after the claim; by now somebody else may have judged it.
            return Answer(attempt, error=ProviderUnavailable("The dispatcher was held up."))
        try:
            return Answer(attempt, placement=self._provider.place_call(order))
        except ProviderError as error:
            return Answer(attempt, error=error)
        except Exception as error:
            logger.exception("provider %s failed unexpectedly", self._provider.alias)
            return Answer(attempt, error=OutcomeUnknown(f"Unexpected {type(error).__name__}."))

    def _ask_to_hang_up(self, attempt: Attempt, order: CallOrder) -> Answer:
        try:
            self._provider.cancel_call(order, attempt.placement)
        except ProviderError as error:
            return Answer(attempt, error=error, was_cancel=True)
        except Exception as error:
            logger.exception("provider %s failed unexpectedly", self._provider.alias)
            unexpected = OutcomeUnknown(f"Unexpected {type(error).__name__}.")
            return Answer(attempt, error=unexpected, was_cancel=True)
        return Answer(attempt, was_cancel=True)
