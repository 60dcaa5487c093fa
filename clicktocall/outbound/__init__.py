"""Requests to addresses that strangers chose: an account's audio file, a client's `notifyUrl`.

A name is looked up once, every address behind it must be public, and the connection goes to one
of those very addresses. Nothing is followed, sent twice, remembered between requests or taken from
the environment, and each request ends within its seconds and its bytes, whatever the other side
does.
"""

from clicktocall.outbound.address import check_public_url, is_allowed_privately
from clicktocall.outbound.client import Answer, Arriving, Limits, OutboundClient
from clicktocall.outbound.errors import (
    AddressRefused,
    AnswerTooLarge,
    NoAnswer,
    OutboundError,
    Unreachable,
)
from clicktocall.outbound.hosts import private_hosts

__all__ = [
    "AddressRefused",
    "Answer",
    "AnswerTooLarge",
    "Arriving",
    "Limits",
    "NoAnswer",
    "OutboundClient",
    "OutboundError",
    "Unreachable",
    "check_public_url",
    "is_allowed_privately",
    "private_hosts",
]
