"""Many calls in one request, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Count, prefetch_related_objects
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
    RescheduleRequestSerializer,
)
from clicktocall.api.serializers.calls import shown_call
from clicktocall.api.views.base import DOOR, ApiViewSet, calling, reading
from clicktocall.api.views.connect import endpoint_to_call, visitor_of
from clicktocall.calls import cancel_bulk, pause_bulk, reschedule_bulk, resume_bulk
from clicktocall.calls.bulk import BulkAnswer, SendingSpeed, WantedCall, request_bulk
from clicktocall.conf import settings
from clicktocall.exceptions import NotAllowed
from clicktocall.models import Account, Bulk, Call, Endpoint
from clicktocall.rest.errors import by_field
from clicktocall.states import CallState

# Built once: a serializer copies all its fields anew each time it is made for a request.
_bulk_request = BulkRequestSerializer()
_new_time = RescheduleRequestSerializer()


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
    answer_serializer_class = BulkAnswerSerializer
    needs = {
        "list": reading("bulk"),
        "retrieve": reading("bulk"),
        "create": calling("add_call"),
        "pause": calling("change_call"),
        "resume": calling("change_call"),
        "reschedule": calling("change_call"),
        "cancel": calling("change_call"),
    }

    @property
    def request_serializer_class(self) -> Any:
        """For the documentation."""
        if self.action == "reschedule":
            return RescheduleRequestSerializer
        return BulkRequestSerializer

    @property
    def largest_body(self) -> int:
        return int(settings.MAX_BULK_BODY_SIZE) if self.action == "create" else super().largest_body

    def list(self, request: Request) -> Response:
        """The account's bulks, newest first."""
        bulks = self.get_queryset().defer("refused")  # up to a thousand entries each
        page = self.paginate_queryset(self.filter_queryset(bulks)) or []
        _count_calls(page)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def get_serializer_class(self) -> Any:
        return BulkSummarySerializer if self.action == "list" else BulkSerializer

    def retrieve(self, request: Request, pk: str) -> Response:
        """One bulk, with how many of its calls are in which state."""
        return self._answer(self.get_object())

    def create(self, request: Request) -> Response:
        """Put many calls in the queue. Each is judged by itself, and all are kept or none."""
        key = self.idempotency_key()
        asked = read_bulk(request.data)
        wanted = self._wanted(asked)
        taken = request_bulk(
            _account(wanted),
            wanted,
            client_id=asked.get("bulk_id", ""),
            speed=SendingSpeed(**asked["speed"]) if "speed" in asked else None,
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

    def pause(self, request: Request, pk: str) -> Response:
        """Dial none of its calls until it is resumed. Twice is no error."""
        return self._answer(pause_bulk(self.get_object()))

    def resume(self, request: Request, pk: str) -> Response:
        """Go on where it was paused: what waited is put off by as long as the pause has lasted."""
        return self._answer(resume_bulk(self.get_object()))

    def reschedule(self, request: Request, pk: str) -> Response:
        """Place the calls that still wait at another time; with a speed, from then on."""
        bulk = self.get_object()
        asked: dict[str, Any] = _new_time.run_validation(request.data)
        return self._answer(reschedule_bulk(bulk, asked["send_at"]))

    def cancel(self, request: Request, pk: str) -> Response:
        """Take the calls that still wait off the queue. Twice is no error."""
        bulk = self.get_object()
        cancel_bulk(bulk)
        return self._answer(self.get_object())

    def _answer(self, bulk: Bulk) -> Response:
        _count_calls([bulk])
        return Response(self.get_serializer(bulk).data)

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
            send_at=entry.get("send_at"),
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
    """Tell each bulk how its calls stand, in one statement for all of them."""
    known: dict[str, dict[str, int]] = {bulk.pk: {} for bulk in bulks}
    calls = Call.objects.filter(bulk__in=bulks).order_by()
    for bulk_id, state, count in calls.values_list("bulk_id", "state").annotate(count=Count("pk")):
        known[bulk_id][state] = count
    for bulk in bulks:
        _tell(bulk, known[bulk.pk])


def _tell(bulk: Any, counted: Mapping[str, int]) -> Bulk:
    """The bulk with what is answered besides its columns, of its calls `counted` by state."""
    bulk.total = sum(counted.values())
    bulk.in_progress = bulk.total - counted.get(CallState.ENDED, 0)
    bulk.by_state = {state: counted.get(state, 0) for state in CallState.values}
    told: Bulk = bulk
    return told


def _account(wanted: Sequence[WantedCall]) -> Account:
    """The one account that all calls belong to.

    Raises:
        ValidationError: there are several.
    """
    accounts = {call.endpoint.account_id for call in wanted}
    if len(accounts) != 1:
        raise ValidationError({"calls": ["All endpoints of a bulk belong to one account."]})
    return Account(pk=accounts.pop())


def _answered(taken: BulkAnswer) -> Bulk:
    return _tell(taken.bulk, Counter(call.state for call in taken.calls))
