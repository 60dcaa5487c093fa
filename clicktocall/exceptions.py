"""One exception tree: catch `ClicktocallError` to catch everything this app raises on purpose."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured


class ClicktocallError(Exception):
    """Base of every error of this app."""


class ConfigurationError(ClicktocallError, ImproperlyConfigured):
    """A setting is missing or contradictory; the message names the key."""


class InvalidNumber(ClicktocallError, ValueError):
    """The text is not a telephone number we can turn into E.164.

    `reason` is a stable word: `empty`, `too_long`, `characters`, `plus`, `syntax`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class InvalidPattern(ClicktocallError, ValueError):
    """A whitelist pattern that cannot be used; the message says why and what to do."""


class InvalidOption(ClicktocallError, ValueError):
    """A per-call option that is unknown, malformed or not for this caller; names the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class CallRefused(ClicktocallError):
    """A rule refused the call. `refusal` is the rule's verdict (`clicktocall.rules.Refusal`)."""

    def __init__(self, refusal: object) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class IdempotencyMismatch(ClicktocallError):
    """The idempotency key was already used for a different request."""


class NotAllowed(ClicktocallError):
    """Whoever asks lacks a scope, a role or a permission; the message names it.

    `fields` says what was asked for and is not allowed, where it was a part of the request.
    """

    def __init__(self, message: str, fields: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class InUse(ClicktocallError):
    """Something else still needs what was to be removed; the message says what to do instead."""


class NotCancellable(ClicktocallError):
    """The call is with a provider that cannot be asked to hang up."""


class NoRecording(ClicktocallError):
    """The call has no recording that we could hand out; the message says why."""


class RecordingGone(NoRecording):
    """There was a recording, and its provider no longer has it."""


class ProviderError(ClicktocallError):
    """What went wrong when a provider was asked; exactly four kinds, see the subclasses.

    `detail` holds the provider's own words, kept beside the attempt. It never holds a secret.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ProviderRefused(ProviderError):
    """A certain no: the provider did not place the call and will not."""


class NotAuthorized(ProviderRefused):
    """The provider does not accept our credentials: a certain no to everything, not to this call.

    The call is another provider's, or waits; and this provider is stopped until somebody has
    looked.
    """


class ProviderThrottled(ProviderError):
    """Surely not placed; ask again after `retry_after` seconds."""

    def __init__(self, detail: str, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ProviderUnavailable(ProviderError):
    """Surely not placed: no connection, or an answer that proves nothing was dialled."""


class OutcomeUnknown(ProviderError):
    """The provider may or may not have dialled; the order must never be repeated blindly."""
