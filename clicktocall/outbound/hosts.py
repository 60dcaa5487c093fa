"""One spelling for every host, and the hosts that an operator allows although they are private."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any

import idna

from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError
from clicktocall.outbound.errors import AddressRefused
from clicktocall.outbound.networks import Address, is_public

LONGEST_HOST = 253

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# What programs in C take for the last part of an IPv4 address: 10, 012, 0xa.
_LIKE_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# Names that are never public (RFC 6761, 6762, 8375; `.internal` by ICANN).
_PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".home.arpa")

_HOST_AND_PORT = re.compile(r"(\[[^\[\]]+\]|[^\[\]:]+)(?::([1-9][0-9]{0,4}))?")


@dataclass(frozen=True, slots=True)
class Host:
    """A host in its one spelling: lower case, ASCII, an IPv6 address short and in brackets.

    `address` is set when the host is written as an address, and None for a name.
    """

    text: str
    address: Address | None = None

    @property
    def name(self) -> str:
        """As it is looked up and as a certificate has it: without brackets."""
        return self.text.strip("[]")


def read_host(text: str) -> Host:
    """The host that `text` spells.

    Raises:
        AddressRefused: no name and no address, or one that programs read in different ways.
    """
    if text.startswith("["):
        return _ipv6(text)
    name = _in_ascii(text)
    if name.endswith("."):
        raise AddressRefused("Leave off the dot at the end of the host.")
    if _LIKE_A_NUMBER.fullmatch(name):
        return _ipv4(name)
    if len(name) > LONGEST_HOST or not _NAME.fullmatch(name):
        raise AddressRefused("The host is not a proper name, such as www.example.com.")
    return Host(name)


def check_public(host: Host) -> None:
    """Refuse a host that cannot be a public one, by what can be seen without looking it up.

    Raises:
        AddressRefused: it is private, or a name that only a private network knows.
    """
    if host.address is not None:
        if not is_public(host.address):
            raise AddressRefused(private(host))
        return
    if "." not in host.text or host.text.endswith(_PRIVATE_ENDINGS):
        raise AddressRefused(private(host))


def private(host: Host) -> str:
    """Why a host is refused, and what to do; nothing of what stands behind its name."""
    return (
        f"{host.text} is not a public host. Give an address that everybody on the internet can "
        "reach, or have the operator of this site add the host to ALLOWED_PRIVATE_HOSTS."
    )


def is_private_host(host: Host, port: int) -> bool:
    """Whether the operator allows this host, on this port, although it is private."""
    allowed = private_hosts()
    return (host.text, None) in allowed or (host.text, port) in allowed


def private_hosts() -> frozenset[tuple[str, int | None]]:
    """`ALLOWED_PRIVATE_HOSTS`, each as the host and its port, or None for every port.

    Raises:
        ConfigurationError: the setting is not a list of hosts; names the entry.
    """
    hosts: Any = settings.ALLOWED_PRIVATE_HOSTS
    if isinstance(hosts, str) or not isinstance(hosts, Iterable):
        raise ConfigurationError('CLICKTOCALL["ALLOWED_PRIVATE_HOSTS"] must be a list of hosts.')
    return frozenset(_entry(str(host)) for host in hosts)


@lru_cache(maxsize=256)
def _entry(text: str) -> tuple[str, int | None]:
    parts = _HOST_AND_PORT.fullmatch(text)
    try:
        if parts is None:
            raise AddressRefused("It is neither a host nor host:port.")
        host = read_host(parts[1])
    except AddressRefused as error:
        raise ConfigurationError(
            f'CLICKTOCALL["ALLOWED_PRIVATE_HOSTS"] has {text!r}: {error} '
            'Write "pbx.example.internal", "10.0.0.5:8080" or "[fd00::5]:8080".'
        ) from error
    return host.text, int(parts[2]) if parts[2] else None


def _in_ascii(text: str) -> str:
    if len(text) > LONGEST_HOST:
        raise AddressRefused(f"A host has at most {LONGEST_HOST} characters.")
    if text.isascii():
        return text.lower()
    try:
        # As browsers do: other forms of letters, digits and dots become the usual ones.
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise AddressRefused("The host is not a proper international name.") from error


def _ipv4(text: str) -> Host:
    try:
        address = IPv4Address(text)  # strict: four decimal numbers, no zero before them
    except AddressValueError as error:
        raise AddressRefused(
            "Write an IPv4 address as four decimal numbers, such as 198.51.100.7."
        ) from error
    return Host(str(address), address)


def _ipv6(text: str) -> Host:
    try:
        address = IPv6Address(text[1:-1])
    except AddressValueError as error:
        raise AddressRefused("What stands in brackets is not an IPv6 address.") from error
    if address.scope_id is not None:
        raise AddressRefused("Leave the zone (%…) out of the IPv6 address.")
    return Host(f"[{address.compressed}]", address)
