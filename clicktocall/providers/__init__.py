"""Providers by alias: `CLICKTOCALL["PROVIDERS"][alias] = {"BACKEND": …, "OPTIONS": {…}}`."""

from __future__ import annotations

from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError
from clicktocall.providers.base import (
    CallbackNotUnderstood,
    CallbackRequest,
    Provider,
    RecordingStream,
)

__all__ = [
    "CallbackNotUnderstood",
    "CallbackRequest",
    "Provider",
    "RecordingStream",
    "get_provider",
    "provider_aliases",
]

_providers: dict[str, Provider] = {}


def get_provider(alias: str) -> Provider:
    """The provider configured under `alias`; one instance per process.

    Raises:
        ConfigurationError: no such alias, or its configuration is wrong.
    """
    if alias not in _providers:
        _providers[alias] = _build(alias)
    return _providers[alias]


def provider_aliases(account_id: str | None = None) -> list[str]:
    """The configured aliases, or only those that `account_id` may use."""
    configured: dict[str, dict[str, Any]] = settings.PROVIDERS
    if account_id is None:
        return list(configured)
    return [
        alias
        for alias, entry in configured.items()
        if "ACCOUNTS" not in entry or account_id in entry["ACCOUNTS"]
    ]


def _build(alias: str) -> Provider:
    try:
        entry = settings.PROVIDERS[alias]
    except KeyError:
        known = ", ".join(settings.PROVIDERS) or "none"
        raise ConfigurationError(
            f'CLICKTOCALL["PROVIDERS"] has no "{alias}" (configured: {known}).'
        ) from None
    try:
        backend = import_string(entry["BACKEND"])
    except (KeyError, ImportError) as error:
        raise ConfigurationError(
            f'CLICKTOCALL["PROVIDERS"]["{alias}"]["BACKEND"] cannot be imported: {error}'
        ) from error
    provider: Provider = backend(alias, entry.get("OPTIONS", {}))
    return provider


def _forget_providers(*, setting: str, **_kwargs: Any) -> None:
    if setting == "CLICKTOCALL":
        _providers.clear()


setting_changed.connect(_forget_providers)
