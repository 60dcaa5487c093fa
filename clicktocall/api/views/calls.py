"""Calls of an account: listed, read, listened to, cancelled."""

from __future__ import annotations

from mimetypes import guess_extension
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.api.filters import CallFilters, EndpointCallFilters
from clicktocall.api.pagination import LatestRowFirst
from clicktocall.api.serializers.calls import (
    CallEventSerializer,
    CallSerializer,
    CallWithAnswersSerializer,
    shown_call,
)
from clicktocall.api.views.base import ApiViewSet, calling, not_found, reading
from clicktocall.calls import cancel_call
from clicktocall.calls.recording import open_recording
from clicktocall.models import Call, CallEvent, Endpoint
from clicktocall.rest.etags import answer_or_not_modified


class CallsView(ApiViewSet):
    queryset = Call.objects.prefetch_related("attempts")
    filterset_class: Any = CallFilters
    needs = {
        "list": reading("call"),
        "retrieve": reading("call"),
        "recording": reading("call"),
        "cancel": calling("change_call"),
    }

    def get_serializer_class(self) -> Any:
        return CallWithAnswersSerializer if self.action == "retrieve" else CallSerializer

    def list(self, request: Request) -> Response:
        """The history, newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([shown_call(call, request) for call in page or ()])

    def retrieve(self, request: Request, pk: str) -> Response:
        """How a call stands; with `If-None-Match` 304 while nothing has changed."""
        call = self.get_object()
        shown = {**shown_call(call, request), "answers": call.answers}
        return answer_or_not_modified(request, shown)

    def cancel(self, request: Request, pk: str) -> Response:
        """Take a call off the queue, or have its provider hang up. Twice is no error."""
        call = cancel_call(self.get_object())
        return Response(shown_call(call, request), status=202)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """A recording is what it is, whatever `Accept` says; only an error is written by us."""
        return super().perform_content_negotiation(request, force or self.action == "recording")

    def recording(self, request: Request, pk: str) -> StreamingHttpResponse:
        """The sound of the call, as the provider keeps it."""
        call = self.get_object()
        stream = open_recording(call)
        answer = StreamingHttpResponse(stream, content_type=stream.content_type)
        if stream.length is not None:
            answer["Content-Length"] = str(stream.length)
        kind = stream.content_type
        suffix = guess_extension(kind) or f".{kind.partition('/')[2]}"
        # Only audio comes through, so a browser may play it where it stands.
        answer["Content-Disposition"] = f'inline; filename="{call.pk}{suffix}"'
        return answer


class EndpointHistoryView(CallsView):
    filterset_class = EndpointCallFilters
    needs = {"list": reading("call")}

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(endpoint_id=self.kwargs.get("endpoint_id"))

    def list(self, request: Request, endpoint_id: str = "") -> Response:
        """The calls of one endpoint, newest first."""
        if not self.mine(Endpoint.objects.filter(pk=endpoint_id)).exists():
            raise not_found()
        return super().list(request)


class CallEventsView(ApiViewSet):
    queryset = CallEvent.objects.select_related("attempt")
    serializer_class = CallEventSerializer
    pagination_class = LatestRowFirst
    account_lookup = "call__account_id"
    needs = {"list": reading("call")}

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(call_id=self.kwargs.get("call_id"))

    def list(self, request: Request, call_id: str) -> Response:
        """Every fact that is known of a call, the latest that we learned first."""
        if not self.mine(Call.objects.filter(pk=call_id), "account_id").exists():
            raise not_found()
        return self.answer_page()
