"""Many calls in one request."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clicktocall.api.errors import path_of
from clicktocall.api.serializers.calls import CallSerializer, ConnectSerializer
from clicktocall.api.serializers.common import Body, InstantField
from clicktocall.calls.bulk import MOST_CALLS
from clicktocall.models import Bulk
from clicktocall.orders import SpeedUnit
from clicktocall.rest.fields import MomentField, TextField, WholeNumberField, WordField
from clicktocall.states import CallState


class BulkEntrySerializer(ConnectSerializer):
    endpoint = TextField(
        max_length=32, required=False, help_text="Of this call; by default the bulk's."
    )


class SpeedSerializer(Body):
    """So many calls in each unit of time, evenly spaced."""

    calls = WholeNumberField(min_value=1, max_value=MOST_CALLS)
    unit = WordField(choices=SpeedUnit.choices)


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
    speed = SpeedSerializer(
        required=False,
        help_text="The first call at once, or at the earliest `send_at`. Without it: all at once.",
    )
    calls = BulkEntrySerializer(many=True, min_length=1, max_length=MOST_CALLS)  # type: ignore[call-arg]


class RescheduleRequestSerializer(Body):
    """When the calls that still wait are to be placed."""

    send_at = InstantField(help_text="At most 180 days ahead; what is past means at once.")


class StatesSerializer(serializers.Serializer[Any]):
    """How many calls are in which state."""

    def get_fields(self) -> dict[str, Any]:
        return {state.value: serializers.IntegerField(help_text=state.label) for state in CallState}


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
    speed = serializers.SerializerMethodField()
    next_call_at = MomentField(
        allow_null=True, help_text="With a speed: when the next call has its turn."
    )
    paused_at = MomentField(allow_null=True, help_text="Since when none of its calls is dialled.")
    total = serializers.IntegerField(help_text="Calls that were accepted.")
    in_progress = serializers.IntegerField(help_text="Of these, those that have not ended.")
    by_state = StatesSerializer()
    calls_url = serializers.SerializerMethodField(help_text="The calls of this bulk.")

    @extend_schema_field(SpeedSerializer(allow_null=True))
    def get_speed(self, bulk: Bulk) -> dict[str, Any] | None:
        """At most so many calls in each unit of time; null for all at once."""
        return {"calls": bulk.speed, "unit": bulk.speed_unit} if bulk.speed else None

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_calls_url(self, bulk: Bulk) -> str:
        path = f"{reverse('clicktocall:api-calls')}?bulk={bulk.pk}"
        return str(self.context["request"].build_absolute_uri(path))


class BulkSerializer(BulkSummarySerializer):
    """A bulk, with the entries that became no call."""

    refused = RefusedEntrySerializer(many=True)


class BulkAnswerSerializer(BulkSerializer):
    """The bulk as it was just taken, with its calls in the order they were asked for."""

    calls = CallSerializer(many=True)
