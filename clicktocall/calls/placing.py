"""Asking providers, from bounded thread pools. Nothing here touches the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

from clicktocall.conf import settings
from clicktocall.exceptions import (
    NotAuthorized,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from clicktocall.models import Attempt
from clicktocall.orders import CallOrder, Placement, ReportedEvent
from clicktocall.providers import CallbackRequest, Provider, deadline
from clicktocall.providers.deadline import steady_now

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class HeldUp(ProviderUnavailable):
    """It was too late to ask, which says nothing about the provider."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The provider has taken the call."""

    attempt: Attempt
    placement: Placement


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """One of the four provider errors; `again`: the same order had been sent before."""

    attempt: Attempt
    error: ProviderError
    again: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A request for calls came to nothing: the provider is not well, or does not want us."""

    alias: str
    error: ProviderError


@dataclass(frozen=True, slots=True)
class HungUp:
    """What came of asking for a hang-up: it is done, unless there is an error."""

    attempt: Attempt
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What the provider knows of an attempt, unless it could not be asked."""

    attempt: Attempt
    events: Sequence[ReportedEvent] = ()
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """Reports that the provider had kept for us, raw; None when it had none, or with an error."""

    alias: str
    reports: CallbackRequest | None = None
    error: ProviderError | None = None


Answer: TypeAlias = Placed | NotPlaced | Failure | HungUp | LookedUp | Pulled


@dataclass(frozen=True, slots=True)
class Answered:
    """Everything that came of one request to a provider; `well`: it took or refused a call."""

    alias: str
    answers: list[Answer]

    @property
    def well(self) -> bool:
        return any(
            isinstance(answer, Placed)
            or (isinstance(answer, NotPlaced) and type(answer.error) is ProviderRefused)
            for answer in self.answers
        )


@dataclass(frozen=True, slots=True)
class Order:
    """An attempt, and what its provider is asked; not after `valid_until` (`steady_now`)."""

    attempt: Attempt
    order: CallOrder
    valid_until: float

    @property
    def has_lapsed(self) -> bool:
        return steady_now() > self.valid_until


