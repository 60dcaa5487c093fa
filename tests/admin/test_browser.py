"""The admin in a real browser, under a strict policy: nothing blocked, everything usable."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client

from clicktocall.calls.events import apply_event
from clicktocall.models import ApiKey, Call, Endpoint, Refusal
from clicktocall.orders import ReportedEvent
from clicktocall.states import EventKind, Leg
from tests.admin.conftest import House, build_house, list_of, page_of
from tests.factories import make_attempt, make_call, make_endpoint

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser


@pytest.fixture
def strict_site(live_server: Any, settings: Any) -> str:
    settings.MIDDLEWARE = ["tests.admin.csp.strict", *settings.MIDDLEWARE]
    return str(live_server.url)


@pytest.fixture
def house(transactional_db: None) -> House:
    return build_house("OURS")


@pytest.fixture
def operator(page: Any, strict_site: str, house: House) -> Any:
    """A browser page of a logged-in superuser; the test fails when the policy was violated."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    name = django_settings.SESSION_COOKIE_NAME
    page.context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "url": strict_site}]
    )
    violations: list[str] = []
    page.on(
        "console",
        lambda said: violations.append(said.text) if "Content Security" in said.text else None,
    )
    yield page
    assert violations == []


def test_every_page_stands_under_a_strict_policy(
    operator: Any, strict_site: str, house: House
) -> None:
    for address in (
        list_of(Call),
        page_of(house.call),
        page_of(house.endpoint),
        list_of(Endpoint, "add"),
        page_of(house.account),
        page_of(house.key),
        page_of(house.key, "revoke"),
        page_of(house.refusal),
        page_of(house.receipt),
    ):
        assert operator.goto(strict_site + address).status == 200
        sideways = "document.documentElement.scrollWidth - innerWidth"
        assert operator.evaluate(sideways) <= 0, address
        operator.set_viewport_size({"width": 360, "height": 740})
        assert operator.evaluate(sideways) <= 0, address
        operator.set_viewport_size({"width": 1280, "height": 900})


def test_the_lists_fit_beside_their_filters(operator: Any, strict_site: str, house: House) -> None:
    Call.objects.update(talk_seconds=3599, leg_b="unreported")
    Endpoint.objects.update(name="Bicycle workshop, main site (London)")
    site = "https://a-rather-long-name.of-a-shop.example.com"
    Refusal.objects.update(detail=f"{site} is not one of the sites of this endpoint", origin=site)
    operator.set_viewport_size({"width": 1280, "height": 900})
    for model in (Call, Refusal):
        operator.goto(strict_site + list_of(model))
        results = operator.locator("#changelist-form .results")
        assert results.evaluate("list => list.scrollWidth - list.clientWidth") <= 0, model


def test_a_call_s_page_has_no_holes_on_a_phone(
    operator: Any, strict_site: str, house: House
) -> None:
    operator.set_viewport_size({"width": 390, "height": 844})
    operator.goto(strict_site + page_of(house.call))
    fields = operator.locator(".form-multiline > div")
    heights = fields.evaluate_all("fields => fields.map(field => field.offsetHeight)")
    assert heights
    assert max(heights) < 150


def test_times_are_in_the_viewer_s_zone(operator: Any, strict_site: str, house: House) -> None:
    operator.goto(strict_site + page_of(house.call))
    time = operator.locator("time.ctc-time").first
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC\n\d{4}-.* \(UTC\)", time.get_attribute("title")
    )
    shown = operator.evaluate(
        "time => new Date(time.dateTime).toLocaleTimeString('en-GB')", time.element_handle()
    )
    assert shown in time.text_content()


def test_a_snippet_is_copied(operator: Any, strict_site: str, house: House) -> None:
    operator.context.grant_permissions(["clipboard-read", "clipboard-write"])
    operator.goto(strict_site + page_of(house.endpoint))
    operator.locator(".ctc-embed summary").click()
    operator.get_by_role("button", name="Copy").first.click()
    operator.get_by_role("button", name="Copied").wait_for()
    copied = operator.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("<script async src=")
    assert f'<click-to-call endpoint="{house.endpoint.pk}">' in copied


