"""Which exception means what: why an exchange failed."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator

from urllib3.exceptions import (
    ConnectTimeoutError,
    IncompleteRead,
    NameResolutionError,
    ReadTimeoutError,
)

# By exact type: to urllib3, a refused connection is also a kind of timeout.
_REASONS: dict[type[BaseException], str] = {
    NameResolutionError: "its name cannot be resolved",
    ConnectTimeoutError: "it does not accept a connection in time",
    ConnectionRefusedError: "it refuses connections",
    ReadTimeoutError: "no complete answer came in time",
    TimeoutError: "no complete answer came in time",
    ConnectionResetError: "it broke the connection",
    BrokenPipeError: "it broke the connection",
    http.client.RemoteDisconnected: "it closed the connection without an answer",
    http.client.IncompleteRead: "its answer broke off",
    IncompleteRead: "its answer broke off",
}


def reason_of(error: Exception) -> str:
    """Why an exchange failed, in our words: the libraries' messages quote the whole address."""
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            return f"its certificate is not valid ({link.verify_message})"
        if isinstance(link, ssl.SSLError):
            return f"no secure connection can be made ({link.reason})"
    for link in chain:
        if type(link) in _REASONS:
            return _REASONS[type(link)]
    for link in chain:
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
    return f"its answer is no proper HTTP ({type(chain[-1]).__name__})"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all it was made from; the libraries also hide causes in arguments."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [getattr(link, "reason", None), link.__cause__, link.__context__, *link.args]
