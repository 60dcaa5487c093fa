"""Every option of an endpoint reaches the order a provider gets."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from clicktocall.calls import request_call
from clicktocall.endpoints.checks.visitor import is_origin
from clicktocall.endpoints.validate import check_endpoint, not_honoured
from clicktocall.models import Attempt, Call, Endpoint
from clicktocall.models.endpoints import _NUMBER_OPTIONS
from clicktocall.orders import CallOptions, CallOrder, Destination
from tests.factories import TEAM, VISITOR, make_account, make_endpoint, make_owned_number

pytestmark = pytest.mark.django_db

VALUES: dict[str, Any] = {
    "dial_first": "contact",
    "caller_id_a": "+442079460190",
    "caller_id_b": "+442079460191",
    "anonymization": True,
    "bridge": "+442079460192",
    "callee_id_name": "Workshop",
    "callee_id_number": "+442079460193",
    "timeout": 25,
    "max_duration": 240,
    "warning_time": 20,
    "record": True,
    "machine_detection": "hangup",
    "message_text": "One moment, please.",
    "message_language": "en",
    "message_voice_name": "Joanna",
    "message_voice_gender": "female",
    "message_audio_url": "https://example.com/moment.mp3",
    "ringback": "%(1000,4000,440,480)",
    "music_on_hold": "media-7",
    "ignore_early_media": False,
    "bypass_media": "auto",
    "presence_id": "sales",
    "custom_sip_headers": {"X-Shop": "7"},
    "custom_application_vars": {"order": "7"},
    "parameters": {"name": "Ada"},
    "callback_data": "opaque",
    "transfers": [{"transferTo": "+442079460194", "if": "dtmf", "equals": "1"}],
    "retry_min_period": 1,
    "retry_max_period": 5,
    "retry_max_count": 3,
    "validity_period": 720,
    "delivery_time_window": {"from": {"hour": 6}, "to": {"hour": 15}},
}


def order_for(endpoint: Endpoint) -> CallOrder:
    call = request_call(endpoint, VISITOR)
    call = Call.objects.get(pk=call.pk)
    attempt = Attempt(call=call, number=1, reference="f" * 32, provider=call.provider)
    return call.order(attempt, callback_url="http://127.0.0.1/cb/", longest=3600)


def test_this_test_knows_every_option() -> None:
    assert set(VALUES) == set(CallOptions.names())
    defaults = CallOptions()
    same = [name for name, value in VALUES.items() if getattr(defaults, name) == value]
    assert not same, f"values equal to the default prove nothing: {same}"


@pytest.mark.parametrize("name", CallOptions.names())
def test_each_option_reaches_the_order(name: str, scripted: Any) -> None:
    endpoint = make_endpoint(provider="scripted")
    value = VALUES[name]
    if name in _NUMBER_OPTIONS:
        setattr(endpoint, name, make_owned_number(endpoint.account, number=value))
    else:
        setattr(endpoint, name, value)
    endpoint.save()
    assert getattr(order_for(endpoint).options, name) == value


def test_the_visitor_is_leg_b_unless_dialled_first() -> None:
    contact = Destination(kind="number", value=VISITOR)
    team = Destination(kind="number", value=TEAM)
    order = order_for(make_endpoint(dial_first="extension"))
    assert (order.leg_a, order.leg_b) == (team, contact)
    order = order_for(make_endpoint(dial_first="contact"))
    assert (order.leg_a, order.leg_b) == (contact, team)


def test_a_flow_has_one_leg() -> None:
    order = order_for(make_endpoint(extension_kind="flow", extension="flow:220"))
    assert (order.leg_a.value, order.leg_b, order.flow) == (VISITOR, None, "flow:220")


@pytest.mark.parametrize(
    ("a", "b", "anonymous", "shown_to_a", "shown_to_b"),
    [
        ("", "", False, VISITOR, TEAM),  # each sees the other's own number
        ("+442079460190", "", False, "+442079460190", TEAM),
        ("+442079460190", "", True, "+442079460190", "+442079460190"),
        ("+442079460190", "+442079460191", False, "+442079460190", "+442079460191"),
        ("+442079460190", "+442079460191", True, "+442079460190", "+442079460191"),
    ],
)
def test_who_sees_which_number(
    a: str, b: str, anonymous: bool, shown_to_a: str, shown_to_b: str
) -> None:
    account = make_account()
    endpoint = make_endpoint(
        account,
        caller_id_a=make_owned_number(account, number=a) if a else None,
        caller_id_b=make_owned_number(account, number=b) if b else None,
        anonymization=anonymous,
    )
    order = order_for(endpoint)
    assert (order.caller_id_a, order.caller_id_b) == (shown_to_a, shown_to_b)
    assert endpoint.number_shown_to_visitor == shown_to_b


def test_the_longest_duration_is_always_set_and_capped() -> None:
    assert order_for(make_endpoint()).max_duration == 3600
    assert order_for(make_endpoint(max_duration=60)).max_duration == 60
    assert order_for(make_endpoint(max_duration=9999)).max_duration == 3600


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"extension": "nobody"}, "extension"),
        ({"extension": "+449098790000"}, "extension"),
        ({"extension": "+8816512345678"}, "extension"),
        ({"extension_kind": "sip", "extension": "bob"}, "extension"),
        ({"extension_kind": "pbx", "extension": "10 00"}, "extension"),
        ({"provider": "missing"}, "provider"),
        ({"provider": "foreign"}, "provider"),
        ({"fallback_providers": ["scripted"]}, "fallback_providers"),
        ({"fallback_providers": ["missing"]}, "fallback_providers"),
        ({"fallback_providers": "second"}, "fallback_providers"),
        ({"provider": "plain", "record": True}, "record"),
        ({"fallback_providers": ["plain"], "record": True}, "record"),
        ({"provider": "plain", "machine_detection": "hangup"}, "machine_detection"),
        ({"provider": "plain", "extension_kind": "flow", "extension": "1"}, "extension_kind"),
        ({"anonymization": True}, "caller_id_a"),
        ({"callee_id_number": "bob"}, "callee_id_number"),
        ({"callee_id_name": "a\nb"}, "callee_id_name"),
        ({"max_duration": 3601}, "max_duration"),
        ({"max_duration": 60, "warning_time": 60}, "warning_time"),
        ({"warning_time": 3600}, "warning_time"),
        ({"retry_max_count": 2}, "retry_min_period"),
        ({"retry_min_period": 5, "retry_max_period": 1, "retry_max_count": 1}, "retry_max_period"),
        (
            {"delivery_time_window": {"from": {"hour": 9}, "to": {"hour": 9, "minute": 30}}},
            "delivery_time_window",
        ),
        ({"delivery_time_window": []}, "delivery_time_window"),
        ({"opening_hours": {"monday": "all day"}}, "opening_hours"),
        ({"allowed_origins": ["https://shop.example/"]}, "allowed_origins"),
        ({"allowed_origins": "https://shop.example"}, "allowed_origins"),
        ({"allowed_countries": ["UK"]}, "allowed_countries"),
        ({"consent_text": "I agree."}, "consent_version"),
        ({"consent_version": "1"}, "consent_text"),
        ({"visitor_fields": ["shoe size"]}, "visitor_fields"),
        ({"labels": {"colour": "red"}}, "labels"),
        ({"labels": {"button": 5}}, "labels"),
        ({"theme": {"accent": "red;}"}}, "theme"),
        ({"theme": {"script": "x"}}, "theme"),
        ({"message_audio_url": "ftp://example.com/a.mp3"}, "message_audio_url"),
        ({"custom_sip_headers": {"X-Bad": "a\r\nVia: evil"}}, "custom_sip_headers"),
        ({"custom_sip_headers": {"X Bad": "a"}}, "custom_sip_headers"),
        ({"custom_application_vars": {"a b": "1"}}, "custom_application_vars"),
        ({"parameters": {"a": 1}}, "parameters"),
        ({"transfers": [{"transferTo": TEAM, "if": "dtmf"}]}, "transfers"),
    ],
)
def test_contradictory_settings_name_the_field(
    fields: dict[str, Any], named: str, scripted: Any
) -> None:
    given = {"name": "Sales", "extension": TEAM, "provider": "scripted", **fields}
    with pytest.raises(ValidationError) as caught:
        check_endpoint(Endpoint(account=make_account(), **given))
    assert named in caught.value.message_dict, caught.value.message_dict


def test_numbers_of_another_account_or_use_or_provider_are_refused(scripted: Any) -> None:
    account = make_account()
    for owned in (
        make_owned_number(make_account()),
        make_owned_number(account, for_leg_a=False),
        make_owned_number(account, provider_aliases=["second"]),
    ):
        endpoint = Endpoint(
            account=account, name="x", extension=TEAM, provider="scripted", caller_id_a=owned
        )
        with pytest.raises(ValidationError) as caught:
            check_endpoint(endpoint)
        assert "caller_id_a" in caught.value.message_dict


def test_comfort_that_a_provider_cannot_give_is_named_not_refused(scripted: Any) -> None:
    endpoint = Endpoint(
        account=make_account(),
        name="x",
        extension=TEAM,
        provider="plain",
        ringback="ring",
        music_on_hold="m",
    )
    check_endpoint(endpoint)
    assert not_honoured(endpoint) == ["ringback", "music_on_hold"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://shop.example", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("https://shop.example:443", False),
        ("https://Shop.example", False),
        ("https://shop.example/", False),
        ("https://user@shop.example", False),
        ("https://*.example", False),
        ("shop.example", False),
        ("null", False),
        ("ftp://shop.example", False),
        ("https://shop.example:99999", False),
        ("https://bücher.example", False),
        ("", False),
    ],
)
def test_origins_are_written_as_browsers_do(text: str, expected: bool) -> None:
    assert is_origin(text) is expected
