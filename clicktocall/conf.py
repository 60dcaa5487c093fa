"""The settings of this app: `CLICKTOCALL = {…}` in the host's Django settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings

from clicktocall.exceptions import ConfigurationError

DEFAULTS: dict[str, Any] = {
    # Where providers and visitors reach the app, with the prefix it is mounted under,
    # for example "https://example.com/clicktocall/".
    "PUBLIC_URL": "",
    # alias -> {"BACKEND": dotted path, "OPTIONS": {...}, "ACCOUNTS": [ids] (optional)}
    "PROVIDERS": {},
    # A call that cannot be placed within this time of the request is not placed late (seconds).
    "CALL_VALIDITY": 120,
    # Upper bound of a joined call when the endpoint sets none, and of what it may set (seconds).
    "MAX_DURATION": 3600,
    # Life of a visitor's single-use token (seconds, at most 300).
    "TOKEN_LIFETIME": 300,
    # Largest request body of the public doors and of callbacks (bytes).
    "MAX_BODY_SIZE": 64 * 1024,
    # Largest request for a bulk of calls (bytes).
    "MAX_BULK_BODY_SIZE": 1024 * 1024,
    # Pause between two looks at the queue (seconds, 0.03 to 0.1).
    "POLL_INTERVAL": 0.03,
    # Calls one dispatcher hands to one provider at the same time.
    "PROVIDER_CONCURRENCY": 128,
    # A claim older than this belongs to a dispatcher that died (seconds).
    "CLAIM_LIFETIME": 60,
    # Refused requests kept per endpoint, rule and hour; further ones are only counted.
    "REFUSALS_KEPT_PER_HOUR": 100,
    # Hosts ("name" or "name:port") that requests may go to although they are private, where an
    # account or a client chose the address.
    "ALLOWED_PRIVATE_HOSTS": [],
    # Reports to clients that one dispatcher sends at the same time, in all and to one receiver.
    "REPORT_CONCURRENCY": 64,
    "REPORTS_PER_RECEIVER": 2,
    # Pauses between the tries of a report (seconds); after the last one it is given up.
    "REPORT_PAUSES": (5, 60, 300, 1800, 7200, 18000, 36000, 50400, 64800, 79200),
    # Fetch a recorded message when its address is saved, to see that providers can.
    "CHECK_AUDIO": True,
}


class Settings:
    """Attribute access to `CLICKTOCALL`; reads Django's settings each time, so overrides work.

    Raises:
        ConfigurationError: for a name that is no setting of ours, naming it.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise ConfigurationError(f"CLICKTOCALL has no setting {name!r}")
        configured: dict[str, Any] = getattr(django_settings, "CLICKTOCALL", {})
        return configured.get(name, DEFAULTS[name])

    def unknown_names(self) -> list[str]:
        """Keys of the host's `CLICKTOCALL` that nothing reads (spelling mistakes)."""
        return sorted(set(getattr(django_settings, "CLICKTOCALL", {})) - set(DEFAULTS))


settings = Settings()


def public_url(path: str) -> str:
    """The absolute address of `path` (relative to the app's prefix) as providers reach it.

    Raises:
        ConfigurationError: when `CLICKTOCALL["PUBLIC_URL"]` is not set.
    """
    base: str = settings.PUBLIC_URL
    if not base:
        raise ConfigurationError(
            'Set CLICKTOCALL["PUBLIC_URL"] to the address providers report to, '
            'for example "https://example.com/clicktocall/".'
        )
    return f"{base.rstrip('/')}/{path.lstrip('/')}"
