"""Connections that notice the first byte that leaves, and read answers by a deadline."""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from clicktocall.outbound.deadline import DeadlineReader
from clicktocall.providers import deadline

CONNECTIONS_KEPT = 64

# Common servers close a connection that was idle for 5 s. A request that crosses such a close is
# lost in doubt, so a connection that idled nearly that long is replaced before it is used.
IDLE_LIMIT = 4.0

# Whether bytes of what the current thread is sending may have left.
_sending = threading.local()


def nothing_has_left() -> None:
    """State, before a request, that none of it has left this machine."""
    _sending.may_have_left = False


def may_have_left() -> bool:
    """Whether bytes may have left since this thread last stated that nothing has."""
    left: bool = _sending.may_have_left
    return left


class _DeadlineSocket:
    """What `HTTPResponse` needs of a socket: a file to read the answer from."""

    def __init__(self, reader: DeadlineReader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader, 64 * 1024)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        self.reader = DeadlineReader(sock)
        super().__init__(_DeadlineSocket(self.reader), *args, **kwargs)  # type: ignore[arg-type]


def allow_body(response: requests.Response, seconds: float) -> None:
    """From now, this long for the rest of the answer, if it never falls silent meanwhile."""
    raw: Any = response.raw
    raw._original_response.reader.allow(seconds)


class _Observed(HTTPConnection):
    """A connection that notes when the first byte of a request may leave.

    TCP and TLS are set up before that moment, so a failure of theirs is a certain one.
    """

    response_class = _Response
    idle_since = 0.0

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not may_have_left() and deadline.is_over():
            raise TimeoutError("it is too late to begin")
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


class Adapter(HTTPAdapter):
    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **kwargs: Any
    ) -> None:
        self.poolmanager = _Pools(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
