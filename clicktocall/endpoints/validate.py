"""Whether an endpoint's settings make sense together, for its provider and every fallback.

What concerns money, identity, consent or recording and cannot be done by a provider is refused
here; comfort options are kept and shown as not honoured. Nothing is dropped silently.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clicktocall import hours, numbers
from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError, InvalidNumber
from clicktocall.models import Endpoint, OwnedNumber
from clicktocall.orders import Capability, ExtensionKind
from clicktocall.providers import Provider, get_provider, provider_aliases

LABEL_KEYS = frozenset({"button", "title", "our_team", "submit"})
VISITOR_FIELDS = ("name", "email", "question")

_EXTENSIONS = {
    ExtensionKind.SIP: (
        re.compile(r"sips?:[^\s@<>\"]{1,128}@[A-Za-z0-9.:\[\]-]{1,120}", re.ASCII),
        "Write a SIP URI such as sip:sales@example.com.",
    ),
    ExtensionKind.PBX: (
        re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII),
        "Write a PBX extension such as 1000: letters, digits, dot, dash, underscore.",
    ),
    ExtensionKind.FLOW: (
        re.compile(r"[A-Za-z0-9_:.-]{1,128}", re.ASCII),
        "Write the flow's or scenario's id: letters, digits, colon, dot, dash, underscore.",
    ),
}
_EXTENSION_CAPABILITY = {
    ExtensionKind.NUMBER: Capability.TWO_LEGS,
    ExtensionKind.SIP: Capability.SIP,
    ExtensionKind.PBX: Capability.PBX,
    ExtensionKind.FLOW: Capability.FLOW,
}
# option -> what a provider must be able to do for it
_ESSENTIAL = {
    "caller_id_a": Capability.CALLER_ID_A,
    "caller_id_b": Capability.CALLER_ID_B,
    "anonymization": Capability.CALLER_ID_B,
    "bridge": Capability.BRIDGE,
    "record": Capability.RECORD,
    "max_duration": Capability.MAX_DURATION,
    "machine_detection": Capability.MACHINE_DETECTION,
    "message_text": Capability.MESSAGE,
    "message_audio_url": Capability.AUDIO_MESSAGE,
    "transfers": Capability.TRANSFERS,
    "parameters": Capability.FLOW,
    "custom_sip_headers": Capability.SIP_HEADERS,
    "custom_application_vars": Capability.VARIABLES,
    "callback_data": Capability.CALLBACK_DATA,
    "callee_id_name": Capability.CALLEE_ID,
    "callee_id_number": Capability.CALLEE_ID,
}
_COMFORT = {
    "warning_time": Capability.WARNING_TIME,
    "ringback": Capability.RINGBACK,
    "music_on_hold": Capability.HOLD_MUSIC,
    "bypass_media": Capability.BYPASS_MEDIA,
    "presence_id": Capability.PRESENCE,
}
_LONGEST_ORIGIN = 255
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_LENGTH = re.compile(r"(?:0|[1-9][0-9]?)px")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]*")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")

Problems = Iterator[tuple[str, str]]


def check_endpoint(endpoint: Endpoint) -> None:
    """Refuse settings that contradict each other or that a provider cannot honour.

    Raises:
        ValidationError: a dictionary of field name to messages.
    """
    problems: dict[str, list[str]] = defaultdict(list)
    for check in _CHECKS:
        for field, message in check(endpoint):
            problems[field].append(message)
    if problems:
        raise ValidationError(dict(problems))


def not_honoured(endpoint: Endpoint) -> list[str]:
    """Comfort options that are set but that the endpoint's provider does nothing with."""
    try:
        provider = get_provider(endpoint.provider)
    except ConfigurationError:
        return []
    return [
        option
        for option, capability in _COMFORT.items()
        if getattr(endpoint, option) and not provider.can(capability)
    ]


def _check_extension(endpoint: Endpoint) -> Problems:
    if endpoint.extension_kind == ExtensionKind.NUMBER:
        try:
            endpoint.extension = numbers.parse_number(endpoint.extension).e164
        except InvalidNumber:
            yield "extension", _("Write the number in international form, such as +442079460150.")
        return
    rule = _EXTENSIONS.get(endpoint.extension_kind)  # type: ignore[call-overload]
    if rule and not rule[0].fullmatch(endpoint.extension):
        yield "extension", rule[1]


def _check_providers(endpoint: Endpoint) -> Problems:
    allowed = provider_aliases(endpoint.account_id)
    if endpoint.provider not in allowed:
        yield "provider", _("Choose one of: %(aliases)s.") % {"aliases": ", ".join(allowed)}
        return
    fallbacks = endpoint.fallback_providers
    if not _is_list_of_text(fallbacks):
        yield "fallback_providers", _("Give a list of provider aliases.")
        return
    for alias in fallbacks:
        if alias not in allowed:
            yield (
                "fallback_providers",
                _("“%(alias)s” is not a provider of this account.") % {"alias": alias},
            )
    if len({endpoint.provider, *fallbacks}) != 1 + len(fallbacks):
        yield "fallback_providers", _("Name every provider once, other than the first choice.")
    for alias in (endpoint.provider, *(alias for alias in fallbacks if alias in allowed)):
        yield from _check_capabilities(endpoint, alias)


