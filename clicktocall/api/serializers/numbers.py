"""The account's own numbers."""

from __future__ import annotations

from rest_framework import serializers

from clicktocall.api.serializers.common import ModelBody
from clicktocall.models import OwnedNumber
from clicktocall.rest.fields import TextField


class OwnedNumberSerializer(ModelBody):
    """A number or sender id the account may show, or bridge with."""

    account = TextField(
        source="account_id",
        required=False,
        help_text="Needed only from somebody who belongs to several accounts; never changes.",
    )
    id = serializers.IntegerField(read_only=True)
    number = TextField(
        max_length=32, help_text="International form, or a sender id of 3 to 14 letters and digits."
    )
    provider_aliases = serializers.ListField(
        child=TextField(), required=False, help_text="Who may use it; none: all of them."
    )

    class Meta:
        model = OwnedNumber
        fields = (
            "id",
            "account",
            "number",
            "label",
            "provider_aliases",
            "for_leg_a",
            "for_leg_b",
            "for_bridge",
        )
        read_only_fields = ("id",)
        validators = ()
