"""Addresses that a provider told us: only its own are fetched, with its credentials."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_DEFAULT_PORTS = {"https": ":443", "http": ":80"}

# RFC 3986 without what two readers may read differently: no userinfo, no empty part of a path,
# no fragment, and of percent signs only proper ones.
_PART = r"(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_ADDRESS = re.compile(
    rf"""
    (?P<scheme> https?) ://
    (?P<authority> [\w.:\[\]-]+)
    (?P<path> (?: / {_PART}+ )+ /?)
    (?P<query> (?: \? (?: {_PART} | [/?] )* )?)
    """,
    re.ASCII | re.VERBOSE | re.IGNORECASE,
)


def own_address(told: str, base_url: str) -> str | None:
    """The address `told`, if it has the scheme, host and port of `base_url`; else None.

    What is returned begins with our own spelling of these three, so whoever reads it finds the
    same host, however `told` was meant.
    """
    parts = urlsplit(base_url)
    address = _ADDRESS.fullmatch(told)
    if address is None or address["scheme"].lower() != parts.scheme:
        return None
    own, theirs = (
        authority.lower().removesuffix(_DEFAULT_PORTS[parts.scheme])
        for authority in (parts.netloc, address["authority"])
    )
    if theirs != own or _climbs(address["path"]):
        return None
    return f"{parts.scheme}://{parts.netloc}{address['path']}{address['query']}"


def _climbs(path: str) -> bool:
    """Whether somebody who decodes the path first would leave it, or read another one."""
    decoded = unquote(path)
    return (
        not decoded.isprintable()
        or "\\" in decoded
        or any(part in (".", "..") for part in decoded.split("/"))
    )
