"""What happens on the line: durations, messages, headers, variables, transfers."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from clicktocall import numbers
from clicktocall.conf import settings
from clicktocall.endpoints.checks.common import NAME, Problems, is_map_of_text
from clicktocall.exceptions import InvalidNumber
from clicktocall.models import Endpoint
from clicktocall.orders import ONE_LEG_KINDS, ExtensionKind
from clicktocall.outbound import AddressRefused, check_public_url


def check_durations(endpoint: Endpoint) -> Problems:
    longest: int = settings.MAX_DURATION
    if endpoint.max_duration and endpoint.max_duration > longest:
        yield (
            "max_duration",
            _("The site allows at most %(seconds)s seconds.") % {"seconds": longest},
        )
    if endpoint.warning_time and endpoint.warning_time >= (endpoint.max_duration or longest):
        yield "warning_time", _("The warning must come before the end of the longest call.")


def check_message(endpoint: Endpoint) -> Problems:
    address = endpoint.message_audio_url
    if address:
        try:
            check_public_url(address)
        except AddressRefused as error:
            yield "message_audio_url", str(error)
    says_nothing = not (address or endpoint.message_text.strip())
    if endpoint.extension_kind == ExtensionKind.MESSAGE and says_nothing:
        yield "message_text", _("Write what the voice message says, or name a recorded message.")


def check_sip_headers(endpoint: Endpoint) -> Problems:
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
        if not is_map_of_text(group, longest=255) or not all(map(NAME.fullmatch, group)):
            yield (
                "custom_sip_headers",
                _("Header names are letters, digits, dash, underscore; values one line of text."),
            )
            return


def check_variables(endpoint: Endpoint) -> Problems:
    for field in ("custom_application_vars", "parameters"):
        variables = getattr(endpoint, field)
        if not is_map_of_text(variables, longest=1000) or not all(map(NAME.fullmatch, variables)):
            yield (
                field,
                _("Give an object; names are letters, digits, dash, underscore, values are text."),
            )


def check_transfers(endpoint: Endpoint) -> Problems:
    transfers = endpoint.transfers
    if not isinstance(transfers, list):
        yield "transfers", _("Give a list of transfers.")
        return
    if transfers and endpoint.extension_kind not in ONE_LEG_KINDS:
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
    target = str(transfer.get("transferTo", ""))
    try:
        number = numbers.parse_number(target)
    except InvalidNumber:
        number = None
    if number is None or number.e164 != target:
        return _("transferTo: write the number in international form.")
    if number.kind in numbers.COSTLY_KINDS:
        return _("transferTo: premium, shared-cost and satellite numbers are never called.")
    if not isinstance(transfer.get("if"), str):
        return _("if: say what triggers the transfer, such as dtmf.")
    longest = transfer.get("callTransferMaxDuration")
    if longest is not None and not _is_duration(longest):
        return _("callTransferMaxDuration: give seconds up to the site's limit.")
    return ""


def _is_duration(value: Any) -> bool:
    return type(value) is int and 1 <= value <= settings.MAX_DURATION
