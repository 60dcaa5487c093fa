"""Showing what a provider sent: as text, up to a limit, without secrets."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Account, CallbackReceipt
from clicktocall.providers import get_provider

LONGEST_SHOWN = 16 * 1024

_MASK = "•••"
_SHORTEST_SECRET = 6
_SECRET_NAME = re.compile(
    r"secret|token|password|passwd|pwd|signature|api[_-]?key|auth|credential|^key$|^sig$",
    re.IGNORECASE,
)


def receipt_text(receipt: CallbackReceipt) -> tuple[str, bool]:
    """The body as readable text, and whether it was cut off. JSON is indented."""
    text = _readable(bytes(receipt.body))
    cut = len(text) > LONGEST_SHOWN
    return mask_secrets(text[:LONGEST_SHOWN], receipt.provider), cut


def receipt_query(receipt: CallbackReceipt) -> dict[str, str]:
    """The query's values, those with a secret's name or content masked."""
    query: Mapping[str, Any] = receipt.query if isinstance(receipt.query, Mapping) else {}
    return {
        str(name): _MASK
        if _SECRET_NAME.search(str(name))
        else mask_secrets(str(value), receipt.provider)
        for name, value in query.items()
    }


def mask_secrets(text: str, alias: str) -> str:
    """`text` without any secret that the provider `alias` is configured with."""
    for secret in _secrets_of(alias):
        text = text.replace(secret, _MASK)
    return text


def may_read_bodies(alias: str, accounts: Iterable[str]) -> bool:
    """Whether everything that arrives for `alias` belongs to `accounts`.

    One callback may report calls of several accounts, so its text is only for those who belong
    to every account that may use the provider.
    """
    entry: Mapping[str, Any] = settings.PROVIDERS.get(alias, {})
    users = entry.get("ACCOUNTS")
    if users is None:
        users = Account.objects.values_list("pk", flat=True)
    return set(users) <= set(accounts)


def _readable(body: bytes) -> str:
    text = body[: 4 * LONGEST_SHOWN].decode("utf-8", "replace")
    if len(body) > 4 * LONGEST_SHOWN:
        return text
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(_masked(json.loads(text)), indent=2, ensure_ascii=False)
    return text.replace("\x00", "\ufffd")


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _MASK if isinstance(inner, str) and _SECRET_NAME.search(name) else _masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return value


def _secrets_of(alias: str) -> list[str]:
    """Longest first, so that none is left half."""
    try:
        provider = get_provider(alias)
    except ConfigurationError:
        return []
    found: list[Any] = list(provider.callback_secrets)
    for option in provider.secret_options:
        value = provider.options.get(option)
        found.extend(value if isinstance(value, list | tuple) else [value])
    known = {str(secret) for secret in found if secret}
    return sorted((s for s in known if len(s) >= _SHORTEST_SECRET), key=len, reverse=True)
