"""What a client is told about any exception; every code stands in `PROBLEMS`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from clicktocall.exceptions import (
    CallRefused,
    ClicktocallError,
    ConfigurationError,
    IdempotencyMismatch,
    InUse,
    InvalidOption,
    NoRecording,
    NotAllowed,
    NotCancellable,
    ProviderError,
    ProviderRefused,
)
from clicktocall.orders import CallOptions
from clicktocall.rest.errors import CODE_OF_STATUS, by_field, crashed, error, unavailable
from clicktocall.rest.fields import MomentField
from clicktocall.rules import Refusal, VisitorCode

# code -> (status, when); the catalogue of the documentation.
PROBLEMS: Mapping[str, tuple[int, str]] = {
    "invalid_request": (400, "The body or a parameter is wrong; `fields` says which and why."),
    "invalid_number": (400, "`contact` is not a telephone number; `refusal` says why."),
    "not_authenticated": (401, "No API key and no staff session came with the request."),
    "invalid_key": (401, "The API key is unknown, expired or revoked."),
    "not_allowed": (403, "The key's scope, or the user's role or permission, does not suffice."),
    "csrf_failed": (403, "A staff session sends its CSRF token with everything but reading."),
    "not_available": (403, "A rule refused the call; `refusal` names it."),
    "not_found": (404, "There is no such thing, or it belongs to another account."),
    "method_not_allowed": (405, "This address does not take this method; see `Allow`."),
    "not_acceptable": (406, "Only JSON is answered."),
    "closed": (409, "Outside the opening hours; `next_opening` says when to ask again."),
    "conflict": (409, "Somebody changed the same at the same moment; read it again."),
    "in_use": (409, "Something else needs what was to be deleted."),
    "not_cancellable": (409, "The provider cannot be asked to hang up."),
    "length_required": (411, "A body needs a `Content-Length`."),
    "precondition_failed": (412, "`If-Match` names another version; read the object again."),
    "too_large": (413, "The body is larger than the site allows."),
    "unsupported_media_type": (415, "Only `application/json` in UTF-8 is read."),
    "idempotency_mismatch": (422, "The idempotency key was used for a different request."),
    "try_later": (429, "A limit is reached; `Retry-After` says for how many seconds."),
    "server_error": (500, "A mistake of ours. It has been logged."),
    "provider_refused": (502, "The provider says no, and will say it again."),
    "unavailable": (
        503,
        "Calls are stopped, or no database or provider answers; see `Retry-After`.",
    ),
}

_OF_THE_HEART: Mapping[type[Exception], tuple[int, str]] = {
    IdempotencyMismatch: (422, "idempotency_mismatch"),
    NotCancellable: (409, "not_cancellable"),
    InUse: (409, "in_use"),
    NotAllowed: (403, "not_allowed"),
    NoRecording: (404, "not_found"),
    ProviderRefused: (502, "provider_refused"),
}
_REFUSED = {
    VisitorCode.INVALID_NUMBER: 400,
    VisitorCode.TRY_LATER: 429,
    VisitorCode.CLOSED: 409,
    VisitorCode.UNAVAILABLE: 503,
}
_WAIT = 60.0  # seconds, where a rule does not know better


class PreconditionFailed(exceptions.APIException):
    """The object has changed since the client read it (RFC 9110, section 13.1.1)."""

    status_code = 412
    default_code = "precondition_failed"
    default_detail = "It has been changed meanwhile. Read it again, then change it."


def error_answer(raised: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to any exception; operators' words are told, for the account is the operator."""
    match raised:
        case ClicktocallError() if told := _of_the_heart(raised):
            return told
        case ModelValidationError():
            return _invalid(by_field(raised.message_dict))
        case Http404() | PermissionDenied() | exceptions.APIException():
            return _of_framework(raised, context)
        case SuspiciousOperation():
            return error(400, "invalid_request", _("Please check the request."))
        case IntegrityError():
            return error(409, "conflict", _("Somebody changed this at the same moment. Try again."))
        case OperationalError() | InterfaceError() | ProviderError() | ConfigurationError():
            return unavailable(raised)
    return crashed(raised, context)


def _refused(refusal: Refusal) -> Response:
    more: dict[str, Any] = {"refusal": refusal.rule}
    match refusal.code:
        case VisitorCode.INVALID_NUMBER:
            more["fields"] = {"contact": [refusal.detail]}
        case VisitorCode.CLOSED:
            opening = refusal.next_opening
            more["next_opening"] = opening and MomentField().to_representation(opening)
        case VisitorCode.TRY_LATER | VisitorCode.UNAVAILABLE:
            more["retry_after"] = refusal.retry_after or _WAIT
    status = _REFUSED.get(refusal.code, 403)
    code = refusal.code if refusal.code in _REFUSED else VisitorCode.NOT_AVAILABLE
    return error(status, code, refusal.detail, **more)


def _of_the_heart(raised: ClicktocallError) -> Response | None:
    match raised:
        case CallRefused(refusal=Refusal() as refusal):
            return _refused(refusal)
        case InvalidOption():
            return _invalid({path_of(raised.field): [raised.message]})
        case NotAllowed(fields=fields) if fields:
            return error(403, "not_allowed", str(raised), fields=fields)
    for kind, (status, code) in _OF_THE_HEART.items():
        if isinstance(raised, kind):
            return error(status, code, str(raised))
    return None


def path_of(field: str) -> str:
    """Where the body holds what the heart names: an option stands among the options."""
    return f"options.{field}" if field in CallOptions.names() else field


def _invalid(fields: dict[str, list[str]]) -> Response:
    return error(400, "invalid_request", _("Please check the request."), fields=fields)


def _of_framework(
    raised: Http404 | PermissionDenied | exceptions.APIException, context: Mapping[str, Any]
) -> Response:
    match raised:
        case exceptions.ValidationError():
            return _invalid(by_field(raised.detail))
        case exceptions.AuthenticationFailed() | exceptions.NotAuthenticated():
            return _not_authenticated(raised, context)
        case exceptions.PermissionDenied() if "CSRF" in str(raised.detail):
            return error(403, "csrf_failed", str(raised.detail))
        case PermissionDenied() | exceptions.PermissionDenied():
            return error(403, "not_allowed", str(raised) or _("This is not allowed."))
        case Http404() | exceptions.NotFound():
            return error(404, "not_found", str(raised) or _("There is nothing here."))
        case exceptions.UnsupportedMediaType():
            message = _("Send JSON in UTF-8, with “Content-Type: application/json”.")
            return error(415, "unsupported_media_type", message)
    code = CODE_OF_STATUS.get(raised.status_code, raised.default_code)
    return error(raised.status_code, code, str(raised.detail))


def _not_authenticated(raised: exceptions.APIException, context: Mapping[str, Any]) -> Response:
    code = raised.default_code if raised.default_code in PROBLEMS else "not_authenticated"
    answer = error(401, code, str(raised.detail))
    answer["WWW-Authenticate"] = "Bearer"
    return answer
