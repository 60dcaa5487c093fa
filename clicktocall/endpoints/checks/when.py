"""When calls are placed and redialled, and when the endpoint is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from clicktocall import hours
from clicktocall.endpoints.checks.common import Problems
from clicktocall.models import Endpoint


def check_redial(endpoint: Endpoint) -> Problems:
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


def check_window(endpoint: Endpoint) -> Problems:
    yield from _reads("delivery_time_window", endpoint.delivery_time_window, hours.delivery_window)


def check_opening_hours(endpoint: Endpoint) -> Problems:
    yield from _reads("opening_hours", endpoint.opening_hours, hours.opening_hours)


def _reads(field: str, stored: Any, read: Callable[[Mapping[str, Any]], Any]) -> Problems:
    if not isinstance(stored, dict):
        yield field, _("Give an object, {…}, or leave it empty.")
        return
    try:
        read(stored)
    except ValueError as error:
        yield field, str(error)
