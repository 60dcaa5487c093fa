"""The click: what is stored, what is answered, and every way to be refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from clicktocall.embed.tokens import call_token, issue_token
from clicktocall.endpoints.context import sign_context
from clicktocall.models import Call, Endpoint, Refusal, RefusalCount
from clicktocall.signals import call_refused, call_requested
from tests.embed.faults import failing
from tests.embed.visitor import Browser, assert_refused
from tests.factories import ORIGIN, make_account, make_endpoint, make_owned_number

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)
CONSENT: dict[str, Any] = {"consent_text": "You may ring me.", "consent_version": "2026-1"}


def test_the_answer_to_a_click(visitor: Browser) -> None:
    answer = visitor.connect()

    call = Call.objects.get()
    address = f"http://testserver/clicktocall/embed/calls/{call_token(call.id)}/"
    assert answer.status_code == 202
    assert answer.json() == {
        "id": call.id,
        "state": "queued",
        "outcome": None,
        "outcome_leg": None,
        "legs": {"a": "waiting", "b": "waiting"},
        "dial_first": "extension",
        "connected_at": None,
        "ended_at": None,
        "talk_seconds": None,
        "status_url": address,
        "cancel_url": f"{address}cancel/",
        "poll_after": 0.7,
    }
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_the_row_holds_everything_the_call_is_placed_with() -> None:
    account = make_account()
    endpoint = make_endpoint(
        account,
        caller_id_a=make_owned_number(account, number="+442079460191"),
        caller_id_b=make_owned_number(account, number="+442079460192"),
        bridge=make_owned_number(account, number="+442079460193"),
        fallback_providers=["second"],
        dial_first="contact",
        timeout=25,
        max_duration=600,
        record=True,
        message_text="Hello",
        custom_sip_headers={"X-Shop": "1"},
        **CONSENT,
    )
    visitor = Browser(endpoint)

    with time_machine.travel(NOW, tick=False):
        answer = visitor.connect(
            contact="(020) 7946-0101",
            country="gb",
            consent="2026-1",
            page="https://shop.example/bikes?colour=red#top",
            context=sign_context(endpoint.id, {"customer": 17, "basket": ["bell", "light"]}),
            fields={
                "name": " Ada ",
                "email": "ada@example.com",
                "question": "Is it open?\nReally?",
            },
            idempotency_key="key-of-this-click",
        )

    assert answer.status_code == 202, answer.content
    call = Call.objects.get()
    assert call.account_id == account.id
    assert call.endpoint_id == endpoint.id
    assert call.contact.as_e164 == "+442079460101"
    assert (call.extension_kind, call.extension) == ("number", "+442079460150")
    assert call.caller_id_name == "Sales"
    assert call.options == endpoint.call_options().to_json()
    assert call.options["caller_id_a"] == "+442079460191"
    assert call.options["caller_id_b"] == "+442079460192"
    assert call.options["bridge"] == "+442079460193"
    assert (call.options["timeout"], call.options["max_duration"]) == (25, 600)
    assert call.options["record"] is True
    assert call.dial_first == "contact"
    assert (call.door, call.origin) == ("embed", ORIGIN)
    assert call.page == "https://shop.example/bikes?colour=red#top"
    assert call.context == {"customer": 17, "basket": ["bell", "light"]}
    assert (call.visitor_name, call.visitor_email) == ("Ada", "ada@example.com")
    assert call.visitor_question == "Is it open?\nReally?"
    assert (call.consent_version, call.consent_text) == ("2026-1", "You may ring me.")
    assert call.idempotency_key == f"embed:{endpoint.id}:key-of-this-click"
    assert len(call.fingerprint) == 64
    assert call.token_nonce
    assert len(call.token_nonce) == 32
    assert (call.provider, call.fallback_providers) == ("sandbox", ["second"])
    assert (call.state, call.outcome, call.leg_a, call.leg_b) == (
        "queued",
        None,
        "waiting",
        "waiting",
    )
    assert (call.attempt_count, call.redial_count, call.bulk_id) == (0, 0, None)
    assert call.requester == ""
    assert call.due_at is not None
    assert call.expires_at - call.due_at == timedelta(seconds=120)


def test_the_options_are_frozen_at_the_click(endpoint: Endpoint, visitor: Browser) -> None:
    visitor.connect()
    Endpoint.objects.update(timeout=99, extension="+442079460199", dial_first="contact", name="New")

    call = Call.objects.get()
    assert (call.options["timeout"], call.options["dial_first"]) == (30, "extension")
    assert (call.extension, call.caller_id_name) == ("+442079460150", "Sales")


@pytest.mark.parametrize(
    ("contact", "country", "e164"),
    [
        ("+442079460101", None, "+442079460101"),
        ("020 7946 0101", None, "+442079460101"),
        ("020 7946 0101", "GB", "+442079460101"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("202.555.0123", "us", "+12025550123"),
        ("+1 202 555 0123", "GB", "+12025550123"),
        ("٠٢٠ ٧٩٤٦ ٠١٠١", "GB", "+442079460101"),
        ("\uff0b44\u300020 7946 0101", "", "+442079460101"),
        ("020\u00a07946\u20110101", "GB", "+442079460101"),
    ],
)
def test_ordinary_spellings_are_dialled_as_e164(
    visitor: Browser, contact: str, country: str | None, e164: str
) -> None:
    answer = visitor.connect(contact=contact, country=country)

    assert answer.status_code == 202, answer.content
    assert Call.objects.get().contact.as_e164 == e164


def test_the_hosts_signal_is_sent_after_the_commit(
    visitor: Browser, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    heard: list[Call] = []

    def hear(call: Call, **_kwargs: Any) -> None:
        heard.append(call)

    call_requested.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=False) as callbacks:
            visitor.connect()
        assert not heard, "told before it was certain"
        for callback in callbacks:
            callback()
    finally:
        call_requested.disconnect(hear)
    assert [call.pk for call in heard] == [Call.objects.get().pk]


@pytest.mark.django_db
def test_a_flow_has_one_leg() -> None:
    visitor = Browser(make_endpoint(extension_kind="flow", extension="scenario-7"))

    assert visitor.connect().json()["legs"] == {"a": "waiting", "b": None}
    assert Call.objects.get().leg_b is None


@pytest.mark.django_db
def test_a_voice_message_has_one_leg() -> None:
    visitor = Browser(make_endpoint(extension_kind="message", extension="", message_text="Ready."))

    answer = visitor.connect()

    assert answer.json()["legs"] == {"a": "waiting", "b": None}
    assert (answer.json()["dial_first"], Call.objects.get().leg_b) == ("contact", None)


@pytest.mark.django_db
def test_outside_the_delivery_window_the_call_is_scheduled() -> None:
    window = {"days": ["MONDAY"], "from": {"hour": 9}, "to": {"hour": 11}}
    visitor = Browser(make_endpoint(delivery_time_window=window))

    with time_machine.travel(NOW, tick=False):
        answer = visitor.connect()

    call = Call.objects.get()
    assert answer.json()["state"] == "scheduled"
    assert answer.json()["poll_after"] == 15.0
    assert call.due_at == datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


# Refusals: what the visitor is told


@pytest.mark.parametrize(
    ("contact", "rule"),
    [
        ("", "number_empty"),
        ("   ", "number_empty"),
        ("12", "number_syntax"),
        ("0" * 65, "number_too_long"),
        ("0" * 300, "number_too_long"),
        ("020 7946 0101 ext 5", "number_characters"),
        ("020 7946 0101;ext=5", "number_characters"),
        ("020 7946 0101,,5", "number_characters"),
        ("020 7946 0101p5", "number_characters"),
        ("0800 FLOWERS", "number_characters"),
        ("tel:+442079460101", "number_characters"),
        ("sip:ada@example.com", "number_characters"),
        ("*67 020 7946 0101", "number_characters"),
        ("#31#02079460101", "number_characters"),
        ("02079460101\n", "number_characters"),
        ("\t02079460101", "number_characters"),
        ("02079460101\r\nX: y", "number_characters"),
        ("020\u200b79460101", "number_characters"),
        ("\u202e02079460101", "number_characters"),
        ("020+79460101", "number_plus"),
        ("++442079460101", "number_plus"),
        ("+4420794601011234567", "number_syntax"),
        ("0x2079460101", "number_characters"),
        ("2e10", "number_characters"),
        ("\u00b2\u00b2\u00b279460101", "number_characters"),
        ("999", "number_syntax"),
        ("112", "number_syntax"),
    ],
)
def test_what_is_no_number_is_refused_never_mended(
    visitor: Browser, contact: str, rule: str
) -> None:
    answer = visitor.connect(contact=contact)

    assert_refused(answer, 400, "invalid_number")
    assert not Call.objects.exists()
    assert Refusal.objects.get().rule == rule


LISTS_AND_POLICIES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "endpoint switched off": ({"active": False}, {}, "endpoint_inactive"),
    "foreign country": ({}, {"contact": "+33 1 99 00 12 34"}, "country_not_allowed"),
    "same calling code, other country": ({}, {"contact": "+1 876 555 0123"}, "country_not_allowed"),
    "no country": ({"allowed_countries": []}, {"contact": "+442079460101"}, "country_not_allowed"),
    "premium": ({}, {"contact": "0909 879 0000"}, "number_kind"),
    "shared cost": ({}, {"contact": "0843 123 4567"}, "number_kind"),
    "toll free": ({}, {"contact": "0800 123 4567"}, "number_kind"),
    "personal": ({}, {"contact": "070 1234 5678"}, "number_kind"),
    "satellite": ({}, {"contact": "+881 6 1234 5678"}, "number_kind"),
    "premium in America": ({}, {"contact": "+1 900 555 0123"}, "number_kind"),
    "976 in America": ({}, {"contact": "+1 212 976 0123"}, "number_kind"),
    "not on the whitelist": (
        {"whitelist": [r"\+4420"]},
        {"contact": "+447400123456"},
        "not_on_whitelist",
    ),
    "empty whitelist": ({"allow_any_number": False}, {}, "whitelist_empty"),
}


@pytest.mark.django_db
def test_every_list_type_and_policy_looks_the_same_to_the_visitor() -> None:
    said: dict[str, tuple[Any, ...]] = {}
    for name, (fields, changes, rule) in LISTS_AND_POLICIES.items():
        endpoint = make_endpoint(**fields)
        visitor = Browser(endpoint)
        token = issue_token(endpoint.id, ORIGIN)  # as from before it was switched off
        answer = visitor.connect(token=token, **changes)
        assert_refused(answer, 403, "not_available")
        assert Refusal.objects.get(endpoint=endpoint).rule == rule, name
        said[name] = (answer.content, sorted(answer.headers.items()))
    assert not Call.objects.exists()
    assert len(set(map(repr, said.values()))) == 1, f"a visitor can tell them apart: {said}"


@pytest.mark.django_db
@pytest.mark.parametrize("agreed", [None, "", "2025-9", "2026", "2026-10", "null", "true"])
def test_consent_means_the_current_version(agreed: str | None) -> None:
    answer = Browser(make_endpoint(**CONSENT)).connect(consent=agreed)

    assert_refused(answer, 400, "consent_required")
    assert Refusal.objects.get().rule == "consent_missing"
    assert not Call.objects.exists()


@pytest.mark.django_db
def test_null_is_no_consent() -> None:
    visitor = Browser(make_endpoint(**CONSENT))

    answer = visitor.post(visitor.address("embed-calls"), {**visitor.wish(), "consent": None})
    assert_refused(answer, 400, "consent_required")


@pytest.mark.django_db
def test_closed_says_when_it_opens() -> None:
    hours = {"time_zone": "Europe/London", "tuesday": [["09:00", "17:30"]]}
    visitor = Browser(make_endpoint(opening_hours=hours))

    with time_machine.travel(NOW, tick=False):
        answer = visitor.connect()

    error = assert_refused(answer, 409, "closed")
    assert error["next_opening"] == "2026-11-24T09:00:00Z"
    assert Refusal.objects.get().rule == "closed"
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"contact": None}, "contact"),
        ({"contact": "0" * 301}, "contact"),
        ({"country": "XX"}, "country"),
        ({"country": "GBR"}, "country"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "k" * 129}, "idempotency_key"),
        ({"idempotency_key": "key with spaces"}, "idempotency_key"),
        ({"idempotency_key": "schlüssel"}, "idempotency_key"),
        ({"token": "t" * 301}, "token"),
        ({"consent": "c" * 33}, "consent"),
        ({"page": "p" * 8001}, "page"),
        ({"context": "c" * 8001}, "context"),
        ({"fields": {"name": "n" * 129}}, "name"),
        ({"fields": {"email": "nowhere"}}, "email"),
        ({"fields": {"email": "a@" + "b" * 260 + ".example"}}, "email"),
        ({"fields": {"question": "q" * 1001}}, "question"),
        ({"fields": "Ada"}, "fields"),
    ],
)
def test_a_wrong_field_is_named(visitor: Browser, changes: dict[str, Any], field: str) -> None:
    answer = visitor.connect(**changes)

    error = assert_refused(answer, 400, "invalid_request")
    assert set(error["fields"]) == {field}
    assert error["fields"][field], "no message"
    assert not Call.objects.exists()
    assert not Refusal.objects.exists(), "a malformed request is no refusal of a rule"


@pytest.mark.parametrize("failure", [OperationalError("database is locked"), InterfaceError("x")])
@pytest.mark.parametrize("statement", ["SELECT", "INSERT"])
def test_a_lost_database_is_503_and_no_call(
    visitor: Browser, failure: Exception, statement: str
) -> None:
    wish = visitor.wish()

    with failing(statement, failure):
        answer = visitor.post(visitor.address("embed-calls"), wish)

    assert_refused(answer, 503, "unavailable")
    assert int(answer["Retry-After"]) > 0
    assert not Call.objects.exists()
    assert visitor.post(visitor.address("embed-calls"), wish).status_code == 202, "key used up"


def test_a_page_may_read_when_to_ask_again(visitor: Browser) -> None:
    wish = visitor.wish()

    with failing("INSERT", OperationalError("database is locked")):
        answer = visitor.post(visitor.address("embed-calls"), wish)

    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "Retry-After" in answer["Access-Control-Expose-Headers"]


def test_an_unforeseen_error_keeps_the_shape_and_says_nothing(
    visitor: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wish = visitor.wish()

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("clicktocall.embed.views.request_call", fail)
    answer = visitor.post(visitor.address("embed-calls"), wish)

    assert_refused(answer, 500, "server_error")
    assert b"secret detail" not in answer.content
    assert "secret detail" in caplog.text, "nobody can find out what happened"


def test_a_forged_host_is_refused_before_anything_is_written(
    visitor: Browser, settings: Settings
) -> None:
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if "CommonMiddleware" not in m]
    wish = visitor.wish()

    answer = visitor.post(visitor.address("embed-calls"), wish, Host="evil.example")

    assert_refused(answer, 400, "invalid_request")
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    "context",
    ["", "forged", "e30:1abc:sig", "{}", "null", "other endpoint", "mutated", None],
)
def test_a_context_that_is_not_ours_is_left_out(
    endpoint: Endpoint, visitor: Browser, context: str | None
) -> None:
    if context == "other endpoint":
        context = sign_context("0" * 32, {"customer": 17})
    if context == "mutated":
        context = sign_context(endpoint.id, {"customer": 17})
        context = context[:-1] + ("A" if context[-1] != "A" else "B")
    wish = {**visitor.wish(), "context": context}

    assert visitor.post(visitor.address("embed-calls"), wish).status_code == 202
    assert Call.objects.get().context == {}


def test_a_long_page_address_is_shortened(visitor: Browser) -> None:
    page = "https://shop.example/?q=" + "ä" * 5000

    assert visitor.connect(page=page).status_code == 202
    assert Call.objects.get().page == page[:2000]


def test_members_nobody_asked_for_change_nothing(endpoint: Endpoint, visitor: Browser) -> None:
    answer = visitor.connect(
        provider="other",
        endpoint="0" * 32,
        account="0" * 32,
        door="python",
        options={"record": True, "caller_id_a": "+12025550123"},
        caller_id_a="+12025550123",
        extension="+12025550199",
        state="connected",
        id="1" * 32,
        at="2026-11-23T09:00:00Z",
    )

    assert answer.status_code == 202
    call = Call.objects.get()
    assert call.endpoint_id == endpoint.id
    assert (call.door, call.provider, call.state) == ("embed", "sandbox", "queued")
    assert call.extension == "+442079460150"
    assert call.options == endpoint.call_options().to_json()
    assert call.id != "1" * 32


# Refusals: what the operator finds


def test_a_refusal_is_kept_with_its_rule(endpoint: Endpoint, visitor: Browser) -> None:
    heard: list[Any] = []

    def hear(**kwargs: Any) -> None:
        heard.append(kwargs)

    call_refused.connect(hear)
    try:
        visitor.connect(contact="+33 1 99 00 12 34", page="https://shop.example/bikes")
    finally:
        call_refused.disconnect(hear)

    refusal = Refusal.objects.get()
    assert refusal.endpoint == endpoint
    assert (refusal.rule, refusal.code) == ("country_not_allowed", "not_available")
    assert refusal.contact.as_e164 == "+33199001234"
    assert (refusal.door, refusal.origin) == ("embed", ORIGIN)
    assert refusal.page == "https://shop.example/bikes"
    assert "FR" in refusal.detail


def test_a_refusal_without_a_number_has_none(visitor: Browser) -> None:
    visitor.connect(contact="tel:020 7946 0101")

    assert str(Refusal.objects.get().contact or "") == ""


def test_a_foreign_origin_is_kept_as_evidence(endpoint: Endpoint) -> None:
    token = Browser(endpoint).token()
    Browser(endpoint, "https://evil.example/" + "x" * 400).connect(token=token)
    Browser(endpoint, None).connect(token=token)

    assert set(Refusal.objects.values_list("rule", flat=True)) == {"origin_not_allowed"}
    origins = sorted(Refusal.objects.values_list("origin", flat=True), key=len)
    assert origins[0] == ""
    assert origins[1].startswith("https://evil.example/")
    assert len(origins[1]) == 255


@time_machine.travel(NOW, tick=False)
def test_refusals_are_kept_up_to_the_cap_and_counted_beyond(
    endpoint: Endpoint, visitor: Browser, settings: Settings
) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "REFUSALS_KEPT_PER_HOUR": 5}
    for _ in range(8):
        visitor.connect(contact="12")
    other = Browser(make_endpoint(endpoint.account))
    other.connect(contact="12")
    visitor.connect(contact="tel:12")
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        visitor.connect(contact="12")

    kept = Refusal.objects.filter(endpoint=endpoint, rule="number_syntax")
    assert kept.count() == 5 + 1, "5 of the first hour, 1 of the next"
    counts = dict(
        RefusalCount.objects.filter(endpoint=endpoint, rule="number_syntax").values_list(
            "hour", "count"
        )
    )
    hour = NOW.replace(minute=0, second=0)
    assert counts == {hour: 8, hour + timedelta(hours=1): 1}
    assert Refusal.objects.filter(endpoint_id=other.endpoint_id).count() == 1, "one cap for all"
    assert Refusal.objects.filter(endpoint=endpoint, rule="number_characters").count() == 1


@time_machine.travel(NOW, tick=False)
def test_by_default_a_hundred_refusals_of_an_hour_are_kept(visitor: Browser) -> None:
    token = visitor.token()
    answers = {visitor.connect(contact="12", token=token).status_code for _ in range(103)}

    assert answers == {400}
    assert Refusal.objects.count() == 100
    assert RefusalCount.objects.get().count == 103


def test_a_number_in_the_log_is_masked(visitor: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="clicktocall")
    visitor.connect(contact="+33 1 99 00 12 34")
    visitor.connect(contact="020 7946 0177", fields={"email": "canary@example.com"})

    ours = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith("clicktocall")
    )
    assert "country_not_allowed" in ours
    for secret in ("33199001234", "199001234", "2079460177", "20 7946 0177", "canary@"):
        assert secret not in ours, f"{secret} stands in the log"


def test_nothing_of_the_request_can_be_read_in_a_call(visitor: Browser) -> None:
    answer = visitor.connect(
        contact="020 7946 0177", fields={"name": "Ada", "email": "ada@example.com"}
    )

    text = json.dumps(answer.json())
    for private in ("2079460177", "20 7946 0177", "Ada", "ada@example.com"):
        assert private not in text


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"])
def test_only_post_connects(endpoint: Endpoint, visitor: Browser, method: str) -> None:
    body = json.dumps(visitor.wish()).encode()

    answer = visitor.request(method, visitor.address("embed-calls"), body)

    assert answer.status_code == 405
    if method != "HEAD":
        assert_refused(answer, 405, "method_not_allowed")
    assert "POST" in answer["Allow"]
    assert not Call.objects.exists()


def test_the_time_of_the_request_is_its_own(visitor: Browser) -> None:
    before = timezone.now()
    visitor.connect()

    assert before <= Call.objects.get().created_at <= timezone.now()


# Hosts with settings of their own


@pytest.mark.django_db(transaction=True)
def test_a_host_with_atomic_requests_keeps_the_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    visitor = Browser(make_endpoint())

    assert_refused(visitor.connect(contact="+33 1 99 00 12 34"), 403, "not_available")
    assert Refusal.objects.count() == 1
    assert visitor.connect().status_code == 202


def test_a_host_that_wants_everybody_logged_in_lets_visitors_in(
    visitor: Browser, settings: Settings
) -> None:
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]

    told = visitor.connect()
    assert told.status_code == 202
    assert visitor.config().status_code == 200
    assert visitor.get(told.json()["status_url"]).status_code == 200
    assert visitor.post(told.json()["cancel_url"]).status_code == 200


def test_a_hosts_rest_framework_settings_change_nothing(
    visitor: Browser, settings: Settings
) -> None:
    settings.REST_FRAMEWORK = {
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
        "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
        "ALLOWED_VERSIONS": ["9"],
        "EXCEPTION_HANDLER": "nowhere.handler",
        "NON_FIELD_ERRORS_KEY": "all",
    }

    assert visitor.connect().status_code == 202
    assert_refused(visitor.connect(contact="12"), 400, "invalid_number")
    error = assert_refused(visitor.connect(fields="x"), 400, "invalid_request")
    assert set(error["fields"]) == {"fields"}
