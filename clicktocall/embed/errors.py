"""Every error of this door in one shape: `{"error": {"code", "message", "fields"?}}`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from clicktocall.exceptions import CallRefused, IdempotencyMismatch, NotCancellable
from clicktocall.rules import Refusal, VisitorCode

logger = logging.getLogger(__name__)

_STATUS = {
    VisitorCode.INVALID_NUMBER: 400,
    VisitorCode.CONSENT_REQUIRED: 400,
    VisitorCode.TOKEN_INVALID: 403,
    VisitorCode.NOT_AVAILABLE: 403,
    VisitorCode.TRY_LATER: 429,
    VisitorCode.CLOSED: 409,
}
_CODE_OF_STATUS = {
    400: "invalid_request",
    403: "not_available",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
}
_RETRY_AFTER = "2"


class NotAvailable(exceptions.APIException):
    """The request is not for this page or this endpoint; says no more."""

    status_code = 403
    default_code = "not_available"


def error(status: int, code: str, message: str, **more: Any) -> Response:
    """An error answer; `more` may hold `fields` or what the code promises."""
    return Response({"error": {"code": code, "message": message, **more}}, status=status)


def error_answer(raised: Exception, context: dict[str, Any]) -> Response:
    """What a visitor's browser is told about any exception; never more than it may know."""
    match raised:
        case CallRefused(refusal=Refusal() as refusal):
            return _refused(refusal)
        case IdempotencyMismatch():
            return error(422, "idempotency_mismatch", str(raised))
        case NotCancellable():
            return error(409, "not_cancellable", _("This call cannot be cancelled any more."))
        case Http404() | PermissionDenied() | exceptions.APIException():
            return _of_framework(raised)
        case SuspiciousOperation():
            return error(400, "invalid_request", _("Please check the request."))
        case OperationalError() | InterfaceError():
            logger.warning("database not available: %s", raised)
            return _unavailable()
    logger.error("embed request failed", exc_info=raised)
    got_request_exception.send(sender=None, request=context.get("request"))
    return error(500, "server_error", _("Something went wrong. Please try again."))


def _refused(refusal: Refusal) -> Response:
    code = refusal.code
    if code == VisitorCode.CLOSED:
        return error(409, code, _("We are closed now."), next_opening=refusal.next_opening)
    messages = {
        VisitorCode.INVALID_NUMBER: _("That does not look like a phone number we can call."),
        VisitorCode.CONSENT_REQUIRED: _("Please agree before we call you."),
        VisitorCode.TOKEN_INVALID: _("Please try again."),
        VisitorCode.NOT_AVAILABLE: _("We cannot place this call from the website."),
        VisitorCode.TRY_LATER: _("Please try again later."),
    }
    return error(_STATUS[code], code, messages[code])


def _of_framework(raised: Http404 | PermissionDenied | exceptions.APIException) -> Response:
    match raised:
        case exceptions.ValidationError():
            message = _("Please check the request.")
            return error(400, "invalid_request", message, fields=_by_field(raised.detail))
        case NotAvailable() | PermissionDenied():
            return error(403, "not_available", _("This is not available here."))
        case Http404() | exceptions.NotFound():
            return error(404, "not_found", _("There is nothing here."))
    code = _CODE_OF_STATUS.get(raised.status_code, "invalid_request")
    return error(raised.status_code, code, str(raised.detail))


def _by_field(detail: Any) -> dict[str, list[str]]:
    """Field to messages; a group of answers is told apart by its questions' own names."""
    fields: dict[str, list[str]] = {}
    for name, problems in detail.items():
        if not isinstance(problems, Mapping):
            fields[name] = [str(problem) for problem in problems]
            continue
        for question, messages in problems.items():
            key = name if question == api_settings.NON_FIELD_ERRORS_KEY else question
            fields[key] = [str(message) for message in messages]
    return fields


def _unavailable() -> Response:
    answer = error(503, "unavailable", _("This is not available at the moment."))
    answer["Retry-After"] = _RETRY_AFTER
    return answer
