"""Calls as their account sees them, and the body that asks for one."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from clicktocall.api.serializers.common import (
    Body,
    InstantField,
    LegsSerializer,
    PriceSerializer,
    price_of,
)
from clicktocall.api.serializers.endpoints import CallOptionsSerializer
from clicktocall.calls import is_cancellable
from clicktocall.calls.watching import legs_as_told, poll_after, recording_after
from clicktocall.models import Attempt, Call, CallEvent
from clicktocall.numbers import regions
from clicktocall.orders import DialFirst, ExtensionKind
from clicktocall.rest.fields import E164Field, MomentField, ObjectField, TextField
from clicktocall.states import CallState, EventKind, Leg, LegState, Outcome


class VisitorSerializer(Body):
    """What is known of the person who is called."""

    name = TextField(max_length=128, required=False, allow_blank=True)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    question = TextField(max_length=1000, required=False, allow_blank=True)


class ConnectSerializer(Body):
    """A request for one call."""

    contact = TextField(
        max_length=300,
        trim_whitespace=False,
        allow_blank=True,
        help_text="The number to call, in any ordinary spelling.",
    )
    country = TextField(
        max_length=2,
        required=False,
        help_text="ISO 3166 country the national form is read in; by default the endpoint's first.",
    )
    send_at = InstantField(
        required=False,
        help_text=(
            "Not before this time, at most 180 days ahead; what is past means at once. The opening "
            "hours are those of that time."
        ),
    )
    client_reference = TextField(
        max_length=128,
        required=False,
        allow_blank=True,
        help_text="Your own name for the call; kept with it and found by it.",
    )
    visitor = VisitorSerializer(required=False)

    def get_fields(self) -> dict[str, Any]:
        # Not class attributes: these names are also a serializer's own properties.
        declared = super().get_fields()
        declared["options"] = CallOptionsSerializer(required=False)
        declared["context"] = ObjectField(
            required=False, help_text="Anything you want to find with the call; at most 2 kB."
        )
        return declared

    def validate_country(self, country: str) -> str:
        if country.upper() not in regions():
            raise serializers.ValidationError(_("Send a country code such as GB."))
        return country.upper()


def _answers(help_text: str) -> serializers.DictField:
    return serializers.DictField(child=serializers.CharField(), help_text=help_text)


class LegTimesSerializer(serializers.Serializer[Any]):
    ringing_at = MomentField(allow_null=True)
    answered_at = MomentField(allow_null=True)
    ended_at = MomentField(allow_null=True)


class ProgressSerializer(serializers.Serializer[Any]):
    """How a call or an attempt stands. A leg that nobody tells of is `unreported`."""

    state = serializers.ChoiceField(CallState.choices)
    outcome = serializers.ChoiceField(Outcome.choices, allow_null=True)
    outcome_leg = serializers.ChoiceField(Leg.choices, allow_null=True)
    outcome_words = serializers.CharField(help_text="The provider's own words.")
    legs = serializers.SerializerMethodField()
    connected_at = MomentField(
        source="joined_at", allow_null=True, help_text="When both sides were joined."
    )
    ended_at = MomentField(allow_null=True)
    talk_seconds = serializers.IntegerField(
        allow_null=True, help_text="Whole seconds from the join to the end."
    )
    price = serializers.SerializerMethodField()

    @extend_schema_field(LegsSerializer)
    def get_legs(self, row: Any) -> dict[str, str | None]:
        return legs_as_told(row)

    @extend_schema_field(PriceSerializer(allow_null=True))
    def get_price(self, row: Call | Attempt) -> dict[str, Any] | None:
        return price_of(row)


class AttemptSerializer(ProgressSerializer):
    """One order to a provider; `reference` is ours, known to the provider too where it can be."""

    number = serializers.IntegerField(help_text="The first is 1.")
    provider = serializers.CharField(help_text="The alias that was asked.")
    reference = serializers.CharField(help_text="Ours; given to the provider before it dials.")
    provider_reference = serializers.CharField(help_text="The provider's own; empty until known.")
    created_at = MomentField()
    leg_times = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DictField(child=LegTimesSerializer()))
    def get_leg_times(self, attempt: Attempt) -> dict[str, Any]:
        return {
            leg: _leg_times.to_representation(
                {
                    f"{what}_at": getattr(attempt, f"{leg}_{what}_at")
                    for what in ("ringing", "answered", "ended")
                }
            )
            for leg in Leg.values
        }


class CallFactsSerializer(ProgressSerializer):
    """A row of the history, without the addresses where more is to be had."""

    id = serializers.CharField()
    account = serializers.CharField(source="account_id")
    endpoint = serializers.CharField(source="endpoint_id")
    bulk = serializers.CharField(source="bulk_id", allow_null=True)
    contact = E164Field(help_text="E.164")
    extension = serializers.CharField(help_text="Empty for a voice message.")
    extension_kind = serializers.ChoiceField(ExtensionKind.choices)
    dial_first = serializers.ChoiceField(DialFirst.choices)
    provider = serializers.CharField(help_text="The alias that places it, or placed it last.")
    reference = serializers.SerializerMethodField()
    provider_reference = serializers.SerializerMethodField()
    attempts = serializers.SerializerMethodField()
    redial_count = serializers.IntegerField(help_text="How often it was dialled again.")
    client_reference = serializers.CharField(help_text="Your own name for it.")
    refusal_code = serializers.SerializerMethodField()
    door = serializers.CharField(help_text="How the request came in: embed, api, python …")
    requester = serializers.CharField(help_text="Who asked: `key:<number>`, `user:<number>` …")
    origin = serializers.CharField(help_text="The site whose page asked; empty without a page.")
    page = serializers.CharField(help_text="The page that asked.")
    visitor = serializers.SerializerMethodField()
    consent_version = serializers.CharField(help_text="What the visitor agreed to.")
    created_at = MomentField()
    due_at = MomentField(allow_null=True, help_text="When it is dialled next.")
    expires_at = MomentField(help_text="It is not dialled later than this.")
    cancel_requested_at = MomentField(allow_null=True)
    updated_at = MomentField()
    poll_after = serializers.SerializerMethodField()

    def get_fields(self) -> dict[str, Any]:
        # Not class attributes: these names are also a serializer's own properties.
        declared = super().get_fields()
        declared["options"] = ObjectField(help_text="As they were when it was requested.")
        declared["context"] = ObjectField()
        return declared

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, call: Call) -> Any:
        """Every order to a provider, the first one first."""
        return [_attempt.to_representation(attempt) for attempt in _attempts(call)]

    @extend_schema_field({"type": ["string", "null"]})
    def get_reference(self, call: Call) -> str | None:
        """Our reference of the latest attempt."""
        latest = _latest(call)
        return latest.reference if latest else None

    @extend_schema_field({"type": ["string", "null"]})
    def get_provider_reference(self, call: Call) -> str | None:
        """The provider's own reference of the latest attempt."""
        latest = _latest(call)
        return latest.provider_reference or None if latest else None

    @extend_schema_field({"type": ["string", "null"]})
    def get_refusal_code(self, call: Call) -> str | None:
        """Who said no after the call had been accepted; null when nobody did."""
        return "provider_refused" if call.outcome == Outcome.REJECTED else None

    @extend_schema_field(VisitorSerializer)
    def get_visitor(self, call: Call) -> dict[str, str]:
        return {
            "name": call.visitor_name,
            "email": call.visitor_email,
            "question": call.visitor_question,
        }

    @extend_schema_field({"type": ["number", "null"]})
    def get_poll_after(self, call: Call) -> float | None:
        """Seconds to wait before looking again; null when nothing more is to come."""
        return poll_after(call) or recording_after(call)


