"""The options of an alias, checked before the first call: what is wrong is named by its key."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from clicktocall.dialects.infobip.manner import JSON, XML
from clicktocall.exceptions import ConfigurationError

KNOWN_OPTIONS = frozenset(
    {
        *("BASE_URL", "API_KEY", "USERNAME", "PASSWORD", "BEARER_TOKEN", "SESSION_TOKEN"),
        *("CALLBACK_SECRETS", "CALLBACK_USERNAME", "CALLBACK_PASSWORD", "CALLBACK_NETWORKS"),
        *("NOTIFY_CONTENT_TYPE", "PULL_SECONDS", "RECORD", "TIMEOUT", "CA_BUNDLE", "DEDUPE"),
    }
)
SECRET_OPTIONS = (
    *("API_KEY", "PASSWORD", "BEARER_TOKEN", "SESSION_TOKEN"),
    *("CALLBACK_SECRETS", "CALLBACK_PASSWORD"),
)

_SCHEMES = {"API_KEY": "App", "BEARER_TOKEN": "Bearer", "SESSION_TOKEN": "IBSSO"}
_PULL_SECONDS = (10, 3600)
_OF_A_HEADER = re.compile(r"[!-~]+", re.ASCII)

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOptions:
    """What one alias is set up for.

    `authorization` is the header of every request, `login` and `password` are expected of every
    callback ("" for none), `networks` is where callbacks come from (empty: from anywhere), and
    `pull_seconds` how often reports are fetched instead (None: they are pushed).
    """

    authorization: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    login: str = ""
    password: str = field(default="", repr=False)
    networks: tuple[Network, ...] = ()
    notify_content_type: str = JSON
    pull_seconds: int | None = None
    record: bool = False


class _Wrong(Exception):
    """An option that cannot be used: its key, and what to do."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(key)
        self.key = key
        self.problem = problem


def read_options(alias: str, options: Mapping[str, Any]) -> AccountOptions:
    """The options of `alias` in order.

    Raises:
        ConfigurationError: naming the key that is missing, wrong or contradicts another.
    """
    try:
        for key in sorted(set(options) - KNOWN_OPTIONS):
            raise _Wrong(key, f"is unknown; there are {', '.join(sorted(KNOWN_OPTIONS))}")
        return _read(options)
    except _Wrong as wrong:
        key, problem = wrong.key, wrong.problem
    raise ConfigurationError(f'CLICKTOCALL["PROVIDERS"]["{alias}"]["OPTIONS"]["{key}"] {problem}.')


def _read(options: Mapping[str, Any]) -> AccountOptions:
    authorization = _authorization(options)
    login, password = _pair(options, "CALLBACK_USERNAME", "CALLBACK_PASSWORD")
    kind = options.get("NOTIFY_CONTENT_TYPE", JSON)
    if kind not in (JSON, XML):
        raise _Wrong("NOTIFY_CONTENT_TYPE", f'must be "{JSON}" or "{XML}"')
    record = options.get("RECORD", False)
    if not isinstance(record, bool):
        raise _Wrong("RECORD", "must be True or False")
    ca_bundle = options.get("CA_BUNDLE", "")
    if ca_bundle and not Path(str(ca_bundle)).is_file():
        raise _Wrong("CA_BUNDLE", "must be a file of certificates; there is none of that name")
    return AccountOptions(
        authorization=authorization,
        secrets=_secrets(options, authorization),
        login=login,
        password=password,
        networks=tuple(_networks(options.get("CALLBACK_NETWORKS", ()))),
        notify_content_type=kind,
        pull_seconds=_pull_seconds(options.get("PULL_SECONDS")),
        record=record,
    )


def _authorization(options: Mapping[str, Any]) -> str:
    """The one way of presenting oneself that the options give."""
    ways = [key for key in _SCHEMES if options.get(key)]
    if options.get("USERNAME") or options.get("PASSWORD"):
        ways.append("USERNAME")
    if not ways:
        raise _Wrong(
            "API_KEY",
            "is missing; give it, or USERNAME with PASSWORD, or BEARER_TOKEN, or SESSION_TOKEN",
        )
    if len(ways) > 1:
        raise _Wrong(ways[1], f"contradicts {ways[0]}; give one of the two")
    if ways == ["USERNAME"]:
        login, password = _pair(options, "USERNAME", "PASSWORD")
        return f"Basic {b64encode(f'{login}:{password}'.encode()).decode()}"
    return f"{_SCHEMES[ways[0]]} {_of_a_header(options, ways[0])}"


def _of_a_header(options: Mapping[str, Any], key: str) -> str:
    token = options[key]
    if not isinstance(token, str) or not _OF_A_HEADER.fullmatch(token):
        raise _Wrong(key, "must be text of printable ASCII characters without spaces")
    return token


def _pair(options: Mapping[str, Any], user_key: str, password_key: str) -> tuple[str, str]:
    """User name and password: both, or neither."""
    user, password = options.get(user_key) or "", options.get(password_key) or ""
    for key, text, other in (
        (user_key, user, password_key),
        (password_key, password, user_key),
    ):
        if not isinstance(text, str):
            raise _Wrong(key, "must be text")
        if not text and (user or password):
            raise _Wrong(key, f"is missing; {other} is given")
    if ":" in user:
        raise _Wrong(user_key, "must not hold a colon")
    return user, password


def _networks(given: object) -> Iterator[Network]:
    key = "CALLBACK_NETWORKS"
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise _Wrong(key, 'must be a list of networks such as "193.105.74.0/24"')
    for written in given:
        try:
            yield ip_network(written if isinstance(written, str) else "")
        except ValueError:
            raise _Wrong(
                key, f"has {written!r}, which is no network such as 193.105.74.0/24"
            ) from None


def _pull_seconds(given: object) -> int | None:
    shortest, longest = _PULL_SECONDS
    if given is None:
        return None
    if type(given) is not int or not shortest <= given <= longest:
        raise _Wrong(
            "PULL_SECONDS", f"must be a whole number of seconds from {shortest} to {longest}"
        )
    return given


def _secrets(options: Mapping[str, Any], authorization: str) -> tuple[str, ...]:
    """Everything that must be seen in no error and no log."""
    given = [options.get(key) for key in SECRET_OPTIONS if key != "CALLBACK_SECRETS"]
    given += [authorization.partition(" ")[2], *options.get("CALLBACK_SECRETS", ())]
    return tuple(secret for secret in given if isinstance(secret, str))
