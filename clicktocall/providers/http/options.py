"""Checking what a provider's options say of its address and of our patience."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from clicktocall.exceptions import ConfigurationError

DEFAULT_TIMEOUT = (5.0, 10.0)  # to connect; from there to the last byte of the answer (seconds)


def checked_base_url(base_url: str) -> tuple[str, str]:
    """The address without a slash at its end, and its host, with the port if it names one.

    Raises:
        ConfigurationError: the address is not one we may send secrets to.
    """
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


def checked_timeout(timeout: Any) -> tuple[float, float]:
    """Seconds to connect, and seconds from there to the last byte of the answer.

    Raises:
        ConfigurationError: these are not two numbers between 0 and 60.
    """
    try:
        connect, answer = (float(seconds) for seconds in timeout)
    except (TypeError, ValueError):
        connect = answer = 0.0
    if not (0 < connect < 60 and 0 < answer < 60):
        raise ConfigurationError('"TIMEOUT" must be two numbers of seconds, each below 60.')
    return connect, answer
