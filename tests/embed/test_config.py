"""`GET embed/<endpoint_id>/`: what the widget is told before anybody clicks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from clicktocall.embed.config import readable_on, widget_config
from clicktocall.embed.texts import OVERRIDABLE_KEYS, TEXTS
from clicktocall.models import Endpoint, Refusal
from tests.embed.visitor import Browser, assert_refused
from tests.factories import ORIGIN, make_account, make_endpoint, make_owned_number

MONDAYS = {"time_zone": "Europe/London", "monday": [["09:00", "17:30"]]}
SATURDAY_NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_the_whole_configuration_of_a_plain_endpoint(endpoint: Endpoint, visitor: Browser) -> None:
    content = visitor.config().json()

    texts = content.pop("texts")
    assert content == {
        "endpoint": endpoint.id,
        "language": "en",
        "direction": "ltr",
        "open": True,
        "next_opening": None,
        "dial_first": "extension",
        "caller_id": {"e164": "+442079460150", "display": "+44 20 7946 0150"},
        "fallback_phone": None,
        "countries": [
            {
                "code": "GB",
                "name": "United Kingdom",
                "calling_code": "44",
                "example": "020 7946 0101",
            },
            {
                "code": "US",
                "name": "United States",
                "calling_code": "1",
                "example": "(202) 555-0123",
            },
        ],
        "default_country": "GB",
        "consent": None,
        "privacy_url": None,
        "fields": [],
        "theme": {"accent": "#0b6e4f", "accent_text": "#ffffff"},
    }
    assert set(texts) == set(TEXTS)
    assert all(isinstance(text, str) and text for text in texts.values())


@pytest.mark.django_db
def test_everything_an_operator_can_set_is_shown() -> None:
    account = make_account()
    owned = make_owned_number(account, number="+442079460190")
    endpoint = make_endpoint(
        account,
        dial_first="contact",
        caller_id_a=owned,
        fallback_phone="+442079460199",
        allowed_countries=["DE"],
        consent_text="You may ring me.",
        consent_version="2026-1",
        privacy_url="https://shop.example/privacy",
        visitor_fields=["name", "email", "question"],
        labels={"button": "Ring the workshop"},
        theme={"accent": "#ffee00", "radius": "4px"},
    )

    content = Browser(endpoint).config().json()

    assert content["dial_first"] == "contact"
    assert content["caller_id"] == {"e164": "+442079460190", "display": "+44 20 7946 0190"}
    assert content["fallback_phone"] == {"e164": "+442079460199", "display": "020 7946 0199"}
    assert [country["code"] for country in content["countries"]] == ["DE"]
    assert content["default_country"] == "DE"
    assert content["consent"] == {"text": "You may ring me.", "version": "2026-1"}
    assert content["privacy_url"] == "https://shop.example/privacy"
    assert content["fields"] == [
        {
            "name": "name",
            "label": "Your name",
            "type": "text",
            "required": False,
            "max_length": 128,
        },
        {
            "name": "email",
            "label": "Your e-mail",
            "type": "email",
            "required": False,
            "max_length": 254,
        },
        {
            "name": "question",
            "label": "Your question",
            "type": "textarea",
            "required": False,
            "max_length": 1000,
        },
    ]
    assert content["texts"]["button"] == "Ring the workshop"
    assert content["theme"] == {"accent": "#ffee00", "accent_text": "#000000", "radius": "4px"}


@pytest.mark.django_db
@pytest.mark.parametrize("key", sorted(OVERRIDABLE_KEYS))
def test_every_label_takes_the_place_of_our_word(key: str) -> None:
    texts = Browser(make_endpoint(labels={key: "Own word"})).config().json()["texts"]

    assert {name for name, text in texts.items() if text == "Own word"} == {key}


@pytest.mark.django_db
def test_a_sentence_that_promises_something_cannot_be_replaced() -> None:
    labels = {"before_extension": "We never ring.", "button": "   "}
    texts = Browser(make_endpoint(labels=labels)).config().json()["texts"]

    assert texts["before_extension"] == str(TEXTS["before_extension"])
    assert texts["button"] == str(TEXTS["button"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"dial_first": "extension"}, "+442079460150"),
        ({"dial_first": "contact"}, "+442079460150"),
        ({"dial_first": "extension", "extension_kind": "pbx", "extension": "1000"}, None),
        ({"dial_first": "contact", "extension_kind": "pbx", "extension": "1000"}, None),
    ],
)
def test_without_caller_ids_the_number_shown_is_our_own_or_not_known(
    fields: dict[str, Any], shown: str | None
) -> None:
    caller_id = Browser(make_endpoint(**fields)).config().json()["caller_id"]

    assert (caller_id and caller_id["e164"]) == shown


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("dial_first", "anonymization", "shown"),
    [
        ("extension", False, "+442079460192"),
        ("extension", True, "+442079460192"),
        ("contact", False, "+442079460191"),
    ],
)
def test_the_number_shown_is_that_of_the_visitors_leg(
    dial_first: str, anonymization: bool, shown: str
) -> None:
    account = make_account()
    endpoint = make_endpoint(
        account,
        dial_first=dial_first,
        anonymization=anonymization,
        caller_id_a=make_owned_number(account, number="+442079460191"),
        caller_id_b=make_owned_number(account, number="+442079460192"),
    )

    assert Browser(endpoint).config().json()["caller_id"]["e164"] == shown


@pytest.mark.django_db
def test_anonymised_the_visitor_sees_leg_as_caller_id() -> None:
    account = make_account()
    owned = make_owned_number(account, number="+442079460191")
    endpoint = make_endpoint(account, anonymization=True, caller_id_a=owned)

    assert Browser(endpoint).config().json()["caller_id"]["e164"] == "+442079460191"


@pytest.mark.django_db
def test_a_sender_id_is_shown_as_it_is() -> None:
    account = make_account()
    owned = make_owned_number(account, number="BikeShop")
    endpoint = make_endpoint(account, dial_first="contact", caller_id_a=owned)

    assert Browser(endpoint).config().json()["caller_id"] == {"e164": "", "display": "BikeShop"}


def test_it_is_cacheable_and_known_by_its_etag(visitor: Browser) -> None:
    first = visitor.config()

    assert first.status_code == 200
    assert first["Cache-Control"] == "public, max-age=60"
    assert first["Content-Type"] == "application/json"
    assert first["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in first
    assert "ETag" in first["Access-Control-Expose-Headers"]
    assert first["X-Content-Type-Options"] == "nosniff"
    assert not first.cookies, "a public answer sets a cookie"
    varies = {name.strip().lower() for name in first["Vary"].split(",")}
    assert {"origin", "accept-language", "sec-fetch-site"} <= varies
    assert "cookie" not in varies

    second = visitor.config(If_None_Match=first["ETag"])
    assert second.status_code == 304
    assert second.content == b""
    assert second["ETag"] == first["ETag"]
    assert second["Cache-Control"] == first["Cache-Control"]
    assert second["Vary"] == first["Vary"]
    assert second["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "known", ["W/{etag}", '"other", {etag}', '{etag} , "other"', 'W/"x",W/{etag}']
)
def test_every_spelling_of_if_none_match_is_understood(visitor: Browser, known: str) -> None:
    etag = visitor.config()["ETag"]

    assert visitor.config(If_None_Match=known.format(etag=etag)).status_code == 304


@pytest.mark.parametrize("known", ['"other"', "", "nonsense", '"'])
def test_another_etag_gets_the_whole_answer(visitor: Browser, known: str) -> None:
    assert visitor.config(If_None_Match=known).status_code == 200


def test_the_etag_changes_with_the_configuration(endpoint: Endpoint, visitor: Browser) -> None:
    before = visitor.config()["ETag"]
    endpoint.labels = {"button": "Ring me"}
    endpoint.save()

    after = visitor.config(If_None_Match=before)
    assert after.status_code == 200
    assert after["ETag"] != before


@pytest.mark.parametrize(
    ("accepted", "language", "direction", "germany"),
    [
        ("de-AT,de;q=0.8,en;q=0.5", "de", "ltr", "Deutschland"),
        ("ar", "ar", "rtl", "ألمانيا"),
        ("he-IL", "he", "rtl", "גרמניה"),
        ("xx-YY,fr;q=0.5", "fr", "ltr", "Allemagne"),
        ("*", "en", "ltr", "Germany"),
        ("", "en", "ltr", "Germany"),
        ("tlh", "en", "ltr", "Germany"),
        ("en;q=abc", "en", "ltr", "Germany"),
        ("-" * 600, "en", "ltr", "Germany"),
        ("de\u00e4", "en", "ltr", "Germany"),
    ],
)
@pytest.mark.django_db
def test_the_language_is_the_visitors(
    accepted: str, language: str, direction: str, germany: str
) -> None:
    answer = Browser(make_endpoint(allowed_countries=["DE"])).config(Accept_Language=accepted)

    content = answer.json()
    assert (content["language"], content["direction"]) == (language, direction)
    assert content["countries"][0]["name"] == germany
    assert answer["Content-Language"] == language


def test_a_cookie_never_decides_the_language_of_a_shared_answer(visitor: Browser) -> None:
    answer = visitor.config(Accept_Language="fr", Cookie="django_language=de")

    assert answer.json()["language"] == "fr"


@pytest.mark.django_db
def test_closed_hours_say_when_they_open_next() -> None:
    visitor = Browser(make_endpoint(opening_hours=MONDAYS))

    with time_machine.travel(SATURDAY_NOON, tick=False):
        closed = visitor.config().json()
    with time_machine.travel(MONDAY_NOON, tick=False):
        opened = visitor.config().json()

    assert (closed["open"], closed["next_opening"]) == (False, "2026-11-23T09:00:00Z")
    assert (opened["open"], opened["next_opening"]) == (True, None)


@pytest.mark.django_db
def test_an_inactive_endpoint_is_not_available() -> None:
    visitor = Browser(make_endpoint(active=False))

    assert_refused(visitor.config(), 403, "not_available")
    assert_refused(visitor.post(visitor.address("embed-token")), 403, "not_available")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("OPTIONS", ""),
        ("POST", "token/"),
        ("OPTIONS", "token/"),
        ("POST", "calls/"),
        ("OPTIONS", "calls/"),
    ],
)
def test_an_unknown_endpoint_is_a_404(method: str, path: str) -> None:
    unknown = "/clicktocall/embed/" + "0" * 32 + "/"

    answer = Browser("0" * 32).request(method, unknown + path, b"{}" if method == "POST" else b"")

    assert_refused(answer, 404, "not_found")
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "0" * 31 + "/",
        "0" * 33 + "/",
        "A" * 32 + "/",
        "0" * 32,
        "0" * 30 + "%00/",
        "%00/",
        "%ff%fe/",
        "..%2f..%2fadmin/",
        "0" * 32 + "/nothing/",
        "calls/",
        "calls/" + "A" * 42 + "/",
        "calls/" + "A" * 43 + "/nothing/",
    ],
)
def test_any_other_address_is_a_404_in_the_one_shape(method: str, path: str) -> None:
    answer = Browser("0" * 32).request(method, f"/clicktocall/embed/{path}")

    if method == "HEAD":
        assert answer.status_code == 404
    else:
        assert_refused(answer, 404, "not_found")
    assert "Access-Control-Allow-Origin" not in answer


def test_the_text_on_the_accent_colour_always_contrasts() -> None:
    for colour in ("#000", "#ffffff", "#0b6e4f", "#ffee00", "#777777", "#888", "#f00", "#0000ff"):
        assert contrast(colour, readable_on(colour)) >= 4.5, colour


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, written a second time."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c + c for c in colour[1:])
    channels = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.django_db
def test_a_flow_rings_nobody_but_the_visitor() -> None:
    owned = make_owned_number(number="+442079460190")
    endpoint = make_endpoint(
        owned.account, extension_kind="flow", extension="flow:220", caller_id_a=owned
    )
    config = widget_config(endpoint, timezone.now())
    assert config["dial_first"] == "contact"
    assert config["texts"]["before_contact"] == "Your phone rings, from {number}."
    assert config["caller_id"]["e164"] == "+442079460190"


@pytest.mark.django_db
def test_a_voice_message_says_that_it_is_one() -> None:
    endpoint = make_endpoint(extension_kind="message", extension="", message_text="Ready.")
    config = Browser(endpoint).config().json()
    assert (config["dial_first"], config["caller_id"]) == ("contact", None)
    texts = config["texts"]
    assert texts["before_contact_plain"] == "Your phone rings; then you hear our message."
    assert texts["before_contact"] == "Your phone rings, from {number}; then you hear our message."
    assert texts["answered_alone"] == "Listen to our message."
    assert set(texts) == set(TEXTS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "key", "said"),
    [
        (
            {"dial_first": "extension"},
            "before_extension_plain",
            "We ring our team first, then you. Your phone shows no number.",
        ),
        (
            {"dial_first": "contact"},
            "before_contact_plain",
            "Your phone rings first; then we connect our team. Your phone shows no number.",
        ),
        (
            {"extension_kind": "message", "extension": "", "message_text": "Ready."},
            "before_contact_plain",
            "Your phone rings; then you hear our message. Your phone shows no number.",
        ),
    ],
    ids=["extension first", "contact first", "message"],
)
def test_a_number_that_is_withheld_is_told_to_nobody(
    fields: dict[str, Any], key: str, said: str
) -> None:
    owned = make_owned_number()
    endpoint = make_endpoint(owned.account, caller_id_a=owned, withhold_caller_id=True, **fields)
    answer = Browser(endpoint).config()
    assert answer.json()["caller_id"] is None
    assert answer.json()["texts"][key] == said
    assert owned.number.lstrip("+") not in answer.content.decode()
    endpoint.withhold_caller_id = False
    endpoint.save()
    texts = Browser(endpoint).config().json()["texts"]
    assert "no number" not in " ".join(texts.values())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"dial_first": "extension"}, "We ring our team, then you"),
        ({"dial_first": "contact"}, "We ring you, then our team"),
        ({"extension_kind": "flow", "extension": "menu"}, "Your call is on its way"),
        (
            {"extension_kind": "message", "extension": "", "message_text": "Ready."},
            "Your call is on its way",
        ),
    ],
    ids=["extension first", "contact first", "flow", "message"],
)
@pytest.mark.parametrize(
    "chain", [["quiet"], ["sandbox", "quiet"], ["quiet", "sandbox"], ["sandbox", "gone"]]
)
def test_what_nobody_will_report_is_not_claimed(
    fields: dict[str, Any], sent: str, chain: list[str], tells_the_end: str
) -> None:
    provider, *fallbacks = chain
    silent = make_endpoint(provider=provider, fallback_providers=fallbacks, **fields)
    usual = make_endpoint(silent.account, **fields)
    texts = Browser(silent).config().json()["texts"]
    expected = Browser(usual).config().json()["texts"] | {
        "sent": sent,
        "slow": "If your phone has not rung yet, please give it a minute.",
        "slow_plain": "If your phone has not rung yet, please give it a minute.",
    }
    assert texts == expected


@pytest.mark.django_db
def test_who_reports_every_step_may_say_that_it_takes_long() -> None:
    texts = Browser(make_endpoint()).config().json()["texts"]
    for key in ("sent", "slow", "slow_plain"):
        assert texts[key] == str(TEXTS[key])


@pytest.mark.django_db
def test_a_site_that_is_not_listed_is_named_to_the_operator() -> None:
    endpoint = make_endpoint()
    page = Client(headers={"origin": "https://new-shop.example"})
    assert page.get(f"/clicktocall/embed/{endpoint.id}/").status_code == 403
    refusal = Refusal.objects.get()
    assert (refusal.rule, refusal.origin) == ("origin_not_allowed", "https://new-shop.example")
    # Without an origin it is no page, and nobody's mistake.
    assert Client().get(f"/clicktocall/embed/{endpoint.id}/").status_code == 403
    assert Refusal.objects.count() == 1
