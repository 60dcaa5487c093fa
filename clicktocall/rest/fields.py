"""Serializer fields that take JSON at its word: a number is not text, text is not a number."""

from __future__ import annotations

from datetime import UTC
from typing import Any, NoReturn

from django.utils.translation import gettext as _
from rest_framework import serializers


class TextField(serializers.CharField):
    """Only text: a JSON number would be dialled as digits that nobody wrote."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A JSON number without a fraction; no text, no true or false."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class YesNoField(serializers.BooleanField):
    """JSON's true or false, nothing that looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class WordField(serializers.ChoiceField):
    """One of the words that are offered."""

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        if key == "invalid_choice":
            words = ", ".join(f"“{word}”" for word in self.choices)
            raise serializers.ValidationError(
                _("Choose one of: %(words)s.") % {"words": words}, code=key
            )
        super().fail(key, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class MomentField(serializers.DateTimeField):
    """An instant as RFC 3339 in UTC, whatever time zone the site lives in."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso-8601", default_timezone=UTC, **kwargs)

    def enforce_timezone(self, value: Any) -> Any:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class E164Field(serializers.CharField):
    """A telephone number as it is answered: E.164, however the site likes to print numbers."""

    def to_representation(self, value: Any) -> str:
        return str(getattr(value, "as_e164", value))


class ObjectField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object; what stands in it is judged elsewhere."""

    default_error_messages = {"not_an_object": "Give an object."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        return data

    def to_representation(self, value: Any) -> Any:
        return value
