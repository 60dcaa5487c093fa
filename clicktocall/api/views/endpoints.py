"""Endpoints: listed, created, read, replaced, changed, removed."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.api.filters import EndpointFilters
from clicktocall.api.serializers.endpoints import EndpointSerializer, usual_values
from clicktocall.api.views.base import ApiViewSet, managing, reading, same_account_only
from clicktocall.calls.database import atomic
from clicktocall.endpoints.audio import Heard, hearing_first
from clicktocall.endpoints.save import delete_endpoint, save_endpoint
from clicktocall.models import Endpoint
from clicktocall.rest.etags import answer_or_not_modified


class EndpointsView(ApiViewSet):
    queryset = Endpoint.objects.select_related("caller_id_a", "caller_id_b", "bridge")
    serializer_class = EndpointSerializer
    filterset_class = EndpointFilters
    needs = {
        "list": reading("endpoint"),
        "retrieve": reading("endpoint"),
        "create": managing("add_endpoint"),
        "update": managing("change_endpoint"),
        "partial_update": managing("change_endpoint"),
        "destroy": managing("delete_endpoint"),
    }

    def list(self, request: Request) -> Response:
        """The account's endpoints, newest first."""
        return self.answer_page()

    def create(self, request: Request) -> Response:
        """A new endpoint."""
        changes = self.read_body()
        endpoint = Endpoint(account_id=self.account_for_new(changes.pop("account_id", None)))
        saved = hearing_first(lambda heard: save_endpoint(endpoint, changes, heard=heard))
        answer = self.answer_with_tag(saved, 201)
        answer["Location"] = request.build_absolute_uri(
            reverse("clicktocall:api-endpoint", args=(endpoint.pk,))
        )
        return answer

    def retrieve(self, request: Request, pk: str) -> Response:
        """One endpoint, with the `ETag` that `If-Match` takes."""
        return answer_or_not_modified(request, self.shown(self.get_object()))

    def update(self, request: Request, pk: str) -> Response:
        """Replace an endpoint: what the body leaves out has its usual value again."""
        return self._change(usual_values() | self.read_body())

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what the body names."""
        return self._change(self.read_body(partial=True))

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove an endpoint that was never called with; otherwise switch it off."""
        with atomic():
            delete_endpoint(self.locked_object())
        return Response(status=204)

    def _change(self, changes: dict[str, Any]) -> Response:
        return hearing_first(lambda heard: self._change_now(changes, heard))

    def _change_now(self, changes: dict[str, Any], heard: Heard) -> Response:
        with atomic():
            endpoint = self.locked_object()
            same_account_only(changes, endpoint)
            return self.answer_with_tag(save_endpoint(endpoint, changes, heard=heard))
