"""What the widget has to know of an endpoint before anybody clicks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext as _

from clicktocall.calls.watching import reports_progress
from clicktocall.embed.texts import widget_texts
from clicktocall.hours import opening_hours
from clicktocall.models import Endpoint
from clicktocall.numbers import calling_code, example, group, is_e164, national, region_name
from clicktocall.orders import DialFirst

DEFAULT_ACCENT = "#0b6e4f"

_FIELD_TYPES = {"name": "text", "email": "email", "question": "textarea"}
_FIELD_LENGTHS = {"name": 128, "email": 254, "question": 1000}


def widget_config(endpoint: Endpoint, now: datetime) -> dict[str, Any]:
    """The configuration of the button, in the active language."""
    language = get_language() or "en"
    hours = opening_hours(endpoint.opening_hours)
    is_open = hours is None or hours.is_open(now)
    opening = None if hours is None or is_open else hours.next_open(now)
    dial_first = DialFirst.CONTACT if endpoint.rings_visitor_first else DialFirst.EXTENSION
    return {
        "endpoint": endpoint.id,
        "language": language,
        "direction": "rtl" if _is_bidi(language) else "ltr",
        "open": is_open,
        "next_opening": opening,
        "dial_first": dial_first,
        "caller_id": _caller_id(endpoint),
        "fallback_phone": _fallback_phone(endpoint),
        "countries": [_country(region, language) for region in endpoint.allowed_countries],
        "default_country": next(iter(endpoint.allowed_countries), None),
        "consent": _consent(endpoint),
        "privacy_url": endpoint.privacy_url or None,
        "fields": [_field(name) for name in endpoint.visitor_fields],
        "texts": widget_texts(
            endpoint.labels,
            kind=endpoint.extension_kind,
            dial_first=dial_first,
            withheld=endpoint.withhold_caller_id,
            watched=_is_watched(endpoint),
        ),
        "theme": _theme(endpoint),
    }


def _is_watched(endpoint: Endpoint) -> bool:
    """Whether every provider that may place the call tells how it goes on."""
    return all(map(reports_progress, (endpoint.provider, *endpoint.fallback_providers)))


def _is_bidi(language: str) -> bool:
    try:
        return bool(get_language_info(language)["bidi"])
    except KeyError:
        return False


def _caller_id(endpoint: Endpoint) -> dict[str, str] | None:
    number = endpoint.number_shown_to_visitor
    if not number:
        return None
    return {"e164": number if is_e164(number) else "", "display": group(number)}


def _fallback_phone(endpoint: Endpoint) -> dict[str, str] | None:
    phone: Any = endpoint.fallback_phone
    if not phone:
        return None
    number = phone.as_e164
    return {"e164": number, "display": national(number)}


def _country(region: str, language: str) -> dict[str, str]:
    return {
        "code": region,
        "name": region_name(region, language),
        "calling_code": calling_code(region),
        "example": example(region),
    }


def _consent(endpoint: Endpoint) -> dict[str, str] | None:
    if not endpoint.consent_text:
        return None
    return {"text": endpoint.consent_text, "version": endpoint.consent_version}


def _field(name: str) -> dict[str, Any]:
    labels = {"name": _("Your name"), "email": _("Your e-mail"), "question": _("Your question")}
    return {
        "name": name,
        "label": labels[name],
        "type": _FIELD_TYPES[name],
        "required": False,
        "max_length": _FIELD_LENGTHS[name],
    }


def _theme(endpoint: Endpoint) -> dict[str, str]:
    accent = endpoint.theme.get("accent", DEFAULT_ACCENT)
    return {**endpoint.theme, "accent": accent, "accent_text": readable_on(accent)}


def readable_on(colour: str) -> str:
    """Black or white, whichever contrasts more with `colour` (WCAG 2.2, contrast ratio)."""
    luminance = _luminance(colour)
    with_white = 1.05 / (luminance + 0.05)
    with_black = (luminance + 0.05) / 0.05
    return "#ffffff" if with_white >= with_black else "#000000"


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    red, green, blue = (_linear(int(digits[i : i + 2], 16) / 255) for i in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
