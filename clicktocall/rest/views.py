"""A REST framework view that takes nothing from the host's REST framework settings."""

from __future__ import annotations

from typing import Any

from django.db import connections, transaction
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clicktocall.conf import settings
from clicktocall.rest.parsers import StrictJSONParser, check_length


class PlainRenderer(JSONRenderer):
    """JSON in UTF-8, always the same whatever the host prefers."""

    compact = True
    strict = True
    ensure_ascii = False


class JSONView(APIView):
    """JSON in, JSON out, nobody admitted in any particular way, nothing cached."""

    authentication_classes: Any = ()
    permission_classes: Any = ()
    throttle_classes: Any = ()
    parser_classes: Any = (StrictJSONParser,)
    renderer_classes: Any = (PlainRenderer,)
    content_negotiation_class: Any = DefaultContentNegotiation
    metadata_class = None
    versioning_class = None

    @property
    def largest_body(self) -> int:
        """Bytes that a request may bring."""
        return int(settings.MAX_BODY_SIZE)

    @classmethod
    def as_view(cls, *args: Any, **kwargs: Any) -> Any:
        # Refusals and receipts are kept in transactions of their own, so the host's
        # ATOMIC_REQUESTS must not wrap these views.
        view = super().as_view(*args, **kwargs)
        for alias in connections:
            view = transaction.non_atomic_requests(using=alias)(view)
        return view

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        request.get_host()  # refuses a forged Host before anything is written
        check_length(request, self.largest_body)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        return answer
