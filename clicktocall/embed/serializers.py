"""The body of a visitor's request for a call."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from clicktocall.numbers import regions

_KEY = re.compile(r"[\x21-\x7e]{8,128}")


class VisitorFieldsSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField(max_length=128, required=False, allow_blank=True)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    question = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class ConnectSerializer(serializers.Serializer[dict[str, Any]]):
    contact = serializers.CharField(max_length=300, trim_whitespace=False, allow_blank=True)
    country = serializers.CharField(max_length=2, required=False, allow_blank=True)
    token = serializers.CharField(max_length=300, allow_blank=True, default="")
    idempotency_key = serializers.CharField(max_length=128)
    consent = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    page = serializers.CharField(max_length=8000, required=False, allow_blank=True)
    context = serializers.CharField(max_length=8000, required=False, allow_blank=True, allow_null=True)
    fields_ = VisitorFieldsSerializer(required=False, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        # `fields` is the public name of the visitor's answers, and taken on a serializer.
        declared = super().get_fields()
        declared["fields"] = declared.pop("fields_")
        return declared

    def validate_idempotency_key(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise serializers.ValidationError(
                _("Send 8 to 128 printable characters without spaces, such as a UUID.")
            )
        return key

    def validate_country(self, country: str) -> str:
        if country and country.upper() not in regions():
            raise serializers.ValidationError(_("Send a country code such as GB."))
        return country.upper()
