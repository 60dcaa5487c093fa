"""What all bodies share: JSON at its word, and no name that nobody reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from rest_framework import serializers

from clicktocall.orders import CallOptions
from clicktocall.rest.fields import MomentField, TextField, WholeNumberField, WordField, YesNoField


class KnownNamesOnly:
    """A misspelt name is refused, not passed over: the sender meant something by it."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)  # type: ignore[misc]
        problems = {
            str(name)[:100]: [self._not_known(name)] for name in data if name not in self._names
        }
        try:
            read = super().to_internal_value(data)  # type: ignore[misc]
        except serializers.ValidationError as error:
            found: Any = error.detail
            raise serializers.ValidationError({**found, **problems}) from error
        if problems:
            raise serializers.ValidationError(problems)
        return read

    @property
    def _names(self) -> Mapping[str, Any]:
        names: Mapping[str, Any] = self.fields  # type: ignore[attr-defined]
        return names

    def _not_known(self, name: str) -> str:
        if "options" in self._names and name in CallOptions.names():
            return _("There is no such field here; write it inside options.")
        alike = get_close_matches(str(name)[:100], self._names, n=1)
        if alike:
            return _("There is no such field. Did you mean %(name)s?") % {"name": alike[0]}
        return _("There is no such field.")


class Body(KnownNamesOnly, serializers.Serializer[Any]):
    """A body, or an object inside one."""


class ModelBody(KnownNamesOnly, serializers.ModelSerializer[Any]):
    """The fields of a model, read strictly and checked by the heart when it saves."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: TextField,
        models.TextField: TextField,
        models.PositiveIntegerField: WholeNumberField,
        models.PositiveSmallIntegerField: WholeNumberField,
        models.BooleanField: YesNoField,
        models.DateTimeField: MomentField,
    }
    serializer_choice_field = WordField


_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII | re.IGNORECASE,
)


class InstantField(MomentField):
    """An instant somebody chose: without its zone nobody knows when that is."""

    default_error_messages = {
        "not_an_instant": _("Write a time with its zone, such as 2026-12-24T09:30:00+00:00.")
    }

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            self.fail("not_an_instant")
        try:
            return super().to_internal_value(value.upper())
        except (serializers.ValidationError, OverflowError):  # no such day, or none in UTC
            self.fail("not_an_instant")


class PriceSerializer(serializers.Serializer[Any]):
    amount = serializers.DecimalField(
        max_digits=18,
        decimal_places=6,
        coerce_to_string=True,
        normalize_output=True,
        help_text="A decimal number as text, so that nothing is rounded.",
    )
    currency = serializers.CharField(help_text="ISO 4217; empty when the provider named none.")


class LegsSerializer(serializers.Serializer[Any]):
    """Leg A is dialled first. A call with one leg (a message, a flow) has no leg B."""

    a = serializers.CharField()
    b = serializers.CharField(allow_null=True)


# Built once: a serializer copies all its fields anew each time it is made for a request.
_price = PriceSerializer()


def price_of(row: Any) -> dict[str, Any] | None:
    """The price of a call, an attempt or an event."""
    if row.price is None:
        return None
    return dict(_price.to_representation({"amount": row.price, "currency": row.currency}))
