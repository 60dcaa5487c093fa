"""Messages that are well formed and still rejected, by a status in an answer with HTTP 200."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from clicktocall.providers.infobip.simulation import vocabulary as words
from clicktocall.providers.infobip.simulation.message import Product
from clicktocall.providers.infobip.simulation.schema import CLICK_TO_CALL, VOICE
from clicktocall.providers.infobip.simulation.vocabulary import Status

Fields = dict[str, Any]

_REPORT_TYPES = (None, "application/json", "application/xml")
_SHORTEST_WINDOW = 60  # minutes


def rejection_of(product: Product, fields: Fields, *, machine_detection: bool) -> Status | None:
    """The status a message is rejected with; None for one that may be called.

    `machine_detection` tells whether the account has that add-on.
    """
    for has_fault, status in _FAULTS:
        if has_fault(fields):
            return status
    if product.schema is VOICE and not (fields.get("text") or fields.get("audioFileUrl")):
        return words.EMPTY
    return _machine_rejection(product, fields.get("machineDetection"), machine_detection)


def _machine_rejection(product: Product, wanted: Any, available: bool) -> Status | None:
    if wanted is None:
        return None
    known = ("hangup",) if product.schema is CLICK_TO_CALL else ("hangup", "continue")
    if wanted not in known:
        return words.MACHINE_DETECTION
    return None if available else words.NO_MACHINE_DETECTION


def _is_no_address(url: Any) -> bool:
    if url is None:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme not in ("http", "https") or not parts.hostname
    except ValueError:
        return True


def _is_no_window(window: Any) -> bool:
    """Both bounds or none, at least an hour apart."""
    if window is None:
        return False
    start, end = window.get("from"), window.get("to")
    if start is None and end is None:
        return False
    if start is None or end is None:
        return True
    return _minutes(end) - _minutes(start) < _SHORTEST_WINDOW


def _minutes(time: Fields) -> int:
    hour: int = time.get("hour") or 0
    minute: int = time.get("minute") or 0
    return hour * 60 + minute


def _is_not_positive(value: Any) -> bool:
    return value is not None and value <= 0


_FAULTS: tuple[tuple[Callable[[Fields], bool], Status], ...] = (
    (lambda fields: _is_no_address(fields.get("notifyUrl")), words.NOTIFY_URL),
    (lambda fields: fields.get("notifyContentType") not in _REPORT_TYPES, words.NOTIFY_TYPE),
    (lambda fields: _is_no_address(fields.get("audioFileUrl")), words.AUDIO_URL),
    (lambda fields: _is_not_positive(fields.get("ringTimeout")), words.RING_TIMEOUT),
    (lambda fields: _is_not_positive(fields.get("dtmfTimeout")), words.DTMF_TIMEOUT),
    (lambda fields: _is_not_positive(fields.get("callTimeout")), words.CALL_TIMEOUT),
    (lambda fields: _is_no_window(fields.get("deliveryTimeWindow")), words.TIME_WINDOW),
)
