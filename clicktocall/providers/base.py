"""What every provider offers: orders out, callbacks in. Neither knows a model or a request."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from clicktocall.conf import public_url
from clicktocall.exceptions import ConfigurationError, ProviderError
from clicktocall.orders import CallOrder, Capability, Placement, ReportedEvent


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A callback as it came in: raw bytes, headers with lower-case names.

    `peer_address` is the IP address it came from, None when nobody knows.
    """

    method: str
    content_type: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str]
    body: bytes = field(repr=False)
    peer_address: str | None = None


_WINDOW = re.compile(r"window:([1-9][0-9]{0,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dedupe:
    """What our own reference protects from when an order may have been lost on its way.

    `none`: nothing, an order in doubt is never repeated. `window`: the provider itself knows a
    reference again for `seconds`, so that the same order may be repeated meanwhile and still
    rings once. `lookup`: `fetch_outcome` knows an order as soon as it was taken.
    """

    kind: Literal["none", "window", "lookup"]
    seconds: int = 0

    @classmethod
    def none(cls) -> Self:
        return cls("none")

    @classmethod
    def window(cls, seconds: int) -> Self:
        """Args: seconds: how long a reference is known again, more than 0."""
        if seconds <= 0:
            raise ValueError("seconds: give more than 0")
        return cls("window", seconds)

    @classmethod
    def lookup(cls) -> Self:
        return cls("lookup")

    @classmethod
    def from_option(cls, written: object) -> Self:
        """What the option `DEDUPE` says: "none", "lookup" or "window:SECONDS".

        Raises:
            ValueError: it says something else.
        """
        if written == "none":
            return cls.none()
        if written == "lookup":
            return cls.lookup()
        found = _WINDOW.fullmatch(written) if isinstance(written, str) else None
        if found is None:
            raise ValueError('must be "none", "lookup" or "window:SECONDS"')
        return cls.window(int(found[1]))


@dataclass(frozen=True, slots=True)
class RecordingStream:
    """A recording while it is being fetched: iterate over it once, and close it in any case.

    `content_type` is audio/…, without parameters; `length` is in bytes, None when the provider
    does not say. A piece that does not come raises a `ProviderError`; `close` twice is no error.
    """

    content_type: str
    length: int | None
    chunks: Iterator[bytes] = field(repr=False)
    close: Callable[[], None] = field(repr=False)

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class CallbackNotUnderstood(Exception):
    """An authentic callback whose content this adapter cannot read; it is kept for a replay."""


class Provider(ABC):
    """An adapter to something that places calls, configured under an alias.

    A subclass sets the class attributes and writes `place_call` and `parse_callback`. It must
    not touch the database; what it has to remember it returns in `Placement.provider_state`.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]] = frozenset()
    required_options: ClassVar[tuple[str, ...]] = ()
    secret_options: ClassVar[tuple[str, ...]] = ()
    dispatch: ClassVar[Literal["general", "agent"]] = "general"
    # Whether ringing and answering are reported as they happen, not only the end: then silence
    # soon means that something is wrong.
    reports_progress: ClassVar[bool] = False
    # How many orders one `place_calls` takes at most; 1: there is no `place_calls`.
    places_many: ClassVar[int] = 1
    # Whether there is a `fetch_outcome`.
    looks_up: ClassVar[bool] = False
    # `none` unless the option `DEDUPE` says what was proven for this very account.
    dedupe: Dedupe = Dedupe.none()

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        self.alias = alias
        self.options = dict(options)
        for option in self.required_options:
            if not self.options.get(option):
                raise ConfigurationError(
                    f'CLICKTOCALL["PROVIDERS"]["{alias}"]["OPTIONS"] needs "{option}".'
                )
        if isinstance(self.options.get("CALLBACK_SECRETS"), str):  # each letter would open
            raise ConfigurationError(
                f'CLICKTOCALL["PROVIDERS"]["{alias}"]["OPTIONS"]["CALLBACK_SECRETS"] '
                "must be a list of secrets."
            )
        if "DEDUPE" in self.options:
            self.dedupe = self._proven_dedupe(self.options["DEDUPE"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.alias}>"

    def _proven_dedupe(self, written: object) -> Dedupe:
        try:
            dedupe = Dedupe.from_option(written)
            if dedupe.kind == "lookup" and not self.looks_up:
                raise ValueError(f"cannot be lookup: {self.name} cannot be asked for an order")
        except ValueError as error:
            raise ConfigurationError(
                f'CLICKTOCALL["PROVIDERS"]["{self.alias}"]["OPTIONS"]["DEDUPE"] {error}.'
            ) from None
        return dedupe

    @property
    def callback_secrets(self) -> tuple[str, ...]:
        """The secrets accepted in the callback address, newest first (two while rotating)."""
        return tuple(self.options.get("CALLBACK_SECRETS", ()))

    @property
    def callback_url(self) -> str:
        """Where it reports to; "" where its reports are pulled.

        Raises:
            ConfigurationError: `PUBLIC_URL` or the callback secret is missing.
        """
        if self.pull_every is not None:
            return ""
        if not self.callback_secrets:
            raise ConfigurationError(
                f'CLICKTOCALL["PROVIDERS"]["{self.alias}"]["OPTIONS"] needs "CALLBACK_SECRETS".'
            )
        return public_url(f"callbacks/{self.alias}/{self.callback_secrets[0]}/")

    @property
    def pull_every(self) -> float | None:
        """Seconds from one `pull_reports` to the next; None: reports are sent to us.

        An alias that pulls is ordered from without a `callback_url`.
        """
        return None

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def check_order(self, order: CallOrder) -> None:
        """Whether such an order could be written at all; nothing is sent.

        It is asked of a specimen when an endpoint is saved, so that the people who set it up
        hear what no capability can say. Whatever it lets pass, `place_call` can write down.

        Raises:
            InvalidOption: naming the option, and what to do.
        """
        return

    def passes_over(self, order: CallOrder) -> frozenset[str]:
        """Options of such an order that the provider does nothing with, whatever they say.

        For comfort that its capabilities promise and one of its products does not give; the
        people who set up an endpoint are told. What concerns money, identity, consent or
        recording is refused by `check_order`.

        Returns:
            Names of `CallOptions`.
        """
        return frozenset()

    @abstractmethod
    def place_call(self, order: CallOrder) -> Placement:
        """Ask for the call; return as soon as the provider has taken it.

        Raises:
            ProviderRefused: a certain no.
            ProviderThrottled: surely not placed, with the delay asked for.
            ProviderUnavailable: surely not placed.
            OutcomeUnknown: it may have been dialled.
        """

    def place_calls(self, orders: Sequence[CallOrder]) -> list[Placement | ProviderError]:
        """Ask for many calls in one request; only asked of a provider with `places_many` > 1.

        Args:
            orders: at most `places_many`, each with a reference of its own.

        Returns:
            What became of each order, in the order they were given: its placement, or the error
            that `place_call` would have raised. A fault of the whole request is every order's,
            and an order that cannot be written does not hold up the others.
        """
        raise NotImplementedError(f"{self.name} takes one order at a time")

    def fetch_outcome(self, reference: str, placement: Placement) -> list[ReportedEvent]:
        """The facts that the provider knows of an attempt; only asked where it `looks_up`.

        Nothing rings when it is asked, so it may be asked again.

        Args:
            reference: ours, of the attempt.
            placement: empty where the answer to the order was lost.

        Returns:
            The facts, oldest first. An empty list when the provider does not know the attempt,
            which proves that it was never placed only where `dedupe` is `lookup`.

        Raises:
            ProviderRefused: it does not answer this question.
            ProviderThrottled: asked too often, with the delay asked for.
            ProviderUnavailable: it cannot be asked now, or the answer cannot be read.
        """
        raise NotImplementedError(f"{self.name} cannot be asked what became of a call")

    def pull_reports(self) -> CallbackRequest | None:
        """Reports that wait to be fetched, raw; only asked where there is a `pull_every`.

        They are handed out once: keep what is returned before it is given to `parse_callback`,
        as if it had been sent to us. It needs no authentication, because we asked for it.

        Returns:
            Some of the reports, or None when none wait: ask until then.

        Raises:
            ProviderRefused: it does not answer this question.
            ProviderThrottled: asked too often, with the delay asked for.
            ProviderUnavailable: it cannot be asked now.
        """
        raise NotImplementedError(f"{self.name} keeps no reports to be fetched")

    def cancel_call(self, order: CallOrder, placement: Placement) -> None:
        """Hang up, wherever the call stands; only asked of a provider that can `CANCEL`.

        Asking twice, or for a call that is over, is no error.

        Raises:
            ProviderError: the provider could not be asked or refused.
        """
        raise NotImplementedError(f"{self.name} cannot cancel a call")

    def download_recording(self, placement: Placement, recording_url: str) -> RecordingStream:
        """The recording at an address that a callback of this provider told us.

        Only asked of a provider that can `FETCH_RECORDING`. The address must not make us fetch
        anything that is not the provider's own (see `providers.http.fetch_recording`).

        Raises:
            RecordingGone: the provider no longer has it.
            ProviderRefused: a certain no, the provider's or ours.
            ProviderThrottled: asked too often, with the delay asked for.
            ProviderUnavailable: it cannot be fetched now.
        """
        raise NotImplementedError(f"{self.name} does not hand out its recordings")

    def authenticate_callback(self, request: CallbackRequest) -> bool:
        """Whether the callback is the provider's, beyond the secret in its address."""
        return True

    @abstractmethod
    def parse_callback(self, request: CallbackRequest) -> list[ReportedEvent]:
        """The facts in a callback, oldest first; an empty list when it says nothing of ours.

        Raises:
            CallbackNotUnderstood: the content cannot be read.
        """
