"""The one HTTP client of all providers. It knows whether a request may have left this machine.

Nothing is sent twice, redirects are not followed, TLS is always verified, the environment
(proxies, netrc, certificate variables) is not consulted, and no secret reaches an error or a log.
"""

from __future__ import annotations

import base64
import http.client
import io
import ipaddress
import json as json_text
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import quote, quote_plus, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    IncompleteRead,
    NameResolutionError,
    ReadTimeoutError,
)

from clicktocall import __version__
from clicktocall.exceptions import (
    ConfigurationError,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)

USER_AGENT = f"django-clicktocall/{__version__}"
DEFAULT_TIMEOUT = (5.0, 10.0)  # to connect; from there to the last byte of the answer (seconds)
LARGEST_ANSWER = 1024 * 1024  # bytes
CONNECTIONS_KEPT = 64
LONGEST_WORDS = 300
LONGEST_RETRY_AFTER = 3600.0
SHORTEST_SECRET = 4

# Common servers close a connection that was idle for 5 s. A request that crosses such a close is
# lost in doubt, so a connection that idled nearly that long is replaced before it is used.
IDLE_LIMIT = 4.0

# What the current thread is sending: whether bytes may have left, and what must not be logged.
_sending = threading.local()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. Header names are lower case; `words` is what may be shown of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    words: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def document(self) -> dict[str, Any]:
        """The JSON object in the body.

        Raises:
            OutcomeUnknown: the provider answered, but not with an object we can read.
        """
        try:
            document = json_text.loads(self.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise OutcomeUnknown(f"The answer cannot be read: {self.words}")
        return document

    def retry_after(self, default: float = 1.0) -> float:
        """Seconds to wait by the Retry-After header (RFC 9110, 10.2.3), at most an hour."""
        told = self.headers.get("retry-after", "").strip()
        if told.isascii() and told.isdigit():
            return min(float(told), LONGEST_RETRY_AFTER)
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            return default
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
        return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def failure(
    answer: Answer, *, words: str = "", surely_not_placed: Collection[int] = ()
) -> ProviderError:
    """The error an answer without success stands for, by the general meaning of its status.

    Args:
        words: the provider's reason, where the adapter can read it out of the body.
        surely_not_placed: statuses by which this provider promises that nothing was dialled.
    """
    detail = f"{answer.status} {words}" if words else answer.words
    if answer.status == 429:
        return ProviderThrottled(detail, answer.retry_after())
    if answer.status in surely_not_placed:
        return ProviderUnavailable(detail)
    # 408 is also sent by gateways that waited for their own backend; 307 and 308 are the
    # redirects that promise nothing was done.
    if answer.status in (307, 308) or (400 <= answer.status < 500 and answer.status != 408):
        return ProviderRefused(detail)
    return OutcomeUnknown(detail)


class HttpClient:
    """Requests below one base address, from any number of threads, over kept connections.

    Args:
        base_url: https, or http to this very machine; may have a path.
        timeout: seconds to connect (and agree on TLS), and seconds from the sent request to the
            last byte of the answer.
        headers: sent with every request.
        secrets: texts that must never be seen in an error or a log.
        ca_bundle: a file of certificates to verify against instead of the public ones.

    Raises:
        ConfigurationError: the address is not one we may send secrets to.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: tuple[float, float] = DEFAULT_TIMEOUT,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        ca_bundle: str = "",
    ) -> None:
        self._base_url, self.host = _checked_base_url(base_url)
        self._timeout = timeout
        self._headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        self._headers.update(headers or {})
        self._secrets = _spellings(secrets)
        self._verify: bool | str = ca_bundle or True
        self._adapter = _Adapter(pool_maxsize=CONNECTIONS_KEPT, max_retries=0)

    @classmethod
    def from_options(
        cls,
        options: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
    ) -> Self:
        """A client by a provider's options: `BASE_URL`, and optionally `TIMEOUT`, `CA_BUNDLE`."""
        return cls(
            options["BASE_URL"],
            timeout=_checked_timeout(options.get("TIMEOUT", DEFAULT_TIMEOUT)),
            headers=headers,
            secrets=secrets,
            ca_bundle=str(options.get("CA_BUNDLE", "")),
        )

    def __repr__(self) -> str:
        return f"<HttpClient {self.host}>"

    def get(
        self,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.request("GET", path, query=query, headers=headers)

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.request("POST", path, json=json, form=form, query=query, headers=headers)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send once and read the whole answer, whatever its status.

        Args:
            path: below the base address, its parts already percent-encoded.
            json: sent as a JSON body unless None.
            form: sent as a urlencoded body unless None.

        Raises:
            ProviderRefused: the request cannot be written; nothing was sent.
            ProviderUnavailable: no connection; surely nothing was sent.
            OutcomeUnknown: something may have been sent, and no complete answer came back.
        """
        prepared = self._prepare(method, path, json, form, query, headers)
        if prepared is None:
            raise ProviderRefused(f"The request to {self.host} cannot be written.")
        outcome = self._exchange(prepared)
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    def redact(self, text: str) -> str:
        """The text without any of the secrets, however they are spelled in it."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def close(self) -> None:
        """Close the kept connections; the client can still be used."""
        self._adapter.close()

    def _prepare(
        self,
        method: str,
        path: str,
        json: Any,
        form: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> requests.PreparedRequest | None:
        all_headers = {**self._headers, **(headers or {})}
        body: bytes | dict[str, str] | None = dict(form) if form is not None else None
        try:
            if json is not None:
                body = json_text.dumps(json, allow_nan=False).encode()
                all_headers["Content-Type"] = "application/json"
            return requests.Request(
                method,
                f"{self._base_url}/{path.lstrip('/')}",
                headers=all_headers,
                params=dict(query or {}),
                data=body,
            ).prepare()
        except (requests.RequestException, ValueError, TypeError, RecursionError):
            return None  # their messages quote the request

    def _exchange(self, request: requests.PreparedRequest) -> Answer | ProviderError:
        # The error is returned, not raised here: the exceptions of the libraries below carry the
        # request with its secrets, and must not hang on ours as its context.
        _sending.may_have_left = False
        _sending.redact = self.redact
        try:
            with closing(
                self._adapter.send(request, stream=True, timeout=self._timeout, verify=self._verify)
            ) as response:
                return self._read(response)
        except Exception as error:  # noqa: BLE001 (whichever: what counts is whether bytes left)
            return self._fault(error)
        finally:
            _sending.redact = None

    def _read(self, response: requests.Response) -> Answer | ProviderError:
        body = bytearray()
        for chunk in response.iter_content(16 * 1024):
            body += chunk
            if len(body) > LARGEST_ANSWER:
                return OutcomeUnknown(
                    f"{response.status_code} with an answer of more than {LARGEST_ANSWER} bytes"
                )
        headers = {name.lower(): value for name, value in response.headers.items()}
        # Redacted before it is shortened, so that no secret survives as a beginning.
        text = _readable(self.redact(body.decode("utf-8", "replace")))
        words = f"{response.status_code} {text}".strip()
        return Answer(response.status_code, headers, bytes(body), words)

    def _fault(self, error: Exception) -> ProviderError:
        reason = self.redact(_reason(error))
        if _sending.may_have_left:
            return OutcomeUnknown(f"{self.host} was asked, but {reason}")
        return ProviderUnavailable(f"{self.host} cannot be reached: {reason}")


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a moment, however slowly the other side drips."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        allowed = sock.gettimeout()
        self._deadline = None if allowed is None else time.monotonic() + allowed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _DeadlineSocket:
    """What `HTTPResponse` needs of a socket: a file to read the answer from."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._sock), 64 * 1024)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_DeadlineSocket(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Observed(HTTPConnection):
    """A connection that notes when the first byte of a request may leave.

    TCP and TLS are set up before that moment, so a failure of theirs is a certain one.
    """

    response_class = _Response
    idle_since = 0.0

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _sending.may_have_left = True
        super().send(data)


class _ObservedTLS(_Observed, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Observed

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection: Any = super()._get_conn(timeout)
        if time.monotonic() - connection.idle_since > IDLE_LIMIT:
            connection.close()  # opens again when it is used
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)


class _TLSPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _ObservedTLS


class _Pools(PoolManager):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **kwargs: Any
    ) -> None:
        self.poolmanager = _Pools(num_pools=connections, maxsize=maxsize, block=block, **kwargs)


class _LogRedaction(logging.Filter):
    """urllib3 logs whole addresses and odd answers; ours lose their secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        redact: Callable[[str], str] | None = getattr(_sending, "redact", None)
        if redact is not None:
            record.msg, record.args = redact(record.getMessage()), None
            record.exc_info = record.exc_text = None  # quotes what came back
        return True


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

for _name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_LogRedaction())


def _checked_base_url(base_url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host:
        raise ConfigurationError('"BASE_URL" is not an address.')
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError('"BASE_URL" must not hold credentials, a query or a fragment.')
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host)):
        raise ConfigurationError(f'"BASE_URL" must be https: {host} is not this machine.')
    return base_url.rstrip("/"), f"{host}:{port}" if port else host


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked_timeout(timeout: Any) -> tuple[float, float]:
    try:
        connect, answer = (float(seconds) for seconds in timeout)
    except (TypeError, ValueError):
        connect = answer = 0.0
    if not (0 < connect < 60 and 0 < answer < 60):
        raise ConfigurationError('"TIMEOUT" must be two numbers of seconds, each below 60.')
    return connect, answer


def _spellings(secrets: Sequence[str]) -> tuple[str, ...]:
    """Every form in which a secret may come back to us, the longest first."""
    found = set()
    for secret in secrets:
        if len(secret) < SHORTEST_SECRET:
            continue
        in_base64 = base64.b64encode(secret.encode()).decode()
        in_json = json_text.dumps(secret)[1:-1]
        found |= {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
        found |= {in_base64, quote(in_base64, safe=""), in_json}
    return tuple(sorted(found, key=len, reverse=True))


def _readable(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * LONGEST_WORDS])
    words = " ".join(printable.split())
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS - 1]}…"


def _reason(error: Exception) -> str:
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
