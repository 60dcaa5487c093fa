"""The admin, the API and Python code judge an endpoint alike: same fields, same words."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from clicktocall.endpoints.save import save_endpoint
from clicktocall.models import Endpoint
from tests.admin.forms import filled_form
from tests.api.server import Server, problem
from tests.factories import make_endpoint
from tests.settings import CLICKTOCALL

pytestmark = pytest.mark.django_db

# "plain" can do nothing but join two legs.
SETTINGS = {
    **CLICKTOCALL,
    "PROVIDERS": {
        **CLICKTOCALL["PROVIDERS"],
        "plain": {"BACKEND": "tests.heart.scripted.PlainProvider", "OPTIONS": {}},
        "infobip": {
            "BACKEND": "clicktocall.providers.infobip.InfobipProvider",
            "OPTIONS": {
                "BASE_URL": "http://127.0.0.1:9",
                "API_KEY": "api-key-of-infobip-in-tests",
                "CALLBACK_SECRETS": ["callback-secret-in-tests"],
            },
        },
    },
}
SAME = "the form takes it as it is"


@pytest.mark.parametrize(
    ("change", "in_the_form", "field"),
    [
        ({"extension": "call me"}, SAME, "extension"),
        ({"extension": "+449090000000"}, SAME, "extension"),
        ({"extension_kind": "sip", "extension": "sales"}, SAME, "extension"),
        ({"timeout": 4}, SAME, "timeout"),
        ({"timeout": 121}, SAME, "timeout"),
        ({"max_duration": 3601}, SAME, "max_duration"),
        ({"max_duration": 60, "warning_time": 60}, SAME, "warning_time"),
        ({"retry_max_count": 1}, SAME, "retry_min_period"),
        (
            {"retry_max_count": 1, "retry_min_period": 5, "retry_max_period": 1},
            SAME,
            "retry_max_period",
        ),
        ({"anonymization": True}, {"anonymization": "on"}, "caller_id_a"),
        ({"consent_text": "Call me."}, SAME, "consent_version"),
        (
            {"allowed_origins": ["www.example.com"]},
            {"allowed_origins": "www.example.com"},
            "allowed_origins",
        ),
        (
            {"fallback_providers": ["sandbox"]},
            {"fallback_providers": "sandbox"},
            "fallback_providers",
        ),
        ({"fallback_providers": ["gone"]}, {"fallback_providers": "gone"}, "fallback_providers"),
        ({"labels": {"button": "x" * 201}}, {"labels_button": "x" * 201}, "labels"),
        ({"theme": {"accent": "green"}}, {"theme_accent": "green"}, "theme"),
        ({"message_audio_url": "ftp://x.example/a.wav"}, SAME, "message_audio_url"),
        ({"callee_id_number": "abc"}, SAME, "callee_id_number"),
        # Who is rung.
        ({"extension": ""}, SAME, "extension"),
        ({"extension_kind": "flow", "extension": ""}, SAME, "extension"),
        ({"extension_kind": "message", "message_text": "Ready."}, SAME, "extension"),
        ({"extension_kind": "message", "extension": ""}, SAME, "message_text"),
        (
            {"withhold_caller_id": True, "anonymization": True},
            {"withhold_caller_id": "on", "anonymization": "on"},
            "withhold_caller_id",
        ),
        (
            {"transfers": [{"transferTo": "+442079460150", "if": "dtmf"}]},
            {"transfers": '[{"transferTo": "+442079460150", "if": "dtmf"}]'},
            "transfers",
        ),
        # What a provider cannot honour, be it the first choice or a fallback.
        (
            {"provider": "infobip", "withhold_caller_id": True},
            {"provider": "infobip", "withhold_caller_id": "on"},
            "withhold_caller_id",
        ),
        # What one of its products cannot say.
        ({"provider": "infobip"}, SAME, "caller_id_a"),
        (
            {"provider": "infobip", "dial_first": "contact", "machine_detection": "continue"},
            SAME,
            "machine_detection",
        ),
        (
            {
                "fallback_providers": ["infobip"],
                "dial_first": "contact",
                "machine_detection": "continue",
            },
            {
                "fallback_providers": "infobip",
                "dial_first": "contact",
                "machine_detection": "continue",
            },
            "machine_detection",
        ),
        (
            {
                "provider": "infobip",
                "extension_kind": "flow",
                "extension": "6298AA77",
                "message_text": "Hello",
            },
            SAME,
            "message_text",
        ),
        (
            {
                "provider": "infobip",
                "extension_kind": "message",
                "extension": "",
                "message_text": "Ready.",
                "parameters": {"name": "Ada"},
            },
            {
                "provider": "infobip",
                "extension_kind": "message",
                "extension": "",
                "message_text": "Ready.",
                "parameters": "name = Ada",
            },
            "parameters",
        ),
        ({"provider": "plain", "message_text": "Hello"}, SAME, "message_text"),
        ({"provider": "plain", "max_duration": 60}, SAME, "max_duration"),
        ({"provider": "plain", "machine_detection": "hangup"}, SAME, "machine_detection"),
        ({"provider": "plain", "callback_data": "x"}, SAME, "callback_data"),
        (
            {"fallback_providers": ["plain"], "message_text": "Hello"},
            {"fallback_providers": "plain", "message_text": "Hello"},
            "message_text",
        ),
        ({"provider": "plain", "record": True}, {"provider": "plain", "record": "on"}, "record"),
    ],
)
def test_every_door_says_the_same(
    superuser: Client, change: dict[str, Any], in_the_form: Any, field: str
) -> None:
    with override_settings(CLICKTOCALL=SETTINGS):
        endpoint = make_endpoint()
        before = Endpoint.objects.values().get()

        by_python = _python(Endpoint.objects.get(), change)
        by_api = _api(endpoint, change)
        by_admin = _admin(superuser, endpoint, change if in_the_form is SAME else in_the_form)

        assert Endpoint.objects.values().get() == before
    assert by_python[field] == by_api[field] == by_admin[field]


def _python(endpoint: Endpoint, change: dict[str, Any]) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as raised:
        save_endpoint(endpoint, change)
    return raised.value.message_dict


def _api(endpoint: Endpoint, change: dict[str, Any]) -> dict[str, list[str]]:
    answer = Server(endpoint.account).patch(f"endpoints/{endpoint.pk}/", change)
    fields: dict[str, list[str]] = problem(answer, 400, "invalid_request")["fields"]
    return fields


def _admin(client: Client, endpoint: Endpoint, change: dict[str, Any]) -> dict[str, list[str]]:
    page = f"/admin/clicktocall/endpoint/{endpoint.pk}/change/"
    answer: Any = client.post(page, filled_form(client.get(page), **change))
    assert answer.status_code == 200, "it was saved"
    return {name: list(said) for name, said in answer.context["adminform"].form.errors.items()}
