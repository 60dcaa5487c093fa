"""Webhooks of an account, and the log of what was sent to them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.api.filters import DeliveryFilters
from clicktocall.api.serializers.webhooks import (
    DeliverySerializer,
    DeliveryWithLogSerializer,
    NewWebhookSerializer,
    WebhookSecretSerializer,
    WebhookSerializer,
)
from clicktocall.api.views.base import (
    ApiViewSet,
    managing,
    not_found,
    reading,
    same_account_only,
)
from clicktocall.calls.database import atomic
from clicktocall.calls.reports.subscribe import replay, rotate_webhook_secret, save_webhook
from clicktocall.models import Delivery, Role, Webhook
from clicktocall.rest.etags import answer_or_not_modified, etag_of

_USUAL: dict[str, Any] = {"description": "", "events": [], "active": True}


class WebhooksView(ApiViewSet):
    queryset = Webhook.objects.all()
    needs = {
        "list": reading("webhook"),
        "retrieve": reading("webhook"),
        "create": managing("add_webhook", Role.MANAGER),
        "update": managing("change_webhook", Role.MANAGER),
        "partial_update": managing("change_webhook", Role.MANAGER),
        "destroy": managing("delete_webhook", Role.MANAGER),
        "rotate": managing("change_webhook", Role.MANAGER),
    }

    def get_serializer_class(self) -> Any:
        special = {"create": NewWebhookSerializer, "rotate": WebhookSecretSerializer}
        return special.get(str(self.action), WebhookSerializer)

    def shown(self, found: Any) -> dict[str, Any]:
        """The webhook as it can be read again, whose version `If-Match` names."""
        return dict(WebhookSerializer(found).data)

    def list(self, request: Request) -> Response:
        """The account's webhooks, newest first."""
        return self.answer_page()

    def create(self, request: Request) -> Response:
        """A new webhook. The answer is the only one that shows its secret."""
        changes = self.read_body()
        webhook = Webhook(account_id=self.account_for_new(changes.pop("account_id", None)))
        secret = save_webhook(webhook, changes)
        shown = dict(WebhookSerializer(webhook).data)
        address = reverse("clicktocall:api-webhook", args=(webhook.pk,))
        return Response(
            {**shown, "secret": secret},
            status=201,
            headers={"Location": request.build_absolute_uri(address), "ETag": etag_of(shown)},
        )

    def retrieve(self, request: Request, pk: str) -> Response:
        """One webhook, with the `ETag` that `If-Match` takes."""
        return answer_or_not_modified(request, self.shown(self.get_object()))

    def update(self, request: Request, pk: str) -> Response:
        """Replace a webhook: what the body leaves out has its usual value again."""
        return self._change(_USUAL | self.read_body())

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what the body names."""
        return self._change(self.read_body(partial=True))

    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a webhook with its deliveries, also those that still wait."""
        with atomic():
            self.locked_object().delete()
        return Response(status=204)

    def rotate(self, request: Request, pk: str) -> Response:
        """A new secret. For 24 hours the old one signs beside it."""
        with atomic():
            made = rotate_webhook_secret(self.locked_object())
        return Response({"secret": made.secret})

    def _change(self, changes: dict[str, Any]) -> Response:
        with atomic():
            webhook = self.locked_object()
            same_account_only(changes, webhook)
            save_webhook(webhook, changes)
            return self.answer_with_tag(webhook)


class DeliveriesView(ApiViewSet):
    queryset = Delivery.objects.select_related("webhook")
    filterset_class: Any = DeliveryFilters
    needs = {
        "list": reading("delivery"),
        "retrieve": reading("delivery"),
        "replay": managing("change_delivery"),
    }

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        return rows.prefetch_related("log") if self.action == "retrieve" else rows.defer("body")

    def get_serializer_class(self) -> Any:
        return DeliveryWithLogSerializer if self.action == "retrieve" else DeliverySerializer

    def list(self, request: Request) -> Response:
        """What is or was to be sent to whichever receiver, newest first."""
        return self.answer_page()

    def retrieve(self, request: Request, pk: str) -> Response:
        """One delivery, with what is sent and every try."""
        return Response(self.shown(self.get_object()))

    def replay(self, request: Request, pk: str) -> Response:
        """Send it once more, now, and then as often as a new one. It keeps its id."""
        return Response(self.shown(replay(self.get_object())), status=202)


class WebhookDeliveriesView(DeliveriesView):
    needs = {"list": reading("delivery")}

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(webhook_id=self.kwargs.get("webhook_id"))

    def list(self, request: Request, webhook_id: str = "") -> Response:
        """What is or was to be sent to one webhook, newest first."""
        if not self.mine(Webhook.objects.filter(pk=webhook_id)).exists():
            raise not_found()
        return super().list(request)
