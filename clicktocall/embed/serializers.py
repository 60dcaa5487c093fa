"""The body of a visitor's request for a call."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from clicktocall.numbers import regions
from clicktocall.rest.fields import TextField

_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class VisitorFieldsSerializer(serializers.Serializer[dict[str, Any]]):
    name = TextField(max_length=128, required=False, allow_blank=True)
    email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    question = TextField(max_length=1000, required=False, allow_blank=True)


class ConnectSerializer(serializers.Serializer[dict[str, Any]]):
    contact = TextField(max_length=300, trim_whitespace=False, allow_blank=True)
    country = TextField(max_length=2, required=False, allow_blank=True)
    token = TextField(max_length=300, allow_blank=True, default="")
    idempotency_key = TextField(max_length=128, required=False)
    consent = TextField(max_length=32, required=False, allow_blank=True, allow_null=True)
    page = TextField(max_length=8000, required=False, allow_blank=True)

    def get_fields(self) -> dict[str, Any]:
        # Not class attributes: these names are also a serializer's own properties.
        declared = super().get_fields()
        declared["context"] = TextField(
            max_length=8000, required=False, allow_blank=True, allow_null=True
        )
        declared["fields"] = VisitorFieldsSerializer(required=False, allow_null=True)
        return declared

    def validate_idempotency_key(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise serializers.ValidationError(
                _("Send up to 128 printable characters without spaces, such as a UUID.")
            )
        return key

    def validate_country(self, country: str) -> str:
        if country and country.upper() not in regions():
            raise serializers.ValidationError(_("Send a country code such as GB."))
        return country.upper()


# Built once: a serializer copies all its fields anew each time it is made for a request.
_connect = ConnectSerializer()


def read_connect(body: Any) -> dict[str, Any]:
    """The request in `body`.

    Raises:
        serializers.ValidationError: naming each field that is wrong.
    """
    asked: dict[str, Any] = _connect.run_validation(body)
    return asked
