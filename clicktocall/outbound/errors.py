"""What can go wrong with a request to a stranger's address, by what its caller must tell apart."""

from __future__ import annotations

from clicktocall.exceptions import ClicktocallError


class OutboundError(ClicktocallError):
    """Base of the four; the message never holds more of the address than its host and port."""


class AddressRefused(OutboundError, ValueError):
    """Not an address we send to; nothing was sent, and trying again is of no use.

    The message says what to do, for whoever chose the address.
    """


class Unreachable(OutboundError):
    """No connection: surely nothing was sent, so the same request may be tried again."""


class NoAnswer(OutboundError):
    """No complete answer came: the request may have arrived, or not."""


class AnswerTooLarge(OutboundError):
    """The request was answered with `status` and a body of more bytes than are read."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
