"""Connecting to one of the addresses that were judged, and to no other."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from functools import lru_cache

import certifi

from clicktocall.outbound.address import Destination
from clicktocall.outbound.deadline import Deadline
from clicktocall.outbound.errors import Unreachable
from clicktocall.outbound.faults import reason_of
from clicktocall.outbound.names import LookUp, addresses_of
from clicktocall.outbound.networks import Address

_MOST_ADDRESSES = 4  # of one name; whoever has more has one that works among them


def connect(
    destination: Destination, deadline: Deadline, look_up: LookUp, tls: ssl.SSLContext
) -> socket.socket:
    """A connection on which nothing has been sent of the request yet.

    Raises:
        AddressRefused: the name leads into a private network.
        Unreachable: there is no such name, nobody accepts, or no secure connection can be made.
    """
    addresses = addresses_of(destination, deadline, look_up)[:_MOST_ADDRESSES]
    try:
        connection = _connected(addresses, destination.port, deadline)
        if destination.scheme == "http":
            return connection
        return _secured(connection, destination.host.name, deadline, tls)
    except (OSError, ValueError) as error:  # a ValueError: TLS cannot ask for such a name
        raise Unreachable(f"{destination.authority} cannot be reached: {_why(error)}.") from error


@lru_cache(maxsize=16)
def tls_context(ca_bundle: str = "") -> ssl.SSLContext:
    """What certificates are verified with: the public authorities, or those of a file.

    The authorities come with the app, so that the environment has no say in them.
    """
    return ssl.create_default_context(cafile=ca_bundle or certifi.where())


def _connected(addresses: Sequence[Address], port: int, deadline: Deadline) -> socket.socket:
    fault = OSError()
    for number, address in enumerate(addresses):
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        connection: socket.socket | None = None
        try:
            share = deadline.left() / (len(addresses) - number)
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.settimeout(share)
            connection.connect((str(address), port))
            return connection
        except OSError as error:
            fault = error
            if connection is not None:
                connection.close()
    raise fault


def _secured(
    connection: socket.socket, name: str, deadline: Deadline, tls: ssl.SSLContext
) -> socket.socket:
    try:
        connection.settimeout(deadline.left())
        return tls.wrap_socket(connection, server_hostname=name)
    except (OSError, ValueError):
        connection.close()
        raise


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, TimeoutError):
        return "it does not accept a connection in time"
    return reason_of(error)
