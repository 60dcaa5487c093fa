"""Asking for a call: one, or many in one request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.accounts.overrides import check_overrides
from clicktocall.api.serializers.calls import CallSerializer, ConnectSerializer, shown_call
from clicktocall.api.views.base import DOOR, ApiViewSet, calling, not_found
from clicktocall.calls import Visitor, request_call
from clicktocall.endpoints.context import LARGEST_CONTEXT, size_of
from clicktocall.endpoints.load import load_endpoint
from clicktocall.models import Call, Endpoint


class ConnectView(ApiViewSet):
    queryset = Call.objects.all()
    serializer_class = CallSerializer
    request_serializer_class = ConnectSerializer  # for the documentation
    pagination_class = None
    needs = {"create": calling("add_call")}

    def create(self, request: Request, endpoint_id: str) -> Response:
        """Put a call in the queue; a dispatcher places it at once, or when it is due."""
        key = self.idempotency_key()
        asked = read_connect(request.data)
        endpoint = endpoint_to_call(self, endpoint_id)
        options = asked.get("options") or {}
        check_overrides(self.rights, endpoint, options)
        call = request_call(
            endpoint,
            asked["contact"],
            region=asked.get("country"),
            options=options,
            send_at=asked.get("send_at"),
            idempotency_key=key,
            idempotency_scope=self.rights.idempotency_scope,
            client_reference=asked.get("client_reference", ""),
            visitor=visitor_of(asked),
            requester=self.rights.requester,
            door=DOOR,
        )
        shown = shown_call(call, request)
        return Response(shown, status=202, headers={"Location": shown["status_url"]})


# Built once: a serializer copies all its fields anew each time it is made for a request.
_connect = ConnectSerializer()


def read_connect(body: Any) -> dict[str, Any]:
    """The request in `body`.

    Raises:
        ValidationError: naming each field that is wrong.
    """
    asked: dict[str, Any] = _connect.run_validation(body)
    return asked


def endpoint_to_call(view: ApiViewSet, endpoint_id: str) -> Endpoint:
    """The endpoint, if the client may place calls with it.

    Raises:
        Http404: there is none, or it is another account's.
        NotAllowed: it may be seen, but not called with.
    """
    endpoint = load_endpoint(endpoint_id)
    if endpoint is None or not view.rights.knows(endpoint.account_id):
        raise not_found()
    view.rights.allow(view.need, endpoint.account_id)
    return endpoint


def visitor_of(asked: Mapping[str, Any]) -> Visitor:
    told = asked.get("visitor") or {}
    return Visitor(
        name=told.get("name", ""),
        email=told.get("email", ""),
        question=told.get("question", ""),
        context=_context(asked.get("context") or {}),
    )


def _context(context: dict[str, Any]) -> dict[str, Any]:
    if size_of(context) > LARGEST_CONTEXT:
        raise ValidationError({"context": [f"At most {LARGEST_CONTEXT} bytes of JSON are kept."]})
    return context
