"""The sound of a call, to whoever holds an address of ours that has not expired."""

from __future__ import annotations

import logging
from mimetypes import guess_extension

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from clicktocall.calls.recording import open_recording
from clicktocall.calls.reports.recording_link import recorded_call
from clicktocall.calls.watching import recording_after
from clicktocall.exceptions import (
    ConfigurationError,
    NoRecording,
    ProviderError,
    ProviderRefused,
    RecordingGone,
)
from clicktocall.models import Call

logger = logging.getLogger(__name__)

_PATIENCE = "10"  # seconds


@transaction.non_atomic_requests
@login_not_required
@never_cache
@require_safe
def recording(request: HttpRequest, token: str) -> HttpResponseBase:
    """Stream the recording as the provider keeps it; 404 for any address that is not ours."""
    answer = _answer(request, token)
    # The address is as good as the recording: no page learns it, and no search engine.
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex"
    answer["X-Content-Type-Options"] = "nosniff"
    if answer.status_code >= 400:
        # Django's own line about this would show the address.
        answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def _answer(request: HttpRequest, token: str) -> HttpResponseBase:
    try:
        call = recorded_call(token)
    except NoRecording as error:
        return _refuse(404, "not_found", str(error))
    try:
        return _played(call, request)
    except RecordingGone:
        return _refuse(410, "gone", "The recording is no longer kept.")
    except NoRecording:
        return _not_there(call)
    except ProviderRefused:
        return _refuse(502, "provider_refused", "The recording is not handed out.")
    except (ProviderError, ConfigurationError):
        logger.exception("recording could not be fetched call=%s", call.pk)
        return _later("The recording cannot be fetched now.")


def _played(call: Call, request: HttpRequest) -> HttpResponseBase:
    stream = open_recording(call)
    answer: HttpResponseBase
    if request.method == "HEAD":
        stream.close()
        answer = HttpResponse(content_type=stream.content_type)
    else:
        answer = StreamingHttpResponse(stream, content_type=stream.content_type)
    if stream.length is not None:
        answer["Content-Length"] = str(stream.length)
    suffix = guess_extension(stream.content_type) or f".{stream.content_type.partition('/')[2]}"
    # Only audio comes through, so a browser may play it where it stands.
    answer["Content-Disposition"] = f'inline; filename="{call.pk}{suffix}"'
    return answer


def _not_there(call: Call) -> HttpResponseBase:
    """A report names the address before the provider hands the recording out."""
    if recording_after(call) is not None:
        return _later("The recording is not there yet.")
    return _refuse(404, "not_found", "The call has no recording.")


def _later(message: str) -> HttpResponseBase:
    answer = _refuse(503, "unavailable", message)
    answer["Retry-After"] = _PATIENCE
    return answer


def _refuse(status: int, code: str, message: str) -> HttpResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)
