"""Reading an address that a stranger chose, so that nobody can read it differently."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clicktocall.outbound.errors import AddressRefused
from clicktocall.outbound.hosts import Host, check_public, is_private_host, read_host

LONGEST_URL = 2048

_DEFAULT_PORTS = {"https": 443, "http": 80}
# Below stand the ports of mail, shells and name servers; a stranger does not get us to speak there.
_FIRST_FREE_PORT = 1024
_LAST_PORT = 65535

# RFC 3986 with what browsers add to it, and without what two readers may read differently. What a
# host may be is asked afterwards.
_PATH = r"(?:[\w.~!$&'()*+,;=:@/|\[\]-]|%[0-9A-Fa-f]{2})"
_QUERY = rf"(?:{_PATH}|[?^`{{}}])"
_URL = re.compile(
    rf"""
    (?P<scheme> https?) ://
    (?P<host> \[ [0-9A-Fa-f:.]+ \] | (?: [A-Za-z0-9._-] | [^\x00-\x7f] )+ )
    (?: : (?P<port> [0-9]{{1,5}} ) )?
    (?P<target> (?: / {_PATH}* )? (?: \? {_QUERY}* )? )
    """,
    re.ASCII | re.VERBOSE | re.IGNORECASE,
)
_BEGINNING = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes. `target` is what stands in its first line: path and query."""

    scheme: str
    host: Host
    port: int
    target: str
    privately: bool  # the operator allows it although it may be private

    @property
    def authority(self) -> str:
        """The host, with the port where it is not the usual one: the `Host` header."""
        usual = self.port == _DEFAULT_PORTS[self.scheme]
        return self.host.text if usual else f"{self.host.text}:{self.port}"


def check_public_url(url: str) -> None:
    """Refuse an address that no request would ever be sent to, for the moment it is saved.

    Nothing is looked up or sent, so a name may still turn out to lead into a private network; it
    is refused then.

    Raises:
        AddressRefused: the message says what to do.
    """
    read_url(url)


def is_allowed_privately(url: str) -> bool:
    """Whether the operator allows the host of this address although it may be private.

    Raises:
        AddressRefused: as `check_public_url`.
    """
    return read_url(url).privately


def read_url(url: str) -> Destination:
    """Where `url` leads.

    Raises:
        AddressRefused: no request is sent there.
        ConfigurationError: the setting `ALLOWED_PRIVATE_HOSTS` cannot be read.
    """
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"An address has at most {LONGEST_URL} characters.")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise AddressRefused(_what_is_wrong(url))
    scheme = parts["scheme"].lower()
    host = read_host(parts["host"])
    port = int(parts["port"]) if parts["port"] else _DEFAULT_PORTS[scheme]
    privately = is_private_host(host, port)
    if not privately:
        check_public(host)
    _check_port(port, 1 if privately else _FIRST_FREE_PORT)
    target = parts["target"] if parts["target"].startswith("/") else f"/{parts['target']}"
    return Destination(scheme, host, port, target, privately)


def _check_port(port: int, first: int) -> None:
    if port not in _DEFAULT_PORTS.values() and not first <= port <= _LAST_PORT:
        raise AddressRefused(
            f"{port} is not a port of web servers. "
            f"Leave it out, or use one from {first} to {_LAST_PORT}."
        )


def _what_is_wrong(url: str) -> str:
    beginning = _BEGINNING.match(url)
    if beginning is None:
        return "Begin the address with https:// or http://."
    authority = re.split(r"[/?#]", url[beginning.end() :], maxsplit=1)[0]
    if not authority:
        return "The address names no host. Write it as https://www.example.com/path."
    if "@" in authority:
        return "Leave user name and password out of the address."
    if "#" in url:
        return "Leave out the # and what follows it; it would never be sent."
    return (
        "The address is not written as browsers write it: no spaces, no backslashes, and "
        "percent-encoded whatever is not a letter, a digit or a sign of plain English."
    )
