"""System checks: what would keep calls from being placed or reported, said before it happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections, router
from django.urls import NoReverseMatch, reverse

from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Call
from clicktocall.outbound import private_hosts
from clicktocall.providers import get_provider, provider_aliases
from clicktocall.providers.reachability import is_reported_to

# 128 bits of base64 or more, of characters that stand for themselves in an address.
_CALLBACK_SECRET = re.compile(r"[A-Za-z0-9_-]{22,}")


@register(Tags.compatibility)
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    return [
        *_unknown_settings(),
        *_public_url(),
        *_providers(),
        *_database(),
        *_time_zones(),
        *_widget(),
        *_addresses(),
        *_private_hosts(),
    ]


def _private_hosts() -> Iterator[CheckMessage]:
    try:
        private_hosts()
    except ConfigurationError as error:
        yield Error(str(error), id="clicktocall.E007")


def _unknown_settings() -> Iterator[CheckMessage]:
    for name in settings.unknown_names():
        yield checks.Warning(
            f"CLICKTOCALL has no setting {name!r}.",
            hint="Correct its spelling or remove it; nothing reads it.",
            id="clicktocall.W001",
        )


def _public_url() -> Iterator[CheckMessage]:
    address: str = settings.PUBLIC_URL
    if not address and not is_reported_to():
        return
    if not address:
        yield checks.Warning(
            'CLICKTOCALL["PUBLIC_URL"] is not set: callbacks cannot arrive, no call is placed.',
            hint="Set it to the address and prefix of the app, "
            'such as "https://example.com/clicktocall/".',
            id="clicktocall.W002",
        )
        return
    parts = _web_address(address)
    if parts is None:
        yield Error(
            f'CLICKTOCALL["PUBLIC_URL"] is {address!r}, which is not a web address.',
            hint="Begin with https://.",
            id="clicktocall.E002",
        )
    elif parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        yield checks.Warning(
            'CLICKTOCALL["PUBLIC_URL"] is not https: callbacks travel in the clear.',
            hint="Serve the site over TLS and begin the address with https://.",
            id="clicktocall.W003",
        )


def _web_address(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, or no such port
        return None
    return parts if known else None


def _providers() -> Iterator[CheckMessage]:
    if not provider_aliases():
        yield checks.Warning(
            'CLICKTOCALL["PROVIDERS"] is empty: no call can be placed.',
            hint="Configure at least one provider; the sandbox needs no account.",
            id="clicktocall.W004",
        )
    for alias in provider_aliases():
        try:
            provider = get_provider(alias)
        except ConfigurationError as error:
            yield Error(str(error), id="clicktocall.E003")
            continue
        if provider.pull_every is not None:
            continue  # it reports nothing by itself
        secrets = provider.callback_secrets
        if not secrets or not all(map(_CALLBACK_SECRET.fullmatch, secrets)):
            yield Error(
                f'CLICKTOCALL["PROVIDERS"]["{alias}"] has no CALLBACK_SECRETS of at least '
                "22 letters, digits, dashes and underscores.",
                hint="Put a list with one random secret, such as secrets.token_urlsafe(32), "
                "into its OPTIONS; two while you rotate.",
                id="clicktocall.E004",
            )


def _database() -> Iterator[CheckMessage]:
    alias = router.db_for_write(Call)
    connection = connections[alias]
    if connection.vendor not in ("sqlite", "postgresql"):
        yield Error(
            f"The database {alias!r} is {connection.display_name}; "
            "calls need SQLite or PostgreSQL.",
            id="clicktocall.E005",
        )
    options = connection.settings_dict.get("OPTIONS", {})
    if connection.vendor == "sqlite" and options.get("transaction_mode") != "IMMEDIATE":
        yield checks.Warning(
            f"The SQLite database {alias!r} does not begin its transactions IMMEDIATE.",
            hint='Set OPTIONS["transaction_mode"] = "IMMEDIATE", journal mode WAL and a timeout of '
            "20 s, or requests fail as locked under load.",
            id="clicktocall.W005",
        )


def _time_zones() -> Iterator[CheckMessage]:
    if not django_settings.USE_TZ:
        yield Error(
            "USE_TZ is off: times without a zone would place calls at the wrong hour.",
            hint="Set USE_TZ = True.",
            id="clicktocall.E006",
        )


def _widget() -> Iterator[CheckMessage]:
    if "django.contrib.staticfiles" not in django_settings.INSTALLED_APPS:
        return
    if finders.find("clicktocall/widget.js") is None:
        yield checks.Warning(
            "The widget clicktocall/widget.js is not among the static files.",
            hint="From a source checkout, add widget_static to STATICFILES_DIRS and templates to "
            "the template directories; an installed package has both.",
            id="clicktocall.W006",
        )


def _addresses() -> Iterator[CheckMessage]:
    if not getattr(django_settings, "ROOT_URLCONF", None):
        return  # nothing is served from here
    try:
        reverse("clicktocall:health")
    except NoReverseMatch:
        yield checks.Warning(
            "The addresses of the app are not among the site's.",
            hint='Add path("clicktocall/", include("clicktocall.urls")) to the urls.',
            id="clicktocall.W007",
        )
