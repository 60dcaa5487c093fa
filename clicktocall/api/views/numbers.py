"""The numbers an account may show or bridge with."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.accounts.numbers import delete_number, save_number
from clicktocall.api.pagination import LatestRowFirst
from clicktocall.api.serializers.numbers import OwnedNumberSerializer
from clicktocall.api.views.base import ApiViewSet, managing, reading, same_account_only
from clicktocall.calls.database import atomic
from clicktocall.models import OwnedNumber, Role
from clicktocall.rest.etags import answer_or_not_modified

_USUAL = {
    "label": "",
    "provider_aliases": [],
    "for_leg_a": True,
    "for_leg_b": True,
    "for_bridge": False,
}


class NumbersView(ApiViewSet):
    queryset = OwnedNumber.objects.all()
    serializer_class = OwnedNumberSerializer
    pagination_class = LatestRowFirst
    needs = {
        "list": reading("ownednumber"),
        "retrieve": reading("ownednumber"),
        "create": managing("add_ownednumber", Role.MANAGER),
        "update": managing("change_ownednumber", Role.MANAGER),
        "partial_update": managing("change_ownednumber", Role.MANAGER),
        "destroy": managing("delete_ownednumber", Role.MANAGER),
    }

    def list(self, request: Request) -> Response:
        """The account's own numbers, latest first."""
        return self.answer_page()

    def create(self, request: Request) -> Response:
        """A new number."""
        changes = self.read_body()
        owned = OwnedNumber(account_id=self.account_for_new(changes.pop("account_id", None)))
        save_number(owned, changes)
        answer = self.answer_with_tag(owned, 201)
        answer["Location"] = request.build_absolute_uri(
            reverse("clicktocall:api-number", args=(owned.pk,))
        )
        return answer

    def retrieve(self, request: Request, pk: int) -> Response:
        """One number, with the `ETag` that `If-Match` takes."""
        return answer_or_not_modified(request, self.shown(self.get_object()))

    def update(self, request: Request, pk: int) -> Response:
        """Replace a number: what the body leaves out has its usual value again."""
        return self._change(_USUAL | self.read_body())

    def partial_update(self, request: Request, pk: int) -> Response:
        """Change what the body names."""
        return self._change(self.read_body(partial=True))

    def destroy(self, request: Request, pk: int) -> Response:
        """Remove a number that no endpoint uses."""
        with atomic():
            delete_number(self.locked_object())
        return Response(status=204)

    def _change(self, changes: dict[str, Any]) -> Response:
        with atomic():
            owned = self.locked_object()
            same_account_only(changes, owned)
            return self.answer_with_tag(save_number(owned, changes))
