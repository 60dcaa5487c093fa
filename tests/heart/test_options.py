"""Every option of an endpoint reaches the order a provider gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
from django.core.exceptions import ValidationError

from clicktocall.calls import request_call
from clicktocall.calls.dispatch import order_of
from clicktocall.endpoints.checks.visitor import is_origin
from clicktocall.endpoints.save import save_endpoint
from clicktocall.endpoints.specimen import specimen_order
from clicktocall.endpoints.validate import check_endpoint, not_honoured
from clicktocall.exceptions import InvalidOption
from clicktocall.models import Attempt, Call, Endpoint
from clicktocall.models.endpoints import _NUMBER_OPTIONS
from clicktocall.numbers import parse_number, regions
from clicktocall.orders import CallOptions, CallOrder, Capability, Destination
from clicktocall.providers import get_provider
from tests.factories import TEAM, VISITOR, make_account, make_endpoint, make_owned_number
from tests.heart.scripted import ScriptedProvider

pytestmark = pytest.mark.django_db

VALUES: dict[str, Any] = {
    "dial_first": "contact",
    "caller_id_a": "+442079460190",
    "caller_id_b": "+442079460191",
    "anonymization": True,
    "withhold_caller_id": True,
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
    "notify_url": "https://www.example.com/reports",
    "notify_content_type": "application/xml",
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


def test_a_voice_message_has_one_leg_and_no_flow() -> None:
    order = order_for(make_endpoint(extension_kind="message", extension="", message_text="Ready."))
    assert (order.leg_a.value, order.leg_b, order.flow) == (VISITOR, None, "")
    assert order.options.message_text == "Ready."


@pytest.mark.parametrize(
    ("a", "b", "anonymous", "shown_to_a", "shown_to_b"),
    [
        ("", "", False, "", TEAM),  # our side is shown no number that is not ours
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


@pytest.mark.parametrize("dial_first", ["extension", "contact"])
def test_a_withheld_number_is_shown_to_nobody(dial_first: str) -> None:
    account = make_account()
    owned = make_owned_number(account)
    endpoint = make_endpoint(account, caller_id_a=owned, dial_first=dial_first)
    assert endpoint.number_shown_to_visitor
    endpoint.withhold_caller_id = True
    assert endpoint.number_shown_to_visitor == ""


def test_a_visitor_who_is_dialled_first_sees_the_extension_s_number() -> None:
    endpoint = make_endpoint(dial_first="contact")
    order = order_for(endpoint)
    assert (order.caller_id_a, order.caller_id_b) == (TEAM, VISITOR)
    assert endpoint.number_shown_to_visitor == TEAM


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
        ({"extension": ""}, "extension"),
        ({"extension_kind": "sip", "extension": ""}, "extension"),
        ({"extension_kind": "pbx", "extension": ""}, "extension"),
        ({"extension_kind": "flow", "extension": ""}, "extension"),
        ({"extension_kind": "message", "message_text": "Ready."}, "extension"),
        ({"extension_kind": "message", "extension": ""}, "message_text"),
        ({"extension_kind": "message", "extension": "", "message_text": " \n"}, "message_text"),
        ({"provider": "plain", "withhold_caller_id": True}, "withhold_caller_id"),
        ({"fallback_providers": ["plain"], "withhold_caller_id": True}, "withhold_caller_id"),
        ({"withhold_caller_id": True, "anonymization": True}, "withhold_caller_id"),
    ],
)
def test_contradictory_settings_name_the_field(
    fields: dict[str, Any], named: str, scripted: Any
) -> None:
    given = {"name": "Sales", "extension": TEAM, "provider": "scripted", **fields}
    with pytest.raises(ValidationError) as caught:
        check_endpoint(Endpoint(account=make_account(), **given))
    assert named in caught.value.message_dict, caught.value.message_dict


@pytest.mark.parametrize(
    "fields",
    [
        {"extension_kind": "message", "extension": "", "message_text": "Ready."},
        {
            "extension_kind": "message",
            "extension": "",
            "message_audio_url": "https://shop.example/ready.mp3",
        },
        {
            "extension_kind": "message",
            "extension": "",
            "message_text": "Press 1.",
            "transfers": [{"transferTo": TEAM, "if": "dtmf", "equals": "1"}],
        },
        {"extension_kind": "flow", "extension": "flow:220", "parameters": {"name": "Ada"}},
        {"extension_kind": "sip", "extension": "sip:sales@shop.example"},
        {"extension_kind": "pbx", "extension": "1000"},
        {"withhold_caller_id": True},
    ],
    ids=str,
)
def test_what_makes_sense_together(fields: dict[str, Any], scripted: Any) -> None:
    given = {"name": "Sales", "extension": TEAM, "provider": "scripted", **fields}
    check_endpoint(Endpoint(account=make_account(), **given))


def test_who_withholds_shows_no_number_to_leg_b_either(scripted: Any) -> None:
    account = make_account()
    given = {"account": account, "name": "Sales", "extension": TEAM, "provider": "scripted"}
    owned = make_owned_number(account)
    check_endpoint(Endpoint(**given, caller_id_a=owned, withhold_caller_id=True))
    with pytest.raises(ValidationError) as caught:
        check_endpoint(Endpoint(**given, caller_id_b=owned, withhold_caller_id=True))
    assert list(caught.value.message_dict) == ["withhold_caller_id"]


class Speaker(ScriptedProvider):
    """Reads voice messages out, and has no other use for a text."""

    name = "speaker"
    label = "Speaker"
    capabilities = frozenset({Capability.TWO_LEGS, Capability.VOICE_MESSAGE})


class Forgetful(ScriptedProvider):
    """Warns before the end and rings as long as asked; when it plays to one party, neither."""

    name = "forgetful"
    label = "Forgetful"

    def passes_over(self, order: CallOrder) -> frozenset[str]:
        return frozenset() if order.leg_b else frozenset({"timeout", "warning_time"})


class Picky(ScriptedProvider):
    """Has limits that no capability can tell."""

    name = "picky"
    label = "Picky"
    asked: ClassVar[list[CallOrder]] = []

    def check_order(self, order: CallOrder) -> None:
        self.asked.append(order)
        if order.options.timeout > 60:
            raise InvalidOption("timeout", "Ring for a minute at most.")
        if order.options.callback_data == "riddle":
            raise InvalidOption("sphinx", "Not today.")


@pytest.fixture
def picky(scripted: Any, settings: Any) -> list[CallOrder]:
    """The aliases `picky` and `speaker` besides; the orders that `picky` is asked about."""
    others = settings.CLICKTOCALL["PROVIDERS"]
    more = {
        name.lower(): {**others["scripted"], "BACKEND": f"{__name__}.{name}"}
        for name in ("Picky", "Speaker", "Forgetful")
    }
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": {**others, **more}}
    Picky.asked.clear()
    return Picky.asked


def test_a_text_is_part_of_a_voice_message_and_an_extra_of_a_call(picky: Any) -> None:
    account = make_account()
    said = {"account": account, "name": "x", "provider": "speaker", "message_text": "Ready."}
    check_endpoint(Endpoint(**said, extension_kind="message"))
    with pytest.raises(ValidationError) as caught:
        check_endpoint(Endpoint(**said, extension=TEAM))
    assert list(caught.value.message_dict) == ["message_text"]


@pytest.mark.parametrize(
    "chain", [{"provider": "picky"}, {"provider": "scripted", "fallback_providers": ["picky"]}]
)
def test_a_limit_of_the_provider_is_told_when_the_endpoint_is_saved(
    picky: list[CallOrder], chain: dict[str, Any]
) -> None:
    endpoint = make_endpoint(**chain)
    with pytest.raises(ValidationError) as caught:
        save_endpoint(endpoint, {"timeout": 61})
    said = "Picky (“picky”): Ring for a minute at most."
    assert caught.value.message_dict == {"timeout": [said]}
    assert Endpoint.objects.get().timeout == 30
    save_endpoint(endpoint, {"timeout": 60})

    with pytest.raises(InvalidOption) as no:
        request_call(endpoint, VISITOR, options={"timeout": 61})
    assert (no.value.field, no.value.message) == ("timeout", said)
    assert request_call(endpoint, VISITOR, options={"timeout": 59}).options["timeout"] == 59


def test_a_limit_of_nothing_we_know_is_the_provider_s(picky: list[CallOrder]) -> None:
    with pytest.raises(ValidationError) as caught:
        save_endpoint(make_endpoint(provider="picky"), {"callback_data": "riddle"})
    assert caught.value.message_dict == {"provider": ["Picky (“picky”): Not today."]}


def test_a_provider_is_not_asked_about_what_makes_no_sense(picky: list[CallOrder]) -> None:
    with pytest.raises(ValidationError) as caught:
        save_endpoint(make_endpoint(provider="picky"), {"timeout": 61, "extension": "nobody"})
    assert list(caught.value.message_dict) == ["extension"]
    assert picky == []


@pytest.mark.parametrize(
    "fields",
    [
        {"dial_first": "contact", "timeout": 20},
        {"extension_kind": "flow", "extension": "flow:220", "parameters": {"name": "Ada"}},
        {"extension_kind": "message", "extension": "", "message_text": "Ready."},
        {"allowed_countries": ["US", "GB"], "max_duration": 90},
    ],
    ids=str,
)
def test_the_specimen_is_what_a_call_would_be_ordered_as(
    picky: list[CallOrder], fields: dict[str, Any]
) -> None:
    endpoint = save_endpoint(make_endpoint(provider="picky"), fields)
    (specimen,) = picky
    contact = specimen.leg_a if endpoint.rings_visitor_first else specimen.leg_b
    assert contact is not None

    call = Call.objects.get(pk=request_call(endpoint, contact.value).pk)
    attempt = Attempt(call=call, number=1, reference=specimen.reference, provider="picky")
    ordered = order_of(call, attempt)

    assert replace(specimen, call_id=call.pk) == ordered
    assert Call.objects.count() == 1


def test_a_site_that_is_not_set_up_yet_has_specimens_too(settings: Any) -> None:
    settings.CLICKTOCALL = {
        "PROVIDERS": {"scripted": {"BACKEND": "tests.heart.scripted.ScriptedProvider"}}
    }
    order = specimen_order(make_endpoint(provider="scripted"), get_provider("scripted"))
    assert order.callback_url.startswith("https://www.example.com/clicktocall/callbacks/scripted/")


def test_there_is_somebody_to_ring_in_every_country(scripted: Any) -> None:
    endpoint, provider = make_endpoint(provider="scripted"), get_provider("scripted")
    for region in sorted(regions()):
        endpoint.allowed_countries = [region]
        contact = specimen_order(endpoint, provider).leg_b
        assert contact is not None
        assert parse_number(contact.value).e164 == contact.value, region
    endpoint.allowed_countries = []
    assert specimen_order(endpoint, provider).leg_b == Destination(kind="number", value=VISITOR)


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
        ignore_early_media=False,
    )
    check_endpoint(endpoint)
    assert not_honoured(endpoint) == ["ringback", "music_on_hold", "ignore_early_media"]
    assert not_honoured(Endpoint(name="x", extension=TEAM, provider="plain")) == []


def test_comfort_that_some_calls_go_without_is_named(picky: Any) -> None:
    given: dict[str, Any] = {"account": make_account(), "name": "x", "provider": "forgetful"}
    wished = {**given, "timeout": 20, "warning_time": 30}
    assert not_honoured(Endpoint(**wished, extension=TEAM)) == []
    flow = {"extension_kind": "flow", "extension": "220"}
    assert not_honoured(Endpoint(**wished, **flow)) == ["timeout", "warning_time"]
    assert not_honoured(Endpoint(**given, **flow)) == []  # nothing was asked for


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