def _check_capabilities(endpoint: Endpoint, alias: str) -> Problems:
    try:
        provider = get_provider(alias)
    except ConfigurationError as error:
        yield "provider", str(error)
        return
    kind = ExtensionKind(endpoint.extension_kind)
    if not provider.can(_EXTENSION_CAPABILITY[kind]):
        yield "extension_kind", _cannot(provider, _EXTENSION_CAPABILITY[kind])
    for option, capability in _ESSENTIAL.items():
        if getattr(endpoint, option) and not provider.can(capability):
            yield option, _cannot(provider, capability)


def _cannot(provider: Provider, capability: Capability) -> str:
    return _("%(provider)s (“%(alias)s”) cannot do this: %(capability)s.") % {
        "provider": provider.label,
        "alias": provider.alias,
        "capability": capability.label,
    }


def _check_caller_ids(endpoint: Endpoint) -> Problems:
    uses: tuple[tuple[str, Callable[[OwnedNumber], bool]], ...] = (
        ("caller_id_a", lambda owned: owned.for_leg_a),
        ("caller_id_b", lambda owned: owned.for_leg_b),
        ("bridge", lambda owned: owned.for_bridge),
    )
    for field, may_serve in uses:
        owned: OwnedNumber | None = getattr(endpoint, field)
        if owned is None:
            continue
        if owned.account_id != endpoint.account_id:
            yield field, _("Choose a number of the endpoint's own account.")
        elif not may_serve(owned):
            yield field, _("This number is not marked for that use.")
        elif owned.provider_aliases and endpoint.provider not in owned.provider_aliases:
            yield field, _("This number cannot be used with the chosen provider.")
    if endpoint.anonymization and not endpoint.caller_id_a:
        yield "caller_id_a", _("Anonymising needs a caller id to show instead of leg A's number.")


def _check_callee_id(endpoint: Endpoint) -> Problems:
    number = endpoint.callee_id_number
    if number and not re.fullmatch(r"\+?[0-9]{3,15}", number, re.ASCII):
        yield "callee_id_number", _("Write digits only, with or without a leading plus.")
    if not _PRINTABLE.fullmatch(endpoint.callee_id_name):
        yield "callee_id_name", _("Control characters are not allowed.")


def _check_durations(endpoint: Endpoint) -> Problems:
    longest: int = settings.MAX_DURATION
    if endpoint.max_duration and endpoint.max_duration > longest:
        yield (
            "max_duration",
            _("The site allows at most %(seconds)s seconds.") % {"seconds": longest},
        )
    if endpoint.warning_time and endpoint.warning_time >= (endpoint.max_duration or longest):
        yield "warning_time", _("The warning must come before the end of the longest call.")


def _check_redial(endpoint: Endpoint) -> Problems:
    low, high, count = (
        endpoint.retry_min_period,
        endpoint.retry_max_period,
        endpoint.retry_max_count,
    )
    if not (low or high or count):
        return
    for field, value in (
        ("retry_min_period", low),
        ("retry_max_period", high),
        ("retry_max_count", count),
    ):
        if not value:
            yield field, _("To redial, set both periods and the number of redials.")
    if low and high and low > high:
        yield "retry_max_period", _("The longest wait cannot be shorter than the shortest.")


def _check_window(endpoint: Endpoint) -> Problems:
    yield from _reads("delivery_time_window", endpoint.delivery_time_window, hours.delivery_window)


def _check_opening_hours(endpoint: Endpoint) -> Problems:
    yield from _reads("opening_hours", endpoint.opening_hours, hours.opening_hours)


def _reads(field: str, stored: Any, read: Callable[[Mapping[str, Any]], Any]) -> Problems:
    if not isinstance(stored, dict):
        yield field, _("Give an object, {…}, or leave it empty.")
        return
    try:
        read(stored)
    except ValueError as error:
        yield field, str(error)


def _check_origins(endpoint: Endpoint) -> Problems:
    if not _is_list_of_text(endpoint.allowed_origins):
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


def _check_countries(endpoint: Endpoint) -> Problems:
    if not _is_list_of_text(endpoint.allowed_countries):
        yield "allowed_countries", _("Give a list of country codes.")
        return
    unknown = sorted(set(endpoint.allowed_countries) - numbers.regions())
    if unknown:
        yield (
            "allowed_countries",
            _("“%(code)s” is not a country code such as GB.") % {"code": unknown[0][:20]},
        )


