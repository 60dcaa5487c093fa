"""Many calls in one request, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q, prefetch_related_objects
from django.http import Http404
from django.urls import reverse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.accounts.overrides import check_overrides
from clicktocall.api.serializers.bulks import (
    BulkAnswerSerializer,
    BulkRequestSerializer,
    BulkSerializer,
    BulkSummarySerializer,
)
from clicktocall.api.serializers.calls import shown_call
from clicktocall.api.views.base import DOOR, ApiViewSet, calling, reading
from clicktocall.api.views.connect import endpoint_to_call, visitor_of
from clicktocall.calls.bulk import BulkAnswer, WantedCall, request_bulk
from clicktocall.conf import settings
from clicktocall.exceptions import NotAllowed
from clicktocall.models import Account, Bulk, Call, Endpoint
from clicktocall.rest.errors import by_field
from clicktocall.states import CallState

# Built once: a serializer copies all its fields anew each time it is made for a request.
_bulk_request = BulkRequestSerializer()


def read_bulk(body: Any) -> dict[str, Any]:
    """The request in `body`.

    Raises:
        ValidationError: naming each field that is wrong.
    """
    asked: dict[str, Any] = _bulk_request.run_validation(body)
    return asked


class BulksView(ApiViewSet):
    queryset = Bulk.objects.all()
    serializer_class = BulkSerializer
    request_serializer_class = BulkRequestSerializer  # for the documentation
    answer_serializer_class = BulkAnswerSerializer
    needs = {
        "list": reading("bulk"),
        "retrieve": reading("bulk"),
        "create": calling("add_call"),
    }

    @property
    def largest_body(self) -> int:
        return int(settings.MAX_BULK_BODY_SIZE)

    def list(self, request: Request) -> Response:
        """The account's bulks, newest first."""
        bulks = self.get_queryset().defer("refused")  # up to a thousand entries each
        page = self.paginate_queryset(self.filter_queryset(bulks)) or []
        _count_calls(page)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def get_serializer_class(self) -> Any:
        return BulkSummarySerializer if self.action == "list" else BulkSerializer

    def retrieve(self, request: Request, pk: str) -> Response:
        """One bulk, with how many of its calls have not ended."""
        bulk = self.get_object()
        _count_calls([bulk])
        return Response(self.get_serializer(bulk).data)

    def create(self, request: Request) -> Response:
        """Put many calls in the queue. Each is judged by itself, and all are kept or none."""
        key = self.idempotency_key()
        asked = read_bulk(request.data)
        wanted = self._wanted(asked)
        taken = request_bulk(
            _account(wanted),
            wanted,
            client_id=asked.get("bulk_id", ""),
            idempotency_key=key,
            idempotency_scope=self.rights.idempotency_scope,
            requester=self.rights.requester,
            door=DOOR,
        )
        prefetch_related_objects([call for call in taken.calls if call.attempt_count], "attempts")
        shown = {
            **BulkSerializer(_answered(taken), context={"request": request}).data,
            "calls": [shown_call(call, request) for call in taken.calls],
        }
        path = reverse("clicktocall:api-bulk", args=(taken.bulk.pk,))
        return Response(shown, status=202, headers={"Location": request.build_absolute_uri(path)})

    def _wanted(self, asked: dict[str, Any]) -> Sequence[WantedCall]:
        """The entries with their endpoints, each of which is read once.

        Raises:
            ValidationError: naming each entry whose endpoint cannot be used.
            NotAllowed: an entry changes an option that the client may not change.
        """
        endpoints = _Endpoints(self, asked.get("endpoint") or self.rights.default_endpoint_id)
        problems: dict[str, list[str]] = {}
        wanted = []
        for place, entry in enumerate(asked["calls"]):
            inside = f"calls.{place}."
            try:
                wanted.append(self._wanted_call(endpoints.of(entry), entry))
            except NotAllowed as error:
                named_inside = {f"{inside}{name}": said for name, said in error.fields.items()}
                raise NotAllowed(str(error), named_inside) from error
            except Http404:
                named = f"{inside}endpoint" if entry.get("endpoint") else "endpoint"
                problems[named] = [endpoints.why_not(entry)]
            except ValidationError as error:
                problems |= {
                    f"{inside}{name}": said for name, said in by_field(error.detail).items()
                }
        if problems:
            raise ValidationError(problems)
        return wanted

    def _wanted_call(self, endpoint: Endpoint, entry: dict[str, Any]) -> WantedCall:
        options = entry.get("options") or {}
        check_overrides(self.rights, endpoint, options)
        return WantedCall(
            endpoint=endpoint,
            contact=entry["contact"],
            region=entry.get("country"),
            options=options,
            client_reference=entry.get("client_reference", ""),
            visitor=visitor_of(entry),
        )


class _Endpoints:
    """The endpoints that a bulk names, each read once."""

    def __init__(self, view: ApiViewSet, usual: str | None) -> None:
        self._view = view
        self._usual = usual
        self._known: dict[str, Endpoint] = {}

    def why_not(self, entry: dict[str, Any]) -> str:
        if entry.get("endpoint") or self._usual:
            return "There is no such endpoint."
        return "Name an endpoint for the whole bulk, or one in each call."

    def of(self, entry: dict[str, Any]) -> Endpoint:
        """Raises Http404 when there is none that the client knows."""
        named = entry.get("endpoint") or self._usual or ""
        if named not in self._known:
            self._known[named] = endpoint_to_call(self._view, named)
        return self._known[named]


def _count_calls(bulks: Sequence[Bulk]) -> None:
    """Give each bulk `total` and `in_progress`, in one statement for all of them."""
    counted = {
        row["bulk_id"]: row
        for row in Call.objects.filter(bulk__in=bulks)
        .order_by()
        .values("bulk_id")
        .annotate(total=Count("pk"), in_progress=Count("pk", filter=~Q(state=CallState.ENDED)))
    }
    for bulk in bulks:
        row = counted.get(bulk.pk, {"total": 0, "in_progress": 0})
        bulk.total, bulk.in_progress = row["total"], row["in_progress"]  # type: ignore[attr-defined]


def _account(wanted: Sequence[WantedCall]) -> Account:
    """The one account that all calls belong to.

    Raises:
        ValidationError: there are several.
    """
    accounts = {call.endpoint.account_id for call in wanted}
    if len(accounts) != 1:
        raise ValidationError({"calls": ["All endpoints of a bulk belong to one account."]})
    return Account(pk=accounts.pop())


def _answered(taken: BulkAnswer) -> dict[str, Any]:
    bulk = taken.bulk
    return {
        "id": bulk.pk,
        "account_id": bulk.account_id,
        "client_id": bulk.client_id,
        "created_at": bulk.created_at,
        "total": len(taken.calls),
        "in_progress": sum(not call.is_over for call in taken.calls),
        "refused": taken.refused,
    }
