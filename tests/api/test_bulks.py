"""Many calls in one request: each judged by itself, told in order, repeated safely."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from clicktocall.models import Account, Bulk, Call, Refusal, Scope
from clicktocall.states import CallState
from tests.api.server import Server, problem
from tests.factories import VISITOR, make_call, make_endpoint

OTHER = "+442079460102"
ABROAD = "+33123456789"


def test_entries_are_judged_one_by_one(server: Server) -> None:
    sales, support = make_endpoint(server.account), make_endpoint(server.account)
    body = {
        "bulk_id": "monday",
        "endpoint": sales.pk,
        "calls": [
            {"contact": VISITOR, "client_reference": "a"},
            {"contact": ABROAD},
            {"contact": "020 7946 0102", "endpoint": support.pk, "options": {"timeout": 20}},
            {"contact": VISITOR, "options": {"retry_max_count": 2}},
        ],
    }

    answer = server.post("bulks/", body)

    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert [(call["contact"], call["endpoint"]) for call in told["calls"]] == [
        (VISITOR, sales.pk),
        (OTHER, support.pk),
    ]
    assert [(e["index"], e["code"], e["refusal"], e["field"]) for e in told["refused"]] == [
        (1, "not_available", "country_not_allowed", "contact"),
        (3, "invalid_option", "", "options.retry_min_period"),
    ]
    assert (told["total"], told["in_progress"], told["bulk_id"]) == (2, 2, "monday")
    assert Refusal.objects.count() == 1
    read = server.get(answer["Location"]).json()
    assert read == {name: value for name, value in told.items() if name != "calls"}
    (listed,) = server.get("bulks/").json()["results"]
    assert listed == {name: value for name, value in read.items() if name != "refused"}
    calls = server.get(told["calls_url"]).json()["results"]
    assert {call["id"] for call in calls} == {call["id"] for call in told["calls"]}
    assert all(call["bulk"] == told["id"] for call in calls)
    server.post(told["calls"][0]["cancel_url"])
    assert server.get(answer["Location"]).json()["in_progress"] == 1


def test_a_repeat_gets_the_first_answer(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    body: dict[str, Any] = {
        "endpoint": endpoint.pk,
        "calls": [{"contact": VISITOR}, {"contact": ABROAD}],
    }
    first = server.post("bulks/", body, Idempotency_Key="k1").json()
    endpoint.allowed_countries = ["GB", "FR"]
    endpoint.save()

    again = server.post("bulks/", body, Idempotency_Key="k1")

    assert again.status_code == 202
    for name in ("id", "refused", "total"):
        assert again.json()[name] == first[name]
    assert [call["id"] for call in again.json()["calls"]] == [call["id"] for call in first["calls"]]
    assert (Bulk.objects.count(), Call.objects.count()) == (1, 1)
    body["calls"].append({"contact": OTHER})
    problem(server.post("bulks/", body, Idempotency_Key="k1"), 422, "idempotency_mismatch")


def test_a_name_is_used_once(server: Server) -> None:
    body = {
        "bulk_id": "monday",
        "endpoint": make_endpoint(server.account).pk,
        "calls": [{"contact": VISITOR}],
    }
    assert server.post("bulks/", body).status_code == 202
    error = problem(server.post("bulks/", body), 400, "invalid_request")
    assert set(error["fields"]) == {"bulk_id"}
    assert Call.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"calls": []}, "calls"),
        ({"calls": "all"}, "calls"),
        ({"calls": [7]}, "calls.0"),
        ({"calls": [{"contact": VISITOR}, {"kontakt": VISITOR}]}, "calls.1.kontakt"),
        ({"calls": [{"contact": VISITOR, "options": {"timeout": 1}}]}, "calls.0.options.timeout"),
        ({"endpoint": "0" * 32}, "endpoint"),
        ({"endpoint": ""}, "endpoint"),
        ({"endpoint": None}, "endpoint"),
        ({"bulk_id": "x" * 129}, "bulk_id"),
        ({"calls": [{"contact": VISITOR}] * 1001}, "calls"),
        ({"calls": [{"contact": VISITOR, "send_at": "tomorrow"}]}, "calls.0.send_at"),
        ({"calls": [{"contact": VISITOR, "send_at": "2026-11-24T09:00"}]}, "calls.0.send_at"),
        ({"speed": None}, "speed"),
        ({"speed": 10}, "speed"),
        ({"speed": {"calls": 10}}, "speed.unit"),
        ({"speed": {"unit": "minute"}}, "speed.calls"),
        ({"speed": {"calls": 0, "unit": "minute"}}, "speed.calls"),
        ({"speed": {"calls": 1001, "unit": "minute"}}, "speed.calls"),
        ({"speed": {"calls": 1.5, "unit": "minute"}}, "speed.calls"),
        ({"speed": {"calls": True, "unit": "minute"}}, "speed.calls"),
        ({"speed": {"calls": 1, "unit": "week"}}, "speed.unit"),
        ({"speed": {"calls": 1, "unit": "day", "burst": 5}}, "speed.burst"),
    ],
)
def test_a_wrong_body_names_its_field_and_places_nothing(
    server: Server, change: dict[str, Any], field: str, settings: Any
) -> None:
    body = {
        "endpoint": make_endpoint(server.account).pk,
        "calls": [{"contact": VISITOR}],
        **change,
    }
    error = problem(server.post("bulks/", body), 400, "invalid_request")
    assert field in error["fields"], error
    assert not Bulk.objects.exists()


def test_nobody_calls_with_an_endpoint_of_another_account(server: Server) -> None:
    body = {
        "endpoint": make_endpoint(server.account).pk,
        "calls": [{"contact": VISITOR}, {"contact": VISITOR, "endpoint": make_endpoint().pk}],
    }
    error = problem(server.post("bulks/", body), 400, "invalid_request")
    assert set(error["fields"]) == {"calls.1.endpoint"}
    assert not Call.objects.exists()


def test_an_option_out_of_scope_is_refused_as_a_whole(server: Server) -> None:
    caller = Server(server.account, [Scope.CALL])
    body = {
        "endpoint": make_endpoint(server.account).pk,
        "calls": [{"contact": VISITOR}, {"contact": VISITOR, "options": {"record": True}}],
    }
    assert "options.record" in problem(caller.post("bulks/", body), 403, "not_allowed")["message"]
    assert not Call.objects.exists()


def test_a_thousand_calls_fit_into_one_request(server: Server) -> None:
    entry = {"contact": VISITOR, "client_reference": "x" * 100}
    body = {"endpoint": make_endpoint(server.account).pk, "calls": [entry] * 1000}

    answer = server.post("bulks/", body)

    assert answer.status_code == 202, answer.content
    assert (answer.json()["total"], Call.objects.count()) == (1000, 1000)


def test_a_bulk_has_its_own_largest_size(server: Server, settings: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "MAX_BULK_BODY_SIZE": 1000}
    problem(server.post("bulks/", {"bulk_id": "x" * 1000}), 413, "too_large")


def test_the_keys_default_endpoint_is_taken_where_none_is_named(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    server.key.default_endpoint = endpoint
    server.key.save()

    told = server.post("bulks/", {"calls": [{"contact": VISITOR}]}).json()

    assert [call["endpoint"] for call in told["calls"]] == [endpoint.pk]


def test_an_option_out_of_scope_is_named_with_its_entry(server: Server) -> None:
    caller = Server(server.account, [Scope.CALL])
    calls = [{"contact": VISITOR}, {"contact": VISITOR, "options": {"record": True}}]
    body = {"endpoint": make_endpoint(server.account).pk, "calls": calls}

    error = problem(caller.post("bulks/", body), 403, "not_allowed")

    assert set(error["fields"]) == {"calls.1.options.record"}


# --- When -----------------------------------------------------------------------------------


def test_each_entry_may_have_its_time(server: Server) -> None:
    then = timezone.now() + timedelta(hours=3)
    body = {
        "endpoint": make_endpoint(server.account).pk,
        "calls": [
            {"contact": VISITOR, "send_at": then.isoformat()},
            {"contact": OTHER},
            {"contact": OTHER, "send_at": (then + timedelta(days=181)).isoformat()},
        ],
    }

    told = server.post("bulks/", body).json()

    assert [call["state"] for call in told["calls"]] == ["scheduled", "queued"]
    assert datetime.fromisoformat(told["calls"][0]["due_at"]) == then
    (refused,) = told["refused"]
    assert (refused["index"], refused["code"], refused["field"]) == (2, "invalid_option", "send_at")
    assert (told["speed"], told["next_call_at"], told["paused_at"]) == (None, None, None)


def test_a_speed_lets_each_call_wait_for_its_turn(server: Server) -> None:
    start = timezone.now() + timedelta(hours=1)
    body: dict[str, Any] = {
        "endpoint": make_endpoint(server.account).pk,
        "speed": {"calls": 10, "unit": "minute"},
        "calls": [{"contact": VISITOR, "send_at": start.isoformat()}] * 3,
    }

    answer = server.post("bulks/", body, Idempotency_Key="k1")

    told = answer.json()
    assert told["speed"] == {"calls": 10, "unit": "minute"}
    assert datetime.fromisoformat(told["next_call_at"]) == start
    assert told["by_state"]["scheduled"] == told["total"] == 3
    assert {call["due_at"] for call in told["calls"]} == {None}
    assert Bulk.objects.get().interval == timedelta(seconds=6)
    read = server.get(answer["Location"]).json()
    assert read == {name: value for name, value in told.items() if name != "calls"}
    again = server.post("bulks/", body, Idempotency_Key="k1").json()
    assert (again["id"], again["speed"]) == (told["id"], told["speed"])
    body["speed"]["calls"] = 11
    problem(server.post("bulks/", body, Idempotency_Key="k1"), 422, "idempotency_mismatch")


# --- Pausing, moving, cancelling ------------------------------------------------------------


def bulk_of(account: Account) -> Bulk:
    """With a call that is due in an hour, one that a provider has, and one that is over."""
    bulk = Bulk.objects.create(account=account)
    endpoint = make_endpoint(account)
    in_an_hour = timezone.now() + timedelta(hours=1)
    times = {"due_at": in_an_hour, "expires_at": in_an_hour + timedelta(minutes=2)}
    make_call(endpoint, bulk=bulk, state=CallState.SCHEDULED, **times)
    make_call(endpoint, bulk=bulk, state=CallState.PLACED)
    make_call(endpoint, bulk=bulk, state=CallState.ENDED, outcome="completed")
    return bulk


def states(told: dict[str, Any]) -> dict[str, int]:
    return {state: count for state, count in told["by_state"].items() if count}


def waiting_call() -> Call:
    return Call.objects.get(state=CallState.SCHEDULED)


@pytest.fixture
def bulk(server: Server) -> Bulk:
    return bulk_of(server.account)


def test_a_bulk_tells_how_its_calls_stand(server: Server, bulk: Bulk) -> None:
    told = server.get(f"bulks/{bulk.pk}/").json()
    assert states(told) == {"scheduled": 1, "placed": 1, "ended": 1}
    assert (told["total"], told["in_progress"]) == (3, 2)
    assert set(told["by_state"]) == set(CallState.values)
    (listed,) = server.get("bulks/").json()["results"]
    assert listed["by_state"] == told["by_state"]


def test_a_bulk_is_paused_and_resumed(server: Server, bulk: Bulk) -> None:
    paused = server.post(f"bulks/{bulk.pk}/pause/")
    assert paused.status_code == 200, paused.content
    since = datetime.fromisoformat(paused.json()["paused_at"])
    assert timezone.now() - since < timedelta(seconds=10)
    assert server.post(f"bulks/{bulk.pk}/pause/").json() == paused.json(), "twice is no error"

    due = waiting_call().due_at
    Bulk.objects.update(paused_at=since - timedelta(minutes=30))
    resumed = server.post(f"bulks/{bulk.pk}/resume/").json()

    assert resumed == {**paused.json(), "paused_at": None}
    now_due = waiting_call().due_at
    assert due is not None
    assert now_due is not None
    assert timedelta(minutes=30) <= now_due - due < timedelta(minutes=31)
    assert server.post(f"bulks/{bulk.pk}/resume/").json() == resumed
    assert waiting_call().due_at == now_due, "nothing is put off twice"


def test_a_bulk_is_moved(server: Server, bulk: Bulk) -> None:
    then = timezone.now() + timedelta(days=2)
    for _ in range(2):
        answer = server.post(f"bulks/{bulk.pk}/reschedule/", {"send_at": then.isoformat()})
        assert answer.status_code == 200, answer.content
        assert states(answer.json()) == {"scheduled": 1, "placed": 1, "ended": 1}
        assert waiting_call().due_at == then


@pytest.mark.parametrize(
    "send_at",
    [
        *(None, "", "now", 1795600000, "2026-11-24", "2026-11-24T09:00:00"),
        *("2026-02-30T09:00:00Z", "2026-11-24 09:00:00Z", "20261124T090000Z"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2999-01-01T00:00:00Z"),
        "2026-11-24T09:00:00+99:00",
    ],
)
def test_no_bulk_is_moved_to_what_is_no_time(server: Server, bulk: Bulk, send_at: Any) -> None:
    before = waiting_call().due_at
    answer = server.post(f"bulks/{bulk.pk}/reschedule/", {"send_at": send_at})
    assert set(problem(answer, 400, "invalid_request")["fields"]) == {"send_at"}
    assert waiting_call().due_at == before


def test_a_bulk_is_cancelled_as_far_as_it_waits(server: Server, bulk: Bulk) -> None:
    first = server.post(f"bulks/{bulk.pk}/cancel/")
    assert first.status_code == 200, first.content
    assert states(first.json()) == {"placed": 1, "ended": 2}
    assert Call.objects.filter(outcome="canceled").count() == 1
    assert server.post(f"bulks/{bulk.pk}/cancel/").json() == first.json(), "twice is no error"


@pytest.mark.parametrize("action", ["pause", "resume", "reschedule", "cancel"])
def test_what_is_done_with_a_bulk_takes_what_cancelling_a_call_does(
    server: Server, bulk: Bulk, action: str
) -> None:
    body = {"send_at": "2026-11-24T09:00:00Z"} if action == "reschedule" else {}
    caller, reader = Server(server.account, [Scope.CALL]), Server(server.account, [Scope.READ])
    problem(reader.post(f"bulks/{bulk.pk}/{action}/", body), 403, "not_allowed")
    assert caller.post(f"bulks/{bulk.pk}/{action}/", body).status_code == 200
    problem(Server().post(f"bulks/{bulk.pk}/{action}/", body), 404, "not_found")
