"""What the sandbox accepts as an order, field by field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

_REFERENCE = re.compile(r"[!-~]{1,128}", re.ASCII)
_LEG_VALUES = {
    "number": re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII),
    "sip": re.compile(r"sips?:[^@\s]+@[^@\s]+"),
    "pbx": re.compile(r"[0-9*#]{1,32}", re.ASCII),
    "flow": re.compile(r"\S.{0,255}"),
}
_TRANSFER_KEYS = frozenset({"transferTo", "if", "equals", "callTransferMaxDuration"})


def faults_of(order: dict[str, Any]) -> dict[str, str]:
    """What is wrong, by field name; empty for an order the sandbox can play."""
    faults = {
        field: wanted
        for field, (is_right, wanted) in _FIELDS.items()
        if not is_right(order.get(field))
    }
    for leg in ("leg_a", "leg_b"):
        if leg in order and not (leg == "leg_b" and order[leg] is None):
            faults |= _faults_of_leg(leg, order[leg])
        elif leg not in order:
            faults[leg] = "is missing"
    options = order.get("options")
    if isinstance(options, dict):
        faults |= {
            f"options.{name}": wanted
            for name, (is_right, wanted) in _OPTIONS.items()
            if not is_right(options.get(name))
        }
    return faults


def _faults_of_leg(name: str, leg: Any) -> dict[str, str]:
    if not isinstance(leg, dict):
        return {name: "must be an object with kind and value"}
    kind, value = leg.get("kind"), leg.get("value")
    pattern = _LEG_VALUES.get(kind) if isinstance(kind, str) else None
    if pattern is None:
        return {f"{name}.kind": f"must be one of {', '.join(_LEG_VALUES)}"}
    if not isinstance(value, str) or not pattern.fullmatch(value):
        return {f"{name}.value": f"is not a {kind}"}
    return {}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 86_400


def _is_address(value: Any) -> bool:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_transfer(value: Any) -> bool:
    """One transfer of a message or flow, with the names that Infobip gives to its parts."""
    if not isinstance(value, dict) or set(value) - _TRANSFER_KEYS:
        return False
    target, longest = value.get("transferTo"), value.get("callTransferMaxDuration")
    return (
        isinstance(target, str)
        and _LEG_VALUES["number"].fullmatch(target) is not None
        and bool(value.get("if"))
        and all(isinstance(value.get(key, ""), str) for key in ("if", "equals"))
        and (longest is None or _is_seconds(longest))
    )


def _are_transfers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_transfer, value))


_Check = tuple[Callable[[Any], bool], str]
_FIELDS: dict[str, _Check] = {
    "reference": (_is_reference, "must be 1 to 128 printable ASCII characters"),
    "call_id": (_is_reference, "must be 1 to 128 printable ASCII characters"),
    "caller_id_name": (_is_text, "must be a text"),
    "caller_id_a": (_is_text, "must be a text"),
    "caller_id_b": (_is_text, "must be a text"),
    "max_duration": (_is_seconds, "must be 1 to 86400 seconds"),
    "callback_url": (_is_address, "must be an http or https address"),
    "flow": (_is_text, "must be a text"),
    "options": (lambda value: isinstance(value, dict), "must be an object"),
}
_OPTIONS: dict[str, _Check] = {
    "dial_first": (lambda value: value in ("extension", "contact"), "must be extension or contact"),
    "timeout": (_is_seconds, "must be 1 to 86400 seconds"),
    "warning_time": (lambda value: value is None or _is_seconds(value), "must be null or seconds"),
    "record": (lambda value: isinstance(value, bool), "must be true or false"),
    "withhold_caller_id": (lambda value: isinstance(value, bool), "must be true or false"),
    "machine_detection": (
        lambda value: value in ("", "hangup", "continue"),
        'must be "", hangup or continue',
    ),
    "message_text": (_is_text, "must be a text"),
    "message_audio_url": (lambda value: value == "" or _is_address(value), "must be an address"),
    "transfers": (_are_transfers, "must be a list of transfers: transferTo, if, equals"),
    "callback_data": (_is_text, "must be a text"),
}
