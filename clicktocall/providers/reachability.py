"""Whether providers can reach us: without callbacks no call would ever be seen to end."""

from __future__ import annotations

import requests

from clicktocall.conf import public_url
from clicktocall.exceptions import ConfigurationError
from clicktocall.providers import get_provider, provider_aliases


def is_reported_to() -> bool:
    """Whether any provider reports to us by itself; the reports of others are fetched."""
    return not provider_aliases() or any(map(_reports, provider_aliases()))


def _reports(alias: str) -> bool:
    try:
        return get_provider(alias).pull_every is None
    except ConfigurationError:
        return True


def callback_problem(timeout: float = 5.0) -> str | None:
    """What keeps callbacks from arriving, in words that say what to do; None if nothing does.

    Nothing does where all reports are fetched. Asks the public address for our own health, within
    `timeout` seconds.
    """
    if not is_reported_to():
        return None
    try:
        address = public_url("health/")
    except ConfigurationError as error:
        return str(error)
    try:
        answer = requests.get(address, timeout=timeout, allow_redirects=False)
    except requests.RequestException as error:
        return (
            f"{address} does not answer ({type(error).__name__}): callbacks cannot arrive. "
            "Check PUBLIC_URL, the proxy and the firewall."
        )
    if answer.status_code != requests.codes.ok or "dispatcher_beat_seconds" not in answer.text:
        return (
            f"{address} answers {answer.status_code}, and not as this app does: callbacks cannot "
            "arrive. Check that PUBLIC_URL ends with the prefix the app is mounted under."
        )
    return None
