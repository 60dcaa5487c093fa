"""Who is rung, through which provider, and which numbers are shown."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clicktocall import numbers
from clicktocall.endpoints.checks.common import PRINTABLE, Problems, is_list_of_text
from clicktocall.exceptions import ConfigurationError, InvalidNumber
from clicktocall.models import Endpoint, OwnedNumber
from clicktocall.orders import Capability, ExtensionKind
from clicktocall.providers import Provider, get_provider, provider_aliases

# How an extension is written that is no telephone number; an empty one fits none of them.
_SPELLINGS = {
    ExtensionKind.SIP: (
        re.compile(r"sips?:[^\s@<>\"]{1,128}@[A-Za-z0-9.:\[\]-]{1,120}", re.ASCII),
        gettext_lazy("Write a SIP URI such as sip:sales@example.com."),
    ),
    ExtensionKind.PBX: (
        re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII),
        gettext_lazy("Write a PBX extension such as 1000: letters, digits, dot, dash, underscore."),
    ),
    ExtensionKind.FLOW: (
        re.compile(r"[A-Za-z0-9_:.-]{1,128}", re.ASCII),
        gettext_lazy(
            "Write the flow's or scenario's id: letters, digits, colon, dot, dash, underscore."
        ),
    ),
}


_EXTENSION_CAPABILITY = {
    ExtensionKind.NUMBER: Capability.TWO_LEGS,
    ExtensionKind.SIP: Capability.SIP,
    ExtensionKind.PBX: Capability.PBX,
    ExtensionKind.FLOW: Capability.FLOW,
    ExtensionKind.MESSAGE: Capability.VOICE_MESSAGE,
}


# These stand in the headers of a call.
_ONE_LINE = ("name", "callee_id_name", "presence_id", "ringback", "music_on_hold")


# option -> what a provider must be able to do for it
_ESSENTIAL = {
    "caller_id_a": Capability.CALLER_ID_A,
    "caller_id_b": Capability.CALLER_ID_B,
    "anonymization": Capability.CALLER_ID_B,
    "withhold_caller_id": Capability.WITHHOLD_CALLER_ID,
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


def check_extension(endpoint: Endpoint) -> Problems:
    kind = ExtensionKind(endpoint.extension_kind)
    if kind == ExtensionKind.NUMBER:
        yield from _number_problems(endpoint)
    elif kind == ExtensionKind.MESSAGE:
        if endpoint.extension:
            yield "extension", _("Leave it empty: a voice message rings nobody but the contact.")
    else:
        spelling, how_to_write = _SPELLINGS[kind]
        if not spelling.fullmatch(endpoint.extension):
            yield "extension", str(how_to_write)


def _number_problems(endpoint: Endpoint) -> Problems:
    try:
        number = numbers.parse_number(endpoint.extension)
    except InvalidNumber:
        yield "extension", _("Write the number in international form, such as +442079460150.")
        return
    endpoint.extension = number.e164
    if number.kind in numbers.COSTLY_KINDS:
        yield "extension", _("Premium, shared-cost and satellite numbers are never called.")


def check_providers(endpoint: Endpoint) -> Problems:
    allowed = provider_aliases(endpoint.account_id)
    if endpoint.provider not in allowed:
        yield "provider", _("Choose one of: %(aliases)s.") % {"aliases": ", ".join(allowed)}
        return
    fallbacks = endpoint.fallback_providers
    if not is_list_of_text(fallbacks):
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
        yield from _unable(endpoint, alias)


def _unable(endpoint: Endpoint, alias: str) -> Problems:
    try:
        provider = get_provider(alias)
    except ConfigurationError as error:
        yield "provider", str(error)
        return
    kind = ExtensionKind(endpoint.extension_kind)
    if not provider.can(_EXTENSION_CAPABILITY[kind]):
        yield "extension_kind", _cannot(provider, _EXTENSION_CAPABILITY[kind])
    for option, capability in _needs(endpoint).items():
        if not provider.can(capability):
            yield option, _cannot(provider, capability)


def _needs(endpoint: Endpoint) -> dict[str, Capability]:
    """What a provider must be able to do for the options that are set."""
    needs = {
        option: capability for option, capability in _ESSENTIAL.items() if getattr(endpoint, option)
    }
    if endpoint.extension_kind == ExtensionKind.MESSAGE:
        needs.pop("message_text", None)  # the kind of extension asks for that already
    return needs


def _cannot(provider: Provider, capability: Capability) -> str:
    return _("%(provider)s (“%(alias)s”) cannot do this: %(capability)s.") % {
        "provider": provider.label,
        "alias": provider.alias,
        "capability": capability.label,
    }


def check_caller_ids(endpoint: Endpoint) -> Problems:
    uses: tuple[tuple[str, Callable[[OwnedNumber], bool]], ...] = (
        ("caller_id_a", lambda owned: owned.for_leg_a),
        ("caller_id_b", lambda owned: owned.for_leg_b),
        ("bridge", lambda owned: owned.for_bridge),
    )
    fallbacks = endpoint.fallback_providers
    aliases = {endpoint.provider, *(fallbacks if is_list_of_text(fallbacks) else ())}
    for field, may_serve in uses:
        owned: OwnedNumber | None = getattr(endpoint, field)
        if owned is None:
            continue
        if owned.account_id != endpoint.account_id:
            yield field, _("Choose a number of the endpoint's own account.")
        elif not may_serve(owned):
            yield field, _("This number is not marked for that use.")
        elif owned.provider_aliases and not set(owned.provider_aliases).issuperset(aliases):
            yield field, _("This number cannot be used with every provider that is chosen.")
    if endpoint.anonymization and not endpoint.caller_id_a:
        yield "caller_id_a", _("Anonymising needs a caller id to show instead of leg A's number.")
    if endpoint.withhold_caller_id and (endpoint.anonymization or endpoint.caller_id_b):
        # The caller id for leg A may stand beside it: networks want a number to bill the call to.
        yield (
            "withhold_caller_id",
            _(
                "Neither side sees a number then, so leave out the caller id for leg B and "
                "anonymising; the one for leg A is told to the network only."
            ),
        )


def check_callee_id(endpoint: Endpoint) -> Problems:
    number = endpoint.callee_id_number
    if number and not re.fullmatch(r"\+?[0-9]{3,15}", number, re.ASCII):
        yield "callee_id_number", _("Write digits only, with or without a leading plus.")
    for field in _ONE_LINE:
        if not PRINTABLE.fullmatch(getattr(endpoint, field)):
            yield field, _("Control characters are not allowed.")
