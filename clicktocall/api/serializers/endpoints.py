"""An endpoint and its whitelist, as clients read and write them."""

from __future__ import annotations

from typing import Any

from django.db.models import NOT_PROVIDED
from rest_framework import serializers

from clicktocall.api.serializers.common import Body, ModelBody
from clicktocall.endpoints.numbers import NUMBER_OPTIONS
from clicktocall.models import Endpoint, WhitelistEntry
from clicktocall.orders import CallOptions
from clicktocall.rest.fields import ObjectField, TextField


class OwnNumberField(TextField):
    """One of the account's own numbers, by the number itself; "" for none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_blank=True, max_length=32, **kwargs)

    def get_attribute(self, instance: Any) -> Any:
        owned = getattr(instance, self.field_name or "")
        return owned.number if owned else ""


class PhoneField(TextField):
    """A telephone number in international form, E.164 when it is answered; "" for none."""

    def to_representation(self, value: Any) -> str:
        return str(value.as_e164) if value else ""


def _texts(**kwargs: Any) -> serializers.ListField:
    return serializers.ListField(child=TextField(), required=False, **kwargs)


def _named_texts(**kwargs: Any) -> serializers.DictField:
    return serializers.DictField(
        child=TextField(allow_blank=True, trim_whitespace=False), required=False, **kwargs
    )


class EndpointSerializer(ModelBody):
    """One click-to-call button: who is rung, who may be called, and how a call goes."""

    account = TextField(
        source="account_id",
        required=False,
        help_text="Needed only from somebody who belongs to several accounts; never changes.",
    )
    caller_id_a = OwnNumberField(
        help_text="Shown to leg A; empty: the extension's own, if it is leg B."
    )
    caller_id_b = OwnNumberField(help_text="Shown to leg B; empty: leg A's own number.")
    bridge = OwnNumberField(help_text="Both sides are joined through it, where a provider asks.")
    fallback_phone = PhoneField(required=False, allow_blank=True, max_length=32)
    fallback_providers = _texts(help_text="Aliases, asked in this order.")
    allowed_origins = _texts(help_text="Sites that may show the button. None: none.")
    allowed_countries = _texts(help_text="ISO 3166 codes that may be called. None: none.")
    visitor_fields = _texts(help_text="Asked besides the number: name, email, question.")
    custom_application_vars = _named_texts()
    parameters = _named_texts(help_text="Passed to the flow by name.")
    labels = _named_texts(help_text="The button's own words: button, title, our_team, submit.")
    theme = _named_texts(help_text="accent (a colour) and radius (a length in px).")
    delivery_time_window = ObjectField(required=False)
    opening_hours = ObjectField(required=False)
    custom_sip_headers = ObjectField(required=False)
    transfers = serializers.ListField(child=ObjectField(), required=False)

    class Meta:
        model = Endpoint
        fields = (
            "id",
            "account",
            "name",
            "active",
            "extension_kind",
            "extension",
            "provider",
            "fallback_providers",
            *CallOptions.names(),
            "allowed_origins",
            "allowed_countries",
            "allow_any_number",
            "opening_hours",
            "fallback_phone",
            "consent_text",
            "consent_version",
            "privacy_url",
            "visitor_fields",
            "labels",
            "theme",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("id", "created_at", "updated_at")


# What a client may write. `account` is not among them: it is set once.
WRITABLE = tuple(
    name
    for name in EndpointSerializer.Meta.fields
    if name not in (*EndpointSerializer.Meta.read_only_fields, "account")
)


def usual_values() -> dict[str, Any]:
    """What a field holds that a client leaves out when it replaces an endpoint."""
    usual: dict[str, Any] = {}
    for name in WRITABLE:
        field: Any = Endpoint._meta.get_field(name)
        if name in NUMBER_OPTIONS:
            usual[name] = None
        elif field.has_default():
            usual[name] = field.get_default()
        elif field.blank or field.default is not NOT_PROVIDED:
            usual[name] = None if field.null else ""
    return usual


class CallOptionsSerializer(Body):
    """What one call may do otherwise than its endpoint; names and values are the endpoint's."""

    def get_fields(self) -> dict[str, Any]:
        fields = EndpointSerializer().get_fields()
        options = {name: fields[name] for name in CallOptions.names()}
        for option in options.values():
            option.required = False
        return options


class WhitelistEntrySerializer(ModelBody):
    """An RE2 pattern, matched from the number's start in E.164; `$` pins the end."""

    id = serializers.IntegerField(read_only=True)

    class Meta:
        model = WhitelistEntry
        fields = ("id", "pattern", "note")
        read_only_fields = ("id",)
        validators: tuple[Any, ...] = ()
