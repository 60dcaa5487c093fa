"""GET, HEAD and POST to a stranger's address, each sent once, within seconds and bytes."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from clicktocall import __version__
from clicktocall.outbound.address import Destination, read_url
from clicktocall.outbound.connection import connect, tls_context
from clicktocall.outbound.deadline import Deadline, DeadlineSocket
from clicktocall.outbound.errors import AnswerTooLarge, NoAnswer, OutboundError, Unreachable
from clicktocall.outbound.faults import reason_of
from clicktocall.outbound.names import LookUp, look_up

USER_AGENT = f"django-clicktocall/{__version__}"
PIECE = 64 * 1024  # bytes

# Written by us for every request, and by nobody else.
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding"})
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long we wait, in seconds, and how many bytes of an answer's body we read."""

    connect: float = 5.0  # to look the name up, connect and agree on TLS
    silence: float = 10.0  # without a byte in either direction
    total: float = 15.0  # for everything
    largest: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, whatever its status; a redirect is one, and is not followed.

    Header names are lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Arriving:
    """An answer whose head is here. Header names are lower case.

    `length` is what its server declares for the body, in bytes, or None; after a HEAD it is the
    length a GET would have.
    """

    def __init__(self, response: http.client.HTTPResponse, largest: int, host: str) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.length = _declared(self.headers)
        self._response = response
        self._largest = largest
        self._host = host

    def pieces(self) -> Iterator[bytes]:
        """The body as it was sent (nothing is unpacked); once, in pieces of at most `PIECE` bytes.

        Raises:
            AnswerTooLarge: the rest is not read; if the length is declared, nothing is.
            NoAnswer: it broke off, fell silent or took too long.
        """
        if (self._response.length or 0) > self._largest:
            raise self._too_large()
        received = 0
        while piece := self._next(min(PIECE, self._largest - received + 1)):
            received += len(piece)
            if received > self._largest:
                raise self._too_large()
            yield piece

    def read(self) -> bytes:
        """The whole body; raises as `pieces`."""
        return b"".join(self.pieces())

    def _next(self, most: int) -> bytes:
        try:
            piece = self._response.read(most)
            if not piece and self._response.length:
                raise http.client.IncompleteRead(b"", self._response.length)
        except Exception as error:
            raise NoAnswer(
                f"{self._host} answered {self.status}, but {reason_of(error)}."
            ) from error
        return piece

    def _too_large(self) -> AnswerTooLarge:
        return AnswerTooLarge(
            f"{self._host} answered {self.status} with more than {self._largest} bytes.",
            self.status,
        )


class OutboundClient:
    """Requests to any public host, from any number of threads, each over its own connection.

    Args:
        limits: of every request.
        ca_bundle: a file of certificates to verify against instead of the public ones.
        look_up: tells the addresses of a name; for tests of what names can turn into.
    """

    def __init__(
        self, limits: Limits | None = None, *, ca_bundle: str = "", look_up: LookUp = look_up
    ) -> None:
        self._limits = limits or Limits()
        self._tls = tls_context(ca_bundle)
        self._look_up = look_up

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", url, headers=headers)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("HEAD", url, headers=headers)

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("POST", url, body=body, headers=headers)

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send once and read the whole answer.

        Raises:
            AddressRefused: nothing is sent to such an address.
            Unreachable: no connection; surely nothing was sent.
            NoAnswer: it may have arrived, and no complete answer came back.
            AnswerTooLarge: it was answered, with more bytes than are read.
            ValueError: a header cannot be written, or is not the caller's; nothing was sent.
        """
        with self.stream(method, url, body=body, headers=headers) as arriving:
            return Answer(arriving.status, arriving.headers, arriving.read())

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Arriving]:
        """Send once and wait for the head of the answer; the rest is read if it is wanted.

        Raises as `request`; the connection is closed at the end of the block.
        """
        destination = read_url(url)
        written = _written(method, destination, body, headers or {})
        deadline = Deadline(self._limits.total)
        to_connect = Deadline(min(self._limits.connect, self._limits.total))
        connection = connect(destination, to_connect, self._look_up, self._tls)
        wire = DeadlineSocket(connection, deadline, self._limits.silence)
        with closing(wire), closing(_exchange(written, wire, body, destination)) as response:
            yield Arriving(response, self._limits.largest, destination.authority)


def _written(
    method: str, destination: Destination, body: bytes | None, headers: Mapping[str, str]
) -> http.client.HTTPConnection:
    """The head of the request, ready to be sent once there is a connection."""
    foreign = sorted(name for name in headers if name.lower() in _OURS)
    if foreign:
        raise ValueError(f"The header {foreign[0]} is written here.")
    request = http.client.HTTPConnection(destination.host.name, destination.port)
    request.auto_open = 0
    request.putrequest(method, destination.target, skip_host=True, skip_accept_encoding=True)
    own = {
        "Host": destination.authority,
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    if body is not None:
        own["Content-Length"] = str(len(body))
    theirs = {name.lower() for name in headers}
    for name, value in own.items():
        if name.lower() not in theirs:
            request.putheader(name, value)
    for name, value in headers.items():
        request.putheader(name, value)
    return request


def _exchange(
    request: http.client.HTTPConnection,
    wire: DeadlineSocket,
    body: bytes | None,
    destination: Destination,
) -> http.client.HTTPResponse:
    request.sock = wire
    try:
        request.endheaders(body)
        return request.getresponse()
    except Exception as error:
        raise _fault(error, wire, destination.authority) from error


def _fault(error: Exception, wire: DeadlineSocket, host: str) -> OutboundError:
    if wire.may_have_left:
        return NoAnswer(f"{host} was asked, but {reason_of(error)}.")
    return Unreachable(f"{host} cannot be reached: {reason_of(error)}.")


def _declared(headers: Mapping[str, str]) -> int | None:
    told = headers.get("content-length", "").strip()
    chunked = "transfer-encoding" in headers
    return int(told) if _LENGTH.fullmatch(told) and not chunked else None
