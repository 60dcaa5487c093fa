"""Many calls in one request: each judged by itself, told in order, repeated safely."""

from __future__ import annotations

from typing import Any

import pytest

from clicktocall.models import Bulk, Call, Refusal, Scope
from tests.api.server import Server, problem
from tests.factories import VISITOR, make_endpoint

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
