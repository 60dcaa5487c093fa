"""Asking for a call over the API: the answer, overrides by scope, idempotency, refusals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from clicktocall.accounts.keys import issue_key
from clicktocall.accounts.overrides import MANAGED_OPTIONS
from clicktocall.calls.brakes import resume_calls, stop_calls
from clicktocall.models import Call, Endpoint, Refusal, Scope
from clicktocall.rules import RULES, VisitorCode
from clicktocall.rules import Refusal as Verdict
from tests.api.server import Server, problem
from tests.factories import VISITOR, make_account, make_endpoint, make_owned_number

KEY = "4bb6a3c8-order-7"


def connect(server: Server, endpoint: Any, body: Any = None, **headers: str) -> Any:
    return server.post(f"endpoints/{endpoint.pk}/connect/", body, **headers)


def test_a_call_is_queued_and_told_as_its_account_sees_it(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    body = {
        "contact": "020 7946 0101",
        "client_reference": "order-7",
        "visitor": {"name": "Ada", "email": "ada@shop.example", "question": "Brakes"},
        "context": {"order": 7},
        "options": {"timeout": 20, "message_text": "One moment."},
    }

    answer = connect(server, endpoint, body)

    assert answer.status_code == 202, answer.content
    told = answer.json()
    call = Call.objects.get()
    assert told["id"] == call.pk
    assert answer["Location"] == told["status_url"]
    assert told["contact"] == VISITOR
    assert told["extension"] == endpoint.extension
    assert (told["state"], told["outcome"]) == ("queued", None)
    assert told["legs"] == {"a": "waiting", "b": "waiting"}
    assert told["attempts"] == []
    assert (told["reference"], told["price"], told["recording"]) == (None, None, None)
    assert told["client_reference"] == "order-7"
    assert told["visitor"] == body["visitor"]
    assert told["context"] == {"order": 7}
    assert (told["options"]["timeout"], told["options"]["message_text"]) == (20, "One moment.")
    assert told["poll_after"] > 0
    assert told["requester"] == f"key:{server.key.pk}"
    assert call.door == "api"
    assert server.get(told["status_url"]).json()["id"] == call.pk
    assert server.post(told["cancel_url"]).json()["outcome"] == "canceled"


def test_a_voice_message_is_one_call_with_words_of_its_own(server: Server) -> None:
    made = server.post(
        "endpoints/",
        {
            "name": "Reminders",
            "extension_kind": "message",
            "message_text": "Your bicycle is ready.",
            "provider": "sandbox",
            "allowed_countries": ["GB"],
            "allow_any_number": True,
        },
    )
    assert made.status_code == 201, made.content
    endpoint = Endpoint.objects.get()
    assert (made.json()["extension"], endpoint.one_leg) == ("", True)

    words = {"options": {"message_text": "Your wheel is ready."}}
    told = connect(server, endpoint, {"contact": VISITOR, **words}).json()

    assert (told["extension_kind"], told["extension"]) == ("message", "")
    assert (told["legs"], told["dial_first"]) == ({"a": "waiting", "b": None}, "contact")
    assert told["options"]["message_text"] == "Your wheel is ready."
    silent = connect(server, endpoint, {"contact": VISITOR, "options": {"message_text": ""}})
    fields = problem(silent, 400, "invalid_request")["fields"]
    assert list(fields) == ["options.message_text"]
    bulk = {
        "endpoint": endpoint.pk,
        "calls": [
            {"contact": VISITOR, **words},
            {"contact": VISITOR, "options": {"message_text": ""}},
        ],
    }
    answer = server.post("bulks/", bulk).json()
    assert [call["legs"]["b"] for call in answer["calls"]] == [None]
    assert [entry["field"] for entry in answer["refused"]] == ["options.message_text"]


def test_callback_data_comes_back_with_the_call(server: Server) -> None:
    endpoint = make_endpoint(server.account, callback_data="shop 7")
    told = connect(server, endpoint, {"contact": VISITOR}).json()
    assert told["options"]["callback_data"] == "shop 7"
    assert server.get(told["status_url"]).json()["options"]["callback_data"] == "shop 7"


def test_a_call_may_withhold_its_number(server: Server) -> None:
    owned = make_owned_number(server.account)
    endpoint = make_endpoint(server.account, caller_id_b=owned)
    options: dict[str, Any] = {"withhold_caller_id": True}

    clash = connect(server, endpoint, {"contact": VISITOR, "options": options})
    fields = problem(clash, 400, "invalid_request")["fields"]
    assert list(fields) == ["options.withhold_caller_id"]
    assert "leave out the caller id for leg B" in fields["options.withhold_caller_id"][0]

    body = {"contact": VISITOR, "options": {**options, "caller_id_b": ""}}
    assert connect(server, endpoint, body).json()["options"]["withhold_caller_id"] is True
    caller = Server(server.account, ["call"])
    refused = problem(connect(caller, endpoint, body), 403, "not_allowed")["fields"]
    assert set(refused) == {"options.withhold_caller_id", "options.caller_id_b"}


@pytest.mark.parametrize("contact", ["+44 20 7946 0101", "0044 20 79460101", "٠٢٠ ٧٩٤٦ ٠١٠١"])
def test_a_number_is_read_in_any_spelling(server: Server, contact: str) -> None:
    told = connect(server, make_endpoint(server.account), {"contact": contact}).json()
    assert told["contact"] == VISITOR


def test_the_national_form_is_read_in_the_country_named(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    told = connect(server, endpoint, {"contact": "(202) 555-0101", "country": "us"}).json()
    assert told["contact"] == "+12025550101"


def test_a_repeat_gets_the_first_answer_even_with_a_new_key_of_the_account(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    body = {"contact": VISITOR}
    first = connect(server, endpoint, body, Idempotency_Key=KEY).json()
    second = Server(server.account)

    assert connect(server, endpoint, body, Idempotency_Key=KEY).json()["id"] == first["id"]
    assert connect(second, endpoint, body, Idempotency_Key=KEY).json()["id"] == first["id"]
    assert Call.objects.count() == 1
    different = connect(server, endpoint, {"contact": "+442079460102"}, Idempotency_Key=KEY)
    problem(different, 422, "idempotency_mismatch")
    assert connect(server, endpoint, body).json()["id"] != first["id"]


def test_a_key_of_another_account_is_another_key(server: Server) -> None:
    other = Server()
    mine = connect(server, make_endpoint(server.account), {"contact": VISITOR}, Idempotency_Key=KEY)
    theirs = connect(other, make_endpoint(other.account), {"contact": VISITOR}, Idempotency_Key=KEY)
    assert mine.json()["id"] != theirs.json()["id"]


@pytest.mark.parametrize("key", ["", "two words", "x" * 129, "naïve"])
def test_a_key_that_cannot_be_kept_is_refused(server: Server, key: str) -> None:
    answer = connect(
        server, make_endpoint(server.account), {"contact": VISITOR}, Idempotency_Key=key
    )
    assert set(problem(answer, 400, "invalid_request")["fields"]) == {"Idempotency-Key"}
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    ("contact", "fields", "status", "code", "refusal"),
    [
        ("hello", {}, 400, "invalid_number", "number_characters"),
        ("", {}, 400, "invalid_number", "number_empty"),
        ("+33123456789", {}, 403, "not_available", "country_not_allowed"),
        ("+449090000000", {}, 403, "not_available", "number_kind"),
        (VISITOR, {"active": False}, 403, "not_available", "endpoint_inactive"),
        (VISITOR, {"allow_any_number": False}, 403, "not_available", "whitelist_empty"),
        (
            VISITOR,
            {"opening_hours": {"time_zone": "UTC", "monday": [["00:00", "00:01"]]}},
            409,
            "closed",
            "closed",
        ),
    ],
)
def test_a_refusal_names_its_rule_to_the_account(
    server: Server,
    time_machine: Any,
    contact: str,
    fields: dict[str, Any],
    status: int,
    code: str,
    refusal: str,
) -> None:
    time_machine.move_to("2026-11-18T12:00:00Z", tick=False)  # a Wednesday
    answer = connect(server, make_endpoint(server.account, **fields), {"contact": contact})

    error = problem(answer, status, code)
    assert error["refusal"] == refusal
    assert error.get("next_opening") == ("2026-11-23T00:00:00Z" if code == "closed" else None)
    assert set(error.get("fields", ())) == ({"contact"} if status == 400 else set())
    assert Refusal.objects.get().rule == refusal
    listed = server.get("refusals/").json()["results"]
    assert [(row["refusal"], row["requester"]) for row in listed] == [
        (refusal, f"key:{server.key.pk}")
    ]


@pytest.mark.parametrize(("known", "told"), [(None, "60"), (39.2, "40")])
def test_a_limit_says_when_to_come_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, known: float | None, told: str
) -> None:
    verdict = Verdict("rate", VisitorCode.TRY_LATER, "Too many.", retry_after=known)
    monkeypatch.setattr("clicktocall.rules.RULES", (lambda asked: verdict, *RULES))

    answer = connect(server, make_endpoint(server.account), {"contact": VISITOR})

    assert problem(answer, 429, "try_later")["refusal"] == "rate"
    assert answer["Retry-After"] == told


def test_what_concerns_money_identity_and_recording_takes_the_scope_manage(server: Server) -> None:
    account = server.account
    endpoint = make_endpoint(account, max_duration=600)
    owned = make_owned_number(account)
    caller = Server(account, [Scope.CALL])
    values: dict[str, Any] = {
        "caller_id_a": owned.number,
        "caller_id_b": owned.number,
        "bridge": owned.number,
        "anonymization": False,
        "withhold_caller_id": False,
        "callee_id_name": "Ada",
        "callee_id_number": "100",
        "record": True,
        "dial_first": "contact",
        "machine_detection": "hangup",
        "validity_period": 2880,
        "delivery_time_window": {},
        "max_duration": 601,
        "retry_min_period": 1,
        "retry_max_period": 1,
        "retry_max_count": 1,
        "transfers": [],
        "custom_sip_headers": {"X-A": "b"},
        "notify_url": "https://attacker.example/",
        "notify_content_type": "application/xml",
    }
    assert set(values) == MANAGED_OPTIONS

    for name, value in values.items():
        answer = connect(caller, endpoint, {"contact": VISITOR, "options": {name: value}})
        assert f"options.{name}" in problem(answer, 403, "not_allowed")["message"]
    assert not Call.objects.exists()
    less = {"max_duration": 60, "validity_period": 1}
    shorter = connect(caller, endpoint, {"contact": VISITOR, "options": less})
    assert shorter.json()["options"]["max_duration"] == 60
    everything = connect(server, endpoint, {"contact": VISITOR, "options": values})
    assert everything.status_code == 202, everything.content
    assert everything.json()["options"]["caller_id_a"] == owned.number


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "contact"),
        ({"contact": 442079460101}, "contact"),
        ({"contact": VISITOR, "country": "XX"}, "country"),
        ({"contact": VISITOR, "country": ""}, "country"),
        ({"contact": VISITOR, "contct": VISITOR}, "contct"),
        ({"contact": VISITOR, "client_reference": "x" * 129}, "client_reference"),
        ({"contact": VISITOR, "options": []}, "options"),
        ({"contact": VISITOR, "options": {"timeout": 4}}, "options.timeout"),
        ({"contact": VISITOR, "options": {"timeot": 4}}, "options.timeot"),
        ({"contact": VISITOR, "options": {"caller_id_a": "+442079460999"}}, "options.caller_id_a"),
        ({"contact": VISITOR, "options": {"retry_max_count": 2}}, "options.retry_min_period"),
        ({"contact": VISITOR, "visitor": {"email": "ada"}}, "visitor.email"),
        ({"contact": VISITOR, "context": {"order": "x" * 2048}}, "context"),
        ({"contact": VISITOR, "context": "order"}, "context"),
    ],
)
def test_a_wrong_body_names_its_field_and_places_nothing(
    server: Server, body: dict[str, Any], field: str
) -> None:
    answer = connect(server, make_endpoint(server.account), body)

    assert field in problem(answer, 400, "invalid_request")["fields"]
    assert not Call.objects.exists()


def test_a_caller_id_of_another_account_cannot_be_shown(server: Server) -> None:
    foreign = make_owned_number(make_account())
    body = {"contact": VISITOR, "options": {"caller_id_b": foreign.number}}

    answer = connect(server, make_endpoint(server.account), body)

    assert set(problem(answer, 400, "invalid_request")["fields"]) == {"options.caller_id_b"}


def test_another_accounts_endpoint_does_not_exist(server: Server) -> None:
    problem(connect(server, make_endpoint(), {"contact": VISITOR}), 404, "not_found")
    assert not Call.objects.exists()
    assert not Refusal.objects.exists()


def test_an_expired_key_places_no_call(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    key, secret = issue_key(server.account, "old", [Scope.CALL])
    key.expires_at = key.created_at
    key.save()
    server.secret = secret

    answer = connect(server, endpoint, {"contact": VISITOR})

    problem(answer, 401, "invalid_key")
    assert answer["WWW-Authenticate"] == "Bearer"


# --- Later ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scopes", [["call"], ["call", "manage"]])
def test_a_call_may_wait_for_its_time(db: None, scopes: list[str]) -> None:
    server = Server(scopes=scopes)
    then = (timezone.now() + timedelta(days=30)).replace(microsecond=0)
    written = f"{then + timedelta(hours=5, minutes=30):%Y-%m-%dT%H:%M:%S}+05:30"

    told = connect(server, make_endpoint(server.account), {"contact": VISITOR, "send_at": written})

    assert told.status_code == 202, told.content
    assert told.json()["state"] == "scheduled"
    assert datetime.fromisoformat(told.json()["due_at"]) == then
    assert Call.objects.get().due_at == then


def test_a_time_that_is_past_means_at_once(server: Server) -> None:
    body = {"contact": VISITOR, "send_at": "2001-09-09T01:46:40Z"}
    told = connect(server, make_endpoint(server.account), body).json()
    assert told["state"] == "queued"


def test_the_opening_hours_are_those_of_the_time(server: Server) -> None:
    always = {day: [["00:00", "24:00"]] for day in ("monday", "tuesday", "wednesday", "thursday")}
    always |= {day: [["00:00", "24:00"]] for day in ("friday", "saturday", "sunday")}
    then = timezone.now() + timedelta(days=40)
    closed = {**always, "exceptions": {f"{then:%Y-%m-%d}": []}}
    endpoint = make_endpoint(server.account, opening_hours=closed)

    refused = connect(server, endpoint, {"contact": VISITOR, "send_at": then.isoformat()})

    error = problem(refused, 409, "closed")
    opens = datetime.fromisoformat(error["next_opening"])
    assert opens.date() == (then + timedelta(days=1)).date()
    assert connect(server, endpoint, {"contact": VISITOR}).status_code == 202


@pytest.mark.parametrize(
    "send_at", [None, "soon", 7, "2026-11-24T09:00:00", "2999-01-01T00:00:00Z"]
)
def test_what_is_no_time_is_named(server: Server, send_at: Any) -> None:
    body = {"contact": VISITOR, "send_at": send_at}
    answer = connect(server, make_endpoint(server.account), body)
    assert set(problem(answer, 400, "invalid_request")["fields"]) == {"send_at"}
    assert not Call.objects.exists()


def test_the_same_key_for_another_time_is_another_request(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    then = timezone.now() + timedelta(hours=1)
    body = {"contact": VISITOR, "send_at": then.isoformat()}
    first = connect(server, endpoint, body, Idempotency_Key=KEY).json()
    assert connect(server, endpoint, body, Idempotency_Key=KEY).json()["id"] == first["id"]
    body["send_at"] = (then + timedelta(hours=1)).isoformat()
    problem(connect(server, endpoint, body, Idempotency_Key=KEY), 422, "idempotency_mismatch")


# --- Not at all -----------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["site", "account", "provider"])
def test_stopped_calls_are_refused_from_the_next_request_on(server: Server, scope: str) -> None:
    endpoint = make_endpoint(server.account)
    scopes: dict[str, dict[str, Any]] = {
        "site": {},
        "account": {"account": server.account},
        "provider": {"provider": "sandbox"},
    }
    stopped = scopes[scope]
    body = {"contact": VISITOR}
    bulk = {"endpoint": endpoint.pk, "calls": [body]}
    assert connect(server, endpoint, body).status_code == 202

    stop_calls(**stopped, reason="fraud")

    answer = connect(server, endpoint, body)
    error = problem(answer, 503, "unavailable")
    assert error["refusal"] == "stopped"
    assert int(answer["Retry-After"]) > 0
    (refused,) = server.post("bulks/", bulk).json()["refused"]
    assert (refused["code"], refused["refusal"]) == ("unavailable", "stopped")
    assert Call.objects.count() == 1
    kept = server.get("refusals/", {"refusal": "stopped"}).json()["results"]
    assert [each["code"] for each in kept] == ["unavailable"] * 2

    resume_calls(**stopped)
    assert connect(server, endpoint, body).status_code == 202
    assert server.post("bulks/", bulk).json()["total"] == 1


def test_calls_go_on_while_one_provider_of_the_chain_is_there(server: Server) -> None:
    endpoint = make_endpoint(server.account, fallback_providers=["second"])
    stop_calls(provider="sandbox")
    assert connect(server, endpoint, {"contact": VISITOR}).status_code == 202
    stop_calls(provider="second")
    error = problem(connect(server, endpoint, {"contact": VISITOR}), 503, "unavailable")
    assert "sandbox, second" in error["message"]