def _check_consent(endpoint: Endpoint) -> Problems:
    if endpoint.consent_text and not endpoint.consent_version:
        yield "consent_version", _("Name the version of the consent text, such as 2026-1.")
    if endpoint.consent_version and not endpoint.consent_text:
        yield "consent_text", _("Write the text that this version names.")


def _check_questions(endpoint: Endpoint) -> Problems:
    asked = endpoint.visitor_fields
    if not _is_list_of_text(asked) or set(asked) - set(VISITOR_FIELDS):
        yield (
            "visitor_fields",
            _("Choose among: %(fields)s.") % {"fields": ", ".join(VISITOR_FIELDS)},
        )


def _check_labels(endpoint: Endpoint) -> Problems:
    labels = endpoint.labels
    if not _is_map_of_text(labels, longest=200):
        yield "labels", _("Give an object of short texts.")
    elif set(labels) - LABEL_KEYS:
        yield (
            "labels",
            _("Only these can be changed: %(keys)s.") % {"keys": ", ".join(sorted(LABEL_KEYS))},
        )


def _check_theme(endpoint: Endpoint) -> Problems:
    theme = endpoint.theme
    if not isinstance(theme, dict) or set(theme) - {"accent", "radius"}:
        yield "theme", _("Only accent and radius can be set.")
        return
    if "accent" in theme and not _is_text_like(theme["accent"], _COLOUR):
        yield "theme", _("accent: write a colour such as #0b6e4f.")
    if "radius" in theme and not _is_text_like(theme["radius"], _LENGTH):
        yield "theme", _("radius: write a length such as 12px.")


def _check_message(endpoint: Endpoint) -> Problems:
    address = endpoint.message_audio_url
    if address and urlsplit(address).scheme not in ("http", "https"):
        yield "message_audio_url", _("Write an http or https address.")


def _check_sip_headers(endpoint: Endpoint) -> Problems:
    headers = endpoint.custom_sip_headers
    if not isinstance(headers, dict):
        yield "custom_sip_headers", _("Give an object of header names and values.")
        return
    groups = (
        [headers.get("in", {}), headers.get("out", {})]
        if headers and not set(headers) - {"in", "out"}
        else [headers]
    )
    for group in groups:
        if not _is_map_of_text(group, longest=255) or not all(map(_NAME.fullmatch, group)):
            yield (
                "custom_sip_headers",
                _("Header names are letters, digits, dash, underscore; values one line of text."),
            )
            return


def _check_variables(endpoint: Endpoint) -> Problems:
    for field in ("custom_application_vars", "parameters"):
        variables = getattr(endpoint, field)
        if not _is_map_of_text(variables, longest=1000) or not all(map(_NAME.fullmatch, variables)):
            yield (
                field,
                _("Give an object; names are letters, digits, dash, underscore, values are text."),
            )


def _check_transfers(endpoint: Endpoint) -> Problems:
    transfers = endpoint.transfers
    if not isinstance(transfers, list):
        yield "transfers", _("Give a list of transfers.")
        return
    if transfers and endpoint.extension_kind != ExtensionKind.FLOW:
        yield "transfers", _("Transfers belong to messages and flows, not to a two-leg call.")
    for transfer in transfers:
        problem = _transfer_problem(transfer)
        if problem:
            yield "transfers", problem


def _transfer_problem(transfer: Any) -> str:
    if not isinstance(transfer, dict) or set(transfer) - {
        "transferTo",
        "if",
        "equals",
        "callTransferMaxDuration",
    }:
        return _("A transfer has transferTo, if, equals and callTransferMaxDuration.")
    if not numbers.is_e164(str(transfer.get("transferTo", ""))):
        return _("transferTo: write the number in international form.")
    if not isinstance(transfer.get("if"), str):
        return _("if: say what triggers the transfer, such as dtmf.")
    longest = transfer.get("callTransferMaxDuration")
    if longest is not None and not _is_duration(longest):
        return _("callTransferMaxDuration: give seconds up to the site's limit.")
    return ""


def _is_duration(value: Any) -> bool:
    return type(value) is int and 1 <= value <= settings.MAX_DURATION


def _check_fallback_phone(endpoint: Endpoint) -> Problems:
    phone: Any = endpoint.fallback_phone
    if phone and not phone.is_valid():
        yield "fallback_phone", _("Write the number in international form, such as +442079460199.")


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_map_of_text(value: Any, *, longest: int) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) and len(text) <= longest and _PRINTABLE.fullmatch(text)
        for text in value.values()
    )


def _is_text_like(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


_CHECKS: tuple[Callable[[Endpoint], Problems], ...] = (
    _check_extension,
    _check_providers,
    _check_caller_ids,
    _check_callee_id,
    _check_durations,
    _check_redial,
    _check_window,
    _check_opening_hours,
    _check_origins,
    _check_countries,
    _check_consent,
    _check_questions,
    _check_labels,
    _check_theme,
    _check_message,
    _check_sip_headers,
    _check_variables,
    _check_transfers,
    _check_fallback_phone,
)
