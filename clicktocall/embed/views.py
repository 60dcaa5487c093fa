"""The widget's five requests, each a thin translation into a call of the heart."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.http import Http404
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.calls import Visitor, cancel_call, request_call
from clicktocall.calls.refusals import record_refusal
from clicktocall.embed.answers import visitor_call
from clicktocall.embed.config import widget_config
from clicktocall.embed.errors import NotAvailable, error_answer
from clicktocall.embed.serializers import read_connect
from clicktocall.embed.tokens import issue_token, read_call_token, read_token, token_lifetime
from clicktocall.endpoints.context import read_context
from clicktocall.endpoints.load import load_endpoint
from clicktocall.models import Call, Endpoint
from clicktocall.rest.etags import answer_or_not_modified
from clicktocall.rest.views import JSONView
from clicktocall.rules import origin_allowed, refusal_of_origin

DOOR = "embed"

_CONFIG_MAX_AGE = 60
_PREFLIGHT_MAX_AGE = 600


class EmbedView(JSONView):
    """What all five share: no login, JSON only, the exact origin, errors in one shape."""

    schema = None

    origin = ""
    origin_is_allowed = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.origin = request.headers.get("Origin", "")
        super().initial(request, *args, **kwargs)

    def allow_origin_of(self, endpoint: Endpoint) -> None:
        """Go on only for a page that may show this endpoint's button.

        Raises:
            NotAvailable: the page's origin is not on the endpoint's list.
        """
        self.origin_is_allowed = origin_allowed(endpoint, self.origin)
        if not self.origin_is_allowed and not self._is_same_origin_get():
            raise NotAvailable

    def admit_page(self, endpoint: Endpoint) -> None:
        """`allow_origin_of`, and the operator is told of a page that is not on the list.

        Raises:
            NotAvailable: the page's origin is not on the endpoint's list.
        """
        try:
            self.allow_origin_of(endpoint)
        except NotAvailable:
            if self.origin:
                record_refusal(
                    refusal_of_origin(self.origin),
                    endpoint=endpoint,
                    contact=None,
                    door=DOOR,
                    requester="",
                    origin=self.origin,
                    page=self.request.headers.get("Referer", ""),
                )
            raise

    def body(self) -> Any:
        """The JSON object that was sent; a form, which any page can post, is refused."""
        return self.request.data

    def _is_same_origin_get(self) -> bool:
        # Browsers send no Origin with a same-origin GET; a page cannot forge this header.
        return (
            self.request.method in ("GET", "HEAD")
            and not self.origin
            and self.request.headers.get("Sec-Fetch-Site") == "same-origin"
        )

    def get_exception_handler(self) -> Any:
        return error_answer

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(answer, ("Origin",))
        if self.origin_is_allowed:
            answer["Access-Control-Allow-Origin"] = self.origin
            answer["Access-Control-Expose-Headers"] = "ETag, Retry-After"
        return answer

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """The preflight of a cross-origin request (Fetch standard)."""
        self.allow_origin_of(self.endpoint_of(**kwargs))
        answer = Response(status=204)
        answer["Access-Control-Allow-Methods"] = ", ".join(self.allowed_methods)
        answer["Access-Control-Allow-Headers"] = "Content-Type, If-None-Match"
        answer["Access-Control-Max-Age"] = str(_PREFLIGHT_MAX_AGE)
        return answer

    def endpoint_of(self, **kwargs: Any) -> Endpoint:
        """The endpoint that the address names.

        Raises:
            Http404: there is none.
        """
        return endpoint_or_404(kwargs["endpoint_id"])


def endpoint_or_404(endpoint_id: str) -> Endpoint:
    endpoint = load_endpoint(endpoint_id)
    if endpoint is None:
        raise Http404
    return endpoint


class ConfigView(EmbedView):
    """`GET embed/<endpoint_id>/`: public, cacheable, in the visitor's language."""

    def get(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_or_404(endpoint_id)
        self.admit_page(endpoint)
        if not endpoint.active:
            raise NotAvailable
        language = _accepted_language(request)
        with translation.override(language):
            config = widget_config(endpoint, timezone.now())
        answer = answer_or_not_modified(request, config)
        answer["Cache-Control"] = f"public, max-age={_CONFIG_MAX_AGE}"
        answer["Content-Language"] = language
        patch_vary_headers(answer, ("Accept-Language", "Sec-Fetch-Site"))
        return answer


class TokenView(EmbedView):
    """`POST embed/<endpoint_id>/token/`: admission to one call."""

    def post(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_or_404(endpoint_id)
        self.admit_page(endpoint)
        self.body()
        if not endpoint.active:
            raise NotAvailable
        return Response(
            {"token": issue_token(endpoint.id, self.origin), "expires_in": token_lifetime()}
        )


class CallsView(EmbedView):
    """`POST embed/<endpoint_id>/calls/`: the click."""

    def post(self, request: Request, endpoint_id: str) -> Response:
        endpoint = endpoint_or_404(endpoint_id)
        self.origin_is_allowed = origin_allowed(endpoint, self.origin)
        call = _request_call(endpoint, self.origin, read_connect(self.body()))
        return Response(visitor_call(call, request), status=202)


class CallView(EmbedView):
    """`GET embed/calls/<call_token>/`: how the call stands."""

    def endpoint_of(self, **kwargs: Any) -> Endpoint:
        return _call_or_404(kwargs["token"]).endpoint

    def get(self, request: Request, token: str) -> Response:
        call = _call_or_404(token)
        self.allow_origin_of(call.endpoint)
        return answer_or_not_modified(request, visitor_call(call, request))


class CancelView(EmbedView):
    """`POST embed/calls/<call_token>/cancel/`: hang up, or take it off the queue."""

    def endpoint_of(self, **kwargs: Any) -> Endpoint:
        return _call_or_404(kwargs["token"]).endpoint

    def post(self, request: Request, token: str) -> Response:
        call = _call_or_404(token)
        self.allow_origin_of(call.endpoint)
        self.body()
        return Response(visitor_call(cancel_call(call), request))


class NothingHereView(EmbedView):
    """Every other address of this door, whatever the method."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404


def _request_call(endpoint: Endpoint, origin: str, asked: dict[str, Any]) -> Call:
    told = asked.get("fields") or {}
    return request_call(
        endpoint,
        asked["contact"],
        region=asked.get("country") or None,
        idempotency_key=asked.get("idempotency_key"),
        door=DOOR,
        origin=origin,
        token_nonce=read_token(asked["token"], endpoint.id, origin),
        consent_version=asked.get("consent") or "",
        visitor=Visitor(
            name=told.get("name", ""),
            email=told.get("email", ""),
            question=told.get("question", ""),
            page=asked.get("page", "")[:2000],
            context=read_context(endpoint.id, asked.get("context") or "") or {},
        ),
    )


def _accepted_language(request: Request) -> str:
    """By Accept-Language alone: the answer is cached for everybody, so no cookie may decide."""
    for code, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return str(django_settings.LANGUAGE_CODE)


def _call_or_404(token: str) -> Call:
    call_id = read_call_token(token)
    call = (
        Call.objects.select_related("endpoint").filter(pk=call_id, door=DOOR).first()
        if call_id
        else None
    )
    if call is None:
        raise Http404
    return call
