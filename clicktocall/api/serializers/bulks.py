"""Many calls in one request."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clicktocall.api.errors import path_of
from clicktocall.api.serializers.calls import CallSerializer, ConnectSerializer
from clicktocall.api.serializers.common import Body
from clicktocall.calls.bulk import MOST_CALLS
from clicktocall.models import Bulk
from clicktocall.rest.fields import MomentField, TextField


class BulkEntrySerializer(ConnectSerializer):
    endpoint = TextField(
        max_length=32, required=False, help_text="Of this call; by default the bulk's."
    )


class BulkRequestSerializer(Body):
    """Calls that belong together. Each is judged by itself; one that is refused stops no other."""

    bulk_id = TextField(
        max_length=128,
        required=False,
        allow_blank=True,
        help_text="Your own name for the bulk; used once.",
    )
    endpoint = TextField(
        max_length=32, required=False, help_text="Of every call that names none itself."
    )
    calls = BulkEntrySerializer(many=True, min_length=1, max_length=MOST_CALLS)  # type: ignore[call-arg]


class RefusedEntrySerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Its place in the request, from 0.")
    contact = serializers.CharField(help_text="As it was asked for.")
    code = serializers.CharField(help_text="What a visitor is told, or `invalid_option`.")
    refusal = serializers.CharField(help_text="The rule that refused; empty for a wrong option.")
    field = serializers.SerializerMethodField()
    message = serializers.CharField()

    def get_field(self, entry: Any) -> str:
        """What was wrong, as it stands in the entry."""
        told = entry["field"] if isinstance(entry, dict) else entry.field
        return path_of(str(told))


class BulkSummarySerializer(serializers.Serializer[Any]):
    """A bulk as it stands in a list."""

    id = serializers.CharField()
    account = serializers.CharField(source="account_id")
    bulk_id = serializers.CharField(source="client_id")
    created_at = MomentField()
    total = serializers.IntegerField(help_text="Calls that were accepted.")
    in_progress = serializers.IntegerField(help_text="Of these, those that have not ended.")
    calls_url = serializers.SerializerMethodField(help_text="The calls of this bulk.")

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_calls_url(self, bulk: Bulk | dict[str, Any]) -> str:
        bulk_id = bulk["id"] if isinstance(bulk, dict) else bulk.pk
        path = f"{reverse('clicktocall:api-calls')}?bulk={bulk_id}"
        return str(self.context["request"].build_absolute_uri(path))


class BulkSerializer(BulkSummarySerializer):
    """A bulk, with the entries that became no call."""

    refused = RefusedEntrySerializer(many=True)


class BulkAnswerSerializer(BulkSerializer):
    """The bulk as it was just taken, with its calls in the order they were asked for."""

    calls = CallSerializer(many=True)
