"""What every provider offers: orders out, callbacks in. Neither knows a model or a request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from clicktocall.exceptions import ConfigurationError
from clicktocall.orders import CallOrder, Capability, Placement, ReportedEvent


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A callback as it came in: raw bytes, headers with lower-case names."""

    method: str
    content_type: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = field(repr=False)


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

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.alias}>"

    @property
    def callback_secrets(self) -> tuple[str, ...]:
        """The secrets accepted in the callback address, newest first (two while rotating)."""
        return tuple(self.options.get("CALLBACK_SECRETS", ()))

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    @abstractmethod
    def place_call(self, order: CallOrder) -> Placement:
        """Ask for the call; return as soon as the provider has taken it.

        Raises:
            ProviderRefused: a certain no.
            ProviderThrottled: surely not placed, with the delay asked for.
            ProviderUnavailable: surely not placed.
            OutcomeUnknown: it may have been dialled.
        """

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