class ProviderPool:
    """The threads that talk to one provider, so that a slow provider holds up only itself."""

    def __init__(self, provider: Provider, answers: SimpleQueue[Answered]) -> None:
        self.provider = provider
        self._answers = answers
        self._size: int = settings.PROVIDER_CONCURRENCY
        self._threads = ThreadPoolExecutor(self._size, thread_name_prefix=f"ask-{provider.alias}")
        self._busy = 0

    @property
    def free(self) -> int:
        """How many more requests can be under way at once."""
        return self._size - self._busy

    @property
    def room(self) -> int:
        """How many more orders can be under way at once."""
        return self.free * self.provider.places_many

    @property
    def busy(self) -> int:
        return self._busy

    def place(self, orders: Sequence[Order]) -> None:
        """Ask for calls, as many in one request as the provider takes.

        Those of one kind go together: others may need a request of their own, and one that waits
        for the answer to another would outlive its claim.
        """
        many = self.provider.places_many
        for _, alike in groupby(sorted(orders, key=_kind), key=_kind):
            rest = list(alike)
            for start in range(0, len(rest), many):
                self._submit_orders(rest[start : start + many])

    def place_again(self, order: Order) -> None:
        """Repeat an order whose answer was lost, to a provider that knows it again."""
        self._submit(lambda: self._with_failure([self._placed_alone(order, again=True)]))

    def cancel(self, attempt: Attempt, order: CallOrder) -> None:
        """Ask for a hang-up."""
        self._submit(lambda: [self._hung_up(attempt, order)])

    def look_up(self, attempt: Attempt) -> None:
        """Ask what the provider knows of `attempt`."""
        self._submit(lambda: [self._looked_up(attempt)])

    def pull(self) -> None:
        """Ask for reports that the provider keeps until they are fetched."""
        self._submit(lambda: [self._pulled()])

    def answered(self) -> None:
        """What came of one request has been taken from the queue."""
        self._busy -= 1

    def close(self) -> None:
        """Wait for the requests under way."""
        self._threads.shutdown(wait=True, cancel_futures=False)

    def _submit_orders(self, orders: Sequence[Order]) -> None:
        self._submit(lambda: self._with_failure(self._placed(orders)))

    def _submit(self, work: Callable[[], list[Answer]]) -> None:
        self._busy += 1
        alias = self.provider.alias
        self._threads.submit(lambda: self._answers.put(Answered(alias, work())))

    def _with_failure(self, answers: list[Answer]) -> list[Answer]:
        """One failure a request, however many orders were in it."""
        errors = [
            answer.error
            for answer in answers
            if isinstance(answer, NotPlaced) and not isinstance(answer.error, HeldUp)
        ]
        if not errors or Answered(self.provider.alias, answers).well:
            return answers
        return [*answers, Failure(self.provider.alias, max(errors, key=_says_most))]

    def _placed(self, orders: Sequence[Order]) -> list[Answer]:
        if len(orders) == 1:
            return [self._placed_alone(orders[0])]
        # This process may have been stopped after the claim; then somebody else has judged it.
        answers: list[Answer] = [_held_up(order) for order in orders if order.has_lapsed]
        asked = [order for order in orders if not order.has_lapsed]
        return answers + (self._placed_together(asked) if asked else [])

    def _placed_together(self, orders: Sequence[Order]) -> list[Answer]:
        with deadline.not_after(min(each.valid_until for each in orders)):
            results = self._asked(
                lambda: self.provider.place_calls([each.order for each in orders])
            )
        if isinstance(results, ProviderError):
            results = [results] * len(orders)
        elif len(results) != len(orders):
            logger.error("provider %s: results do not match orders", self.provider.alias)
            results = [OutcomeUnknown("The results do not match the orders.")] * len(orders)
        return [_result(each, result) for each, result in zip(orders, results, strict=True)]

    def _placed_alone(self, each: Order, *, again: bool = False) -> Answer:
        if each.has_lapsed:
            return _held_up(each, again=again)
        with deadline.not_after(each.valid_until):
            result = self._asked(lambda: self.provider.place_call(each.order))
        return _result(each, result, again=again)

    def _hung_up(self, attempt: Attempt, order: CallOrder) -> Answer:
        error = self._asked(lambda: self.provider.cancel_call(order, attempt.placement))
        return HungUp(attempt, error)

    def _looked_up(self, attempt: Attempt) -> Answer:
        found = self._asked(
            lambda: self.provider.fetch_outcome(attempt.reference, attempt.placement)
        )
        if isinstance(found, ProviderError):
            return LookedUp(attempt, error=found)
        return LookedUp(attempt, found)

    def _pulled(self) -> Answer:
        reports = self._asked(self.provider.pull_reports)
        if isinstance(reports, ProviderError):
            return Pulled(self.provider.alias, error=reports)
        return Pulled(self.provider.alias, reports)

    def _asked(self, ask: Callable[[], Result]) -> Result | ProviderError:
        """What the provider says, or one of the four errors: an adapter's own mistake tells
        nothing of whether a phone rings."""
        try:
            return ask()
        except ProviderError as error:
            return error
        except Exception as error:
            logger.exception("provider %s failed unexpectedly", self.provider.alias)
            return OutcomeUnknown(f"Unexpected {type(error).__name__}.")


def _kind(each: Order) -> tuple[bool, bool]:
    return each.order.leg_b is None, bool(each.order.flow)


def _held_up(each: Order, *, again: bool = False) -> NotPlaced:
    return NotPlaced(each.attempt, HeldUp("The dispatcher was held up."), again)


def _says_most(error: ProviderError) -> int:
    """What is said of us as a whole counts for more than what befell one request."""
    if isinstance(error, NotAuthorized):
        return 2
    return int(isinstance(error, ProviderThrottled))


def _result(each: Order, result: Placement | ProviderError, *, again: bool = False) -> Answer:
    if isinstance(result, ProviderUnavailable) and each.has_lapsed:
        return _held_up(each, again=again)
    if isinstance(result, ProviderError):
        return NotPlaced(each.attempt, result, again)
    return Placed(each.attempt, result)
