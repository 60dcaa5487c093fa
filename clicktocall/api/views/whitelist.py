"""The patterns of numbers that an endpoint may call."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.api.pagination import LatestRowFirst
from clicktocall.api.serializers.endpoints import WhitelistEntrySerializer
from clicktocall.api.views.base import ApiViewSet, managing, not_found, reading
from clicktocall.calls.database import atomic
from clicktocall.endpoints.save import save_whitelist_entry
from clicktocall.models import Endpoint, WhitelistEntry
from clicktocall.rest.etags import answer_or_not_modified


class WhitelistView(ApiViewSet):
    queryset = WhitelistEntry.objects.select_related("endpoint")
    serializer_class = WhitelistEntrySerializer
    pagination_class = LatestRowFirst
    account_lookup = "endpoint__account_id"
    needs = {
        "list": reading("whitelistentry"),
        "retrieve": reading("whitelistentry"),
        "create": managing("add_whitelistentry"),
        "update": managing("change_whitelistentry"),
        "partial_update": managing("change_whitelistentry"),
        "destroy": managing("delete_whitelistentry"),
    }

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(endpoint_id=self.kwargs.get("endpoint_id"))

    def account_of(self, found: Any) -> str:
        return str(found.endpoint.account_id)

    def list(self, request: Request, endpoint_id: str) -> Response:
        """The whitelist of an endpoint, latest entry first."""
        self._endpoint()
        return self.answer_page()

    def create(self, request: Request, endpoint_id: str) -> Response:
        """A new pattern."""
        endpoint = self._endpoint()
        self.rights.allow(self.need, endpoint.account_id)
        entry = WhitelistEntry(endpoint=endpoint)
        answer = self.answer_with_tag(save_whitelist_entry(entry, self.read_body()), 201)
        answer["Location"] = request.build_absolute_uri(
            reverse("clicktocall:api-whitelist-entry", args=(endpoint.pk, entry.pk))
        )
        return answer

    def retrieve(self, request: Request, endpoint_id: str, pk: int) -> Response:
        """One entry, with the `ETag` that `If-Match` takes."""
        return answer_or_not_modified(request, self.shown(self.get_object()))

    def update(self, request: Request, endpoint_id: str, pk: int) -> Response:
        """Replace an entry."""
        return self._change({"note": ""} | self.read_body())

    def partial_update(self, request: Request, endpoint_id: str, pk: int) -> Response:
        """Change what the body names."""
        return self._change(self.read_body(partial=True))

    def destroy(self, request: Request, endpoint_id: str, pk: int) -> Response:
        """Take an entry off the list; from the next request on its numbers are refused."""
        with atomic():
            self.locked_object().delete()
        return Response(status=204)

    def _endpoint(self) -> Endpoint:
        endpoints = self.mine(Endpoint.objects.all(), "account_id")
        endpoint: Endpoint | None = endpoints.filter(pk=self.kwargs["endpoint_id"]).first()
        if endpoint is None:
            raise not_found()
        return endpoint

    def _change(self, changes: dict[str, Any]) -> Response:
        with atomic():
            return self.answer_with_tag(save_whitelist_entry(self.locked_object(), changes))
