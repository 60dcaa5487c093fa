"""Every error of this door in one shape: `{"error": {"code", "message", "fields"?}}`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from clicktocall.exceptions import CallRefused, IdempotencyMismatch, NotCancellable
from clicktocall.rest.errors import CODE_OF_STATUS, by_field, crashed, error, unavailable
from clicktocall.rules import Refusal, VisitorCode

_STATUS = {
    VisitorCode.INVALID_NUMBER: 400,
    VisitorCode.CONSENT_REQUIRED: 400,
    VisitorCode.TOKEN_INVALID: 403,
    VisitorCode.NOT_AVAILABLE: 403,
    VisitorCode.TRY_LATER: 429,
    VisitorCode.CLOSED: 409,
    VisitorCode.UNAVAILABLE: 503,
}
_WAIT = 60.0  # seconds, where a rule does not know better


class NotAvailable(exceptions.APIException):
    """The request is not for this page or this endpoint; says no more."""

    status_code = 403
    default_code = "not_available"


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
            return unavailable(raised)
    return crashed(raised, context)


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
        VisitorCode.UNAVAILABLE: _("This is not available at the moment."),
    }
    later = _WAIT if code in (VisitorCode.TRY_LATER, VisitorCode.UNAVAILABLE) else None
    return error(_STATUS[code], code, messages[code], retry_after=refusal.retry_after or later)


def _of_framework(raised: Http404 | PermissionDenied | exceptions.APIException) -> Response:
    match raised:
        case exceptions.ValidationError():
            message = _("Please check the request.")
            # The answers to the widget's questions are told apart by the questions' own names.
            fields = {
                name.removeprefix("fields."): messages
                for name, messages in by_field(raised.detail).items()
            }
            return error(400, "invalid_request", message, fields=fields)
        case NotAvailable() | PermissionDenied():
            return error(403, "not_available", _("This is not available here."))
        case Http404() | exceptions.NotFound():
            return error(404, "not_found", _("There is nothing here."))
    code = CODE_OF_STATUS.get(raised.status_code, "invalid_request")
    return error(raised.status_code, code, str(raised.detail))