class CallSerializer(CallFactsSerializer):
    """A row of the history. For the documentation: `shown_call` makes the answer."""

    recording = serializers.URLField(allow_null=True, help_text="The sound of the call.")
    status_url = serializers.URLField(help_text="Where to look again.")
    cancel_url = serializers.URLField(
        allow_null=True, help_text="POST here to hang up; null when that can do nothing."
    )


class CallWithAnswersSerializer(CallSerializer):
    """One row of the history, with what only who may read it is told: never in a list."""

    answers = _answers("What the person called has keyed or said, by variable: personal data.")


# Built once: a serializer copies all its fields anew each time it is made for a request.
_leg_times = LegTimesSerializer()
_attempt = AttemptSerializer()
_facts = CallFactsSerializer()


def shown_call(call: Call, request: Request) -> dict[str, Any]:
    """The call as the client of `request` reads it: a `CallSerializer`'s fields."""

    def address(name: str) -> str:
        return request.build_absolute_uri(reverse(f"clicktocall:{name}", args=(call.pk,)))

    return {
        **_facts.to_representation(call),
        "recording": address("api-call-recording") if call.recording_url else None,
        "status_url": address("api-call"),
        "cancel_url": address("api-call-cancel") if is_cancellable(call) else None,
    }


def _attempts(call: Call) -> list[Attempt]:
    if not call.attempt_count:  # a call that was just requested: there is nothing to look for
        return []
    return sorted(call.attempts.all(), key=lambda attempt: attempt.number)


def _latest(call: Call) -> Attempt | None:
    return next(reversed(_attempts(call)), None)


class CallEventSerializer(serializers.Serializer[Any]):
    """One fact about an attempt, from a provider's report or from ourselves."""

    id = serializers.IntegerField()
    attempt = serializers.IntegerField(source="attempt.number")
    reference = serializers.CharField(source="attempt.reference")
    kind = serializers.ChoiceField(EventKind.choices)
    leg = serializers.ChoiceField(Leg.choices, allow_null=True)
    leg_state = serializers.ChoiceField(
        LegState.choices, allow_null=True, help_text="How the leg ended, where this tells it."
    )
    outcome = serializers.ChoiceField(Outcome.choices, allow_null=True)
    occurred_at = MomentField(help_text="By the clock of whoever told.")
    noted_at = MomentField(source="created_at")
    talk_seconds = serializers.IntegerField(allow_null=True)
    price = serializers.SerializerMethodField()
    words = serializers.CharField(help_text="The provider's own words.")
    answers = _answers("What was keyed or said, by variable: personal data.")

    def get_fields(self) -> dict[str, Any]:
        # Not a class attribute: this name is also a parameter of every field.
        declared = super().get_fields()
        declared["source"] = serializers.CharField(help_text="`provider` or `self`.")
        return declared

    @extend_schema_field(PriceSerializer(allow_null=True))
    def get_price(self, event: CallEvent) -> dict[str, Any] | None:
        return price_of(event)