def test_an_endpoint_is_made_by_hand(operator: Any, strict_site: str, house: House) -> None:
    operator.goto(strict_site + list_of(Endpoint, "add"))
    operator.get_by_label("Account").select_option(label="OURS account")
    operator.get_by_label("Name", exact=False).first.fill("By hand")
    operator.locator("#id_extension").fill("+44 20 7946 0150")
    operator.locator("#id_allowed_countries_from").select_option("GB")
    operator.locator("#id_allowed_countries_add").click()
    operator.get_by_label("Any number of the allowed countries").check()
    operator.get_by_label("Sites").fill("https://www.example.com")
    operator.get_by_label("Monday").first.fill("09:00-17:00")
    operator.get_by_role("button", name="Save", exact=True).click()
    operator.wait_for_url(f"**{list_of(Endpoint)}")
    made = Endpoint.objects.get(name="By hand")
    assert made.allowed_countries == ["GB"]
    assert made.extension == "+442079460150"
    assert made.opening_hours["monday"] == [["09:00", "17:00"]]


def test_a_voice_message_is_made_by_hand(
    operator: Any, strict_site: str, house: House, shoot: Callable[[Any, str], Path]
) -> None:
    operator.goto(strict_site + list_of(Endpoint, "add"))
    operator.get_by_label("Account").select_option(label="OURS account")
    operator.get_by_label("Name", exact=False).first.fill("Reminders")
    operator.get_by_label("Extension is a").select_option(label="voice message")
    operator.get_by_role("button", name="Save", exact=True).click()
    expect(operator.locator(".field-message_text .errorlist")).to_contain_text(
        "Write what the voice message says"
    )
    assert operator.locator(".errorlist li").count() == 1
    operator.locator("#id_message_text").fill("Your bicycle is ready.")
    operator.get_by_label("Withhold the caller id").check()
    operator.get_by_role("button", name="Save and continue editing").click()
    operator.get_by_text("was added successfully").wait_for()
    made = Endpoint.objects.get(name="Reminders")
    assert (made.extension, made.one_leg, made.withhold_caller_id) == ("", True, True)
    shoot(operator, "admin-voice-message")


def test_what_was_keyed_is_read_on_the_call_s_page(
    operator: Any, strict_site: str, house: House, shoot: Callable[[Any, str], Path]
) -> None:
    endpoint = make_endpoint(house.account, extension_kind="flow", extension="survey")
    call = make_call(endpoint, state="placed", leg_b=None)
    answers = {"language": "1", "said": "two pairs of brake pads and a very long chain, please"}
    reported = ReportedEvent(kind=EventKind.COLLECTED, leg=Leg.A, answers=answers)
    apply_event(make_attempt(call), reported)
    operator.goto(strict_site + page_of(call))
    shown = operator.locator(".field-answers_shown .ctc-pairs")
    expect(shown).to_have_text(re.compile("language.*1.*said.*two pairs"))
    left = "element => element.getBoundingClientRect().x"
    beside = operator.locator(".field-endpoint .readonly").first
    assert shown.locator("dt").first.evaluate(left) == beside.evaluate(left)
    shoot(operator, "admin-answers")
    operator.set_viewport_size({"width": 360, "height": 740})
    sideways = "document.documentElement.scrollWidth - innerWidth"
    assert operator.evaluate(sideways) <= 0


def test_a_key_is_made_and_revoked_by_hand(operator: Any, strict_site: str, house: House) -> None:
    operator.goto(strict_site + list_of(ApiKey, "add"))
    operator.get_by_label("Account:").select_option(label="OURS account")
    operator.get_by_label("Name").fill("By hand")
    operator.get_by_role("button", name="Save", exact=True).click()
    shown = operator.get_by_label("API key", exact=True)
    expect(shown).to_have_value(re.compile(r"[A-Za-z0-9_-]{64}"))
    secret = shown.input_value()
    operator.get_by_role("link", name="I have copied it").click()
    assert secret not in operator.content()
    operator.get_by_role("link", name="Revoke").click()
    operator.get_by_role("button", name="Revoke the key").click()
    operator.get_by_text("is revoked.").wait_for()
    assert ApiKey.objects.get(name="By hand").revoked_at is not None


def test_stored_scripts_do_not_run(operator: Any, strict_site: str, house: House) -> None:
    code = "document.title='owned'"
    payload = f'"><img src=x onerror="{code}"><script>{code}</script>'
    Call.objects.update(
        visitor_name=payload[:128], visitor_question=payload, page=payload, requester=payload[:80]
    )
    Endpoint.objects.update(
        name=payload[:128],
        labels={"button": payload},
        consent_text=payload,
        theme={"accent": payload},
    )
    for address in (list_of(Call), page_of(house.call), list_of(Endpoint), page_of(house.endpoint)):
        operator.goto(strict_site + address)
        assert operator.title() != "owned"
        assert operator.locator("img[src=x]").count() == 0
