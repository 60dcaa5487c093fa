"""Cheap refusal, size cap, authentication, receipt committed, then understood; 200 after commit."""

from __future__ import annotations

import logging
import secrets
from ipaddress import ip_address

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from clicktocall.calls.receive import receive_callback
from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError
from clicktocall.providers import CallbackRequest, Provider, get_provider, provider_aliases

logger = logging.getLogger(__name__)


# Outside the host's ATOMIC_REQUESTS: the receipt must be committed before it is understood.
@transaction.non_atomic_requests
@csrf_exempt
@login_not_required
def callback(request: HttpRequest, alias: str, secret: str) -> JsonResponse:
    """Receive one callback of the provider configured under `alias`."""
    return _logged_without_secret(_receive(request, alias, secret), alias)


@csrf_exempt
@login_not_required
def nothing_here(request: HttpRequest, rest: str) -> JsonResponse:
    """Any other address below `callbacks/`."""
    answer = _refuse(404, "not_found", "There is nothing here.")
    alias = rest.partition("/")[0]
    return _logged_without_secret(answer, alias if alias in provider_aliases() else "?")


def _logged_without_secret(answer: JsonResponse, alias: str) -> JsonResponse:
    if answer.status_code >= 400:
        # Django's own line about this would show the secret in the address.
        answer._has_been_logged = True  # type: ignore[attr-defined]
        logger.warning("callback refused alias=%.64r status=%s", alias, answer.status_code)
    return answer


def _receive(request: HttpRequest, alias: str, secret: str) -> JsonResponse:
    provider = _provider(alias, secret)
    if provider is None:
        return _refuse(404, "not_found", "There is nothing here.")
    problem = _problem(request)
    if problem is not None:
        return problem
    report = CallbackRequest(
        method=request.method or "",
        content_type=request.content_type or "",
        headers={name.lower(): value for name, value in request.headers.items()},
        query=request.GET.dict(),
        body=request.body,
        peer_address=_source_address(request),
    )
    if not provider.authenticate_callback(report):
        return _refuse(403, "not_authentic", "This callback is not the provider's.")
    try:
        receive_callback(provider, report, source_address=_source_address(request))
    except (DatabaseError, InterfaceError):
        logger.exception("callback could not be kept provider=%s", alias)
        answer = _refuse(503, "unavailable", "Try again shortly.")
        answer["Retry-After"] = "5"
        return answer
    return JsonResponse({"status": "ok"})


def _provider(alias: str, secret: str) -> Provider | None:
    """The provider whose callback secret this is; every secret is compared, in constant time."""
    if alias not in provider_aliases():
        return None
    try:
        provider = get_provider(alias)
    except ConfigurationError:
        logger.exception("callback for a provider that is not configured alias=%s", alias)
        return None
    given = secret.encode("utf-8", "surrogatepass")
    known = [
        secrets.compare_digest(given, live.encode("utf-8"))
        for live in provider.callback_secrets
        if live
    ]
    return provider if any(known) else None


def _problem(request: HttpRequest) -> JsonResponse | None:
    """What is wrong with the request before anybody looks into its body."""
    if request.method != "POST":
        return _refuse(405, "method_not_allowed", "Use POST.")
    if request.headers.get("Transfer-Encoding"):
        return _refuse(411, "length_required", "Send a Content-Length.")
    if _declared_length(request) > settings.MAX_BODY_SIZE:
        return _refuse(413, "too_large", f"At most {settings.MAX_BODY_SIZE} bytes are taken.")
    try:
        length = len(request.body)
    except (UnreadablePostError, OSError):
        length = 0
    if length < _declared_length(request):
        return _refuse(400, "invalid_request", "The body did not arrive whole.")
    return None if length else _refuse(400, "invalid_request", "The body is empty.")


def _source_address(request: HttpRequest) -> str | None:
    """The peer's address without an IPv6 scope; None behind a Unix socket."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "").partition("%")[0]))
    except ValueError:
        return None


def _declared_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _refuse(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)
