"""Figures over the history, and requests that were refused."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from clicktocall.api.serializers.common import PriceSerializer
from clicktocall.rest.fields import E164Field, MomentField
from clicktocall.states import Outcome


class OutcomesSerializer(serializers.Serializer[Any]):
    """How many calls ended how."""

    def get_fields(self) -> dict[str, Any]:
        return {
            outcome.value: serializers.IntegerField(help_text=outcome.label) for outcome in Outcome
        }


class FiguresSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField(help_text="Calls that were accepted.")
    in_progress = serializers.IntegerField(help_text="Of these, those that have not ended.")
    connected = serializers.IntegerField(
        help_text="Both phones were answered, and they talked for 10 seconds or longer."
    )
    talk_seconds = serializers.IntegerField()
    by_outcome = OutcomesSerializer()


class EndpointFiguresSerializer(FiguresSerializer):
    endpoint = serializers.CharField(source="id")
    name = serializers.CharField()


class DayFiguresSerializer(FiguresSerializer):
    day = serializers.DateField(format="iso-8601")


class StatisticsSerializer(FiguresSerializer):
    """Figures over the calls that were requested from `since` up to `until`."""

    since = MomentField()
    until = MomentField()
    time_zone = serializers.CharField(help_text="Of the days.")
    refused = serializers.IntegerField(help_text="Requests refused by a rule, in whole UTC hours.")
    prices = PriceSerializer(many=True)
    by_endpoint = EndpointFiguresSerializer(many=True)
    by_day = DayFiguresSerializer(many=True)


class RefusalSerializer(serializers.Serializer[Any]):
    """A request that a rule refused."""

    id = serializers.IntegerField()
    endpoint = serializers.CharField(source="endpoint_id")
    refusal = serializers.CharField(source="rule", help_text="The rule that refused.")
    code = serializers.CharField(help_text="What a visitor was told.")
    message = serializers.CharField(source="detail")
    contact = E164Field(allow_null=True, help_text="E.164; null when it was none.")
    door = serializers.CharField()
    requester = serializers.CharField()
    origin = serializers.CharField()
    page = serializers.CharField()
    created_at = MomentField()

    def to_representation(self, instance: Any) -> Any:
        shown = super().to_representation(instance)
        shown["contact"] = shown["contact"] or None
        return shown
