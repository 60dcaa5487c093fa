"""Webhooks, and what was sent to them, as clients read and write them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from clicktocall.api.serializers.common import ModelBody
from clicktocall.models import Delivery, DeliveryState, Told, Webhook
from clicktocall.rest.fields import MomentField, TextField, WordField

_SHOWN_ONCE = "What its messages are verified with. Keep it: it is not shown again."


class WebhookSerializer(ModelBody):
    """An address that is told of the calls of its account."""

    account = TextField(
        source="account_id",
        required=False,
        help_text="Needed only from somebody who belongs to several accounts; never changes.",
    )
    url = TextField(max_length=2048, help_text="Where messages are sent by POST.")
    events = serializers.ListField(
        child=WordField(Told.choices),
        required=False,
        help_text="What it is told of. None: everything.",
    )

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = (
            "id",
            "account",
            "url",
            "description",
            "events",
            "active",
            "disabled_at",
            "disabled_why",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("id", "disabled_at", "disabled_why", "created_at", "updated_at")


class NewWebhookSerializer(WebhookSerializer):
    """A webhook that was just made."""

    secret = serializers.CharField(read_only=True, help_text=_SHOWN_ONCE)

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")


class WebhookSecretSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text=_SHOWN_ONCE)


class DeliverySerializer(serializers.Serializer[Any]):
    """One message to one receiver; its id is the `webhook-id` of every try."""

    id = serializers.CharField()
    webhook = serializers.CharField(
        source="webhook_id", allow_null=True, help_text="Null: the report to a `notify_url`."
    )
    call = serializers.CharField(source="call_id")
    event = serializers.CharField(help_text="`call.<what>` to a webhook, else `report`.")
    url = serializers.CharField(source="address", help_text="Where it is sent.")
    content_type = serializers.CharField()
    state = serializers.ChoiceField(
        DeliveryState.choices, help_text="`dead`: given up; it can be replayed."
    )
    tries = serializers.IntegerField(help_text="Since it was written or replayed.")
    next_try_at = MomentField(allow_null=True)
    last_status = serializers.IntegerField(
        allow_null=True, help_text="The receiver's latest HTTP status; null without an answer."
    )
    last_words = serializers.CharField(help_text="Why there was no answer, or what followed.")
    created_at = MomentField()
    done_at = MomentField(allow_null=True, help_text="When it arrived or was given up.")


class DeliveryTrySerializer(serializers.Serializer[Any]):
    """One try."""

    at = MomentField()
    status = serializers.IntegerField(allow_null=True)
    words = serializers.CharField(help_text="Why there was no answer.")
    milliseconds = serializers.IntegerField(help_text="How long it took.")


class DeliveryWithLogSerializer(DeliverySerializer):
    """A delivery with what is sent and every try; never in a list."""

    body = serializers.SerializerMethodField()
    log = DeliveryTrySerializer(many=True)

    def get_body(self, delivery: Delivery) -> str:
        """What is sent, as text."""
        return bytes(delivery.body).decode()
