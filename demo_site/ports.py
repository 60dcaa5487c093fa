"""Which ports the demo can have."""

from __future__ import annotations

import errno
import socket

HIGHEST_PORT = 65_535

_TAKEN = frozenset({errno.EADDRINUSE})


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now.

    Raises:
        OSError: `host` is no address of this machine.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen()
        except OSError as error:
            if error.errno in _TAKEN:
                return False
            raise
    return True


def is_answered(port: int) -> bool:
    """Whether a server listens on this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def free_port(preferred: int) -> int:
    """`preferred` if it can be had on the loopback address, else any other."""
    if preferred <= HIGHEST_PORT and is_free("127.0.0.1", preferred):
        return preferred
    return any_free_port()


def any_free_port() -> int:
    """A port of the loopback address that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
