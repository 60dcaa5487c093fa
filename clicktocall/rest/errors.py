"""Every error in one shape: `{"error": {"code", "message", "fields"?}}`."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.core.signals import got_request_exception
from django.utils.translation import gettext as _
from rest_framework.response import Response
from rest_framework.settings import api_settings

logger = logging.getLogger(__name__)

CODE_OF_STATUS = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
}
_SOON = 2.0
_MOST_TOLD = 100  # messages; a body of nonsense must not be answered with several


def error(
    status: int, code: str, message: str, *, retry_after: float | None = None, **more: Any
) -> Response:
    """An error answer; `more` may hold `fields` or what the code promises."""
    answer = Response({"error": {"code": code, "message": message, **more}}, status=status)
    if retry_after is not None:
        answer["Retry-After"] = str(math.ceil(retry_after))
    return answer


def unavailable(raised: Exception) -> Response:
    """The database, or a provider, cannot be asked just now; nothing was accepted."""
    logger.warning("not available: %s", raised)
    message = _("This is not available at the moment.")
    wait = getattr(raised, "retry_after", _SOON)  # a provider may know better
    return error(503, "unavailable", message, retry_after=wait)


def crashed(raised: Exception, context: Mapping[str, Any]) -> Response:
    """A mistake of ours: logged with its traceback, reported to whoever listens, not told."""
    logger.error("request failed", exc_info=raised)
    got_request_exception.send(sender=None, request=context.get("request"))
    return error(500, "server_error", _("Something went wrong. Please try again."))


def by_field(detail: Any) -> dict[str, list[str]]:
    """Field to messages; what stands inside an object or a list is named with its path."""
    fields: dict[str, list[str]] = {}
    for name, message in islice(_messages(detail), _MOST_TOLD):
        fields.setdefault(name, []).append(message)
    return fields


def _messages(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for name, problems in detail.items():
            inner = path if name == api_settings.NON_FIELD_ERRORS_KEY else _below(path, name)
            yield from _messages(problems, inner)
    elif isinstance(detail, list):
        for place, problem in enumerate(detail):
            inside = isinstance(problem, Mapping | list)
            yield from _messages(problem, _below(path, place) if inside else path)
    else:
        yield path, str(detail)


def _below(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
