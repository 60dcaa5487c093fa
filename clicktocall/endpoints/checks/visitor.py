"""What the visitor meets: sites, countries, consent, questions, words, looks."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from clicktocall import numbers
from clicktocall.endpoints.checks.common import (
    Problems,
    is_list_of_text,
    is_map_of_text,
    is_text_like,
)
from clicktocall.models import Endpoint

LABEL_KEYS = frozenset({"button", "title", "our_team", "submit"})


VISITOR_FIELDS = ("name", "email", "question")


_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


_LENGTH = re.compile(r"(?:0|[1-9][0-9]?)px")


_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


_LONGEST_ORIGIN = 255


def check_origins(endpoint: Endpoint) -> Problems:
    if not is_list_of_text(endpoint.allowed_origins):
        yield "allowed_origins", _("Give a list of origins.")
        return
    for origin in endpoint.allowed_origins:
        if not is_origin(origin):
            yield (
                "allowed_origins",
                _(
                    "“%(origin)s” is not an origin; write it as the browser does, "
                    "such as https://www.example.com or http://localhost:8000, without a path."
                )
                % {"origin": origin[:100]},
            )


def is_origin(text: str) -> bool:
    """Whether `text` is an origin exactly as a browser serialises it (RFC 6454, section 6.1)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname or len(text) > _LONGEST_ORIGIN:
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if not _HOST.fullmatch(host) or port == {"http": 80, "https": 443}[parts.scheme]:
        return False
    return text == f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def check_countries(endpoint: Endpoint) -> Problems:
    if not is_list_of_text(endpoint.allowed_countries):
        yield "allowed_countries", _("Give a list of country codes.")
        return
    unknown = sorted(set(endpoint.allowed_countries) - numbers.regions())
    if unknown:
        yield (
            "allowed_countries",
            _("“%(code)s” is not a country code such as GB.") % {"code": unknown[0][:20]},
        )


def check_consent(endpoint: Endpoint) -> Problems:
    if endpoint.consent_text and not endpoint.consent_version:
        yield "consent_version", _("Name the version of the consent text, such as 2026-1.")
    if endpoint.consent_version and not endpoint.consent_text:
        yield "consent_text", _("Write the text that this version names.")


def check_questions(endpoint: Endpoint) -> Problems:
    asked = endpoint.visitor_fields
    if not is_list_of_text(asked) or set(asked) - set(VISITOR_FIELDS):
        yield (
            "visitor_fields",
            _("Choose among: %(fields)s.") % {"fields": ", ".join(VISITOR_FIELDS)},
        )


def check_labels(endpoint: Endpoint) -> Problems:
    labels = endpoint.labels
    if not is_map_of_text(labels, longest=200):
        yield "labels", _("Give an object of short texts.")
    elif set(labels) - LABEL_KEYS:
        yield (
            "labels",
            _("Only these can be changed: %(keys)s.") % {"keys": ", ".join(sorted(LABEL_KEYS))},
        )


def check_theme(endpoint: Endpoint) -> Problems:
    theme = endpoint.theme
    if not isinstance(theme, dict) or set(theme) - {"accent", "radius"}:
        yield "theme", _("Only accent and radius can be set.")
        return
    if "accent" in theme and not is_text_like(theme["accent"], _COLOUR):
        yield "theme", _("accent: write a colour such as #0b6e4f.")
    if "radius" in theme and not is_text_like(theme["radius"], _LENGTH):
        yield "theme", _("radius: write a length such as 12px.")


def check_fallback_phone(endpoint: Endpoint) -> Problems:
    phone: Any = endpoint.fallback_phone
    if phone and not phone.is_valid():
        yield "fallback_phone", _("Write the number in international form, such as +442079460199.")
