"""Endpoints over the API: the same judgement as in the admin, versions, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from clicktocall.models import Endpoint
from tests.api.server import Server, problem
from tests.factories import TEAM, make_account, make_call, make_endpoint, make_owned_number

GOOD: dict[str, Any] = {"name": "Sales", "extension": TEAM, "provider": "sandbox"}


def test_a_new_endpoint_has_the_usual_values_and_can_be_read_again(server: Server) -> None:
    answer = server.post("endpoints/", GOOD)

    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert told["account"] == server.account.pk
    assert told["allowed_origins"] == []
    assert told["allow_any_number"] is False
    assert told["timeout"] == 30
    assert told["created_at"].endswith("Z")
    again = server.get(answer["Location"])
    assert again.json() == told
    assert again["ETag"] == answer["ETag"]


def test_everything_that_can_be_written_comes_back(server: Server) -> None:
    owned = make_owned_number(server.account)
    body = {
        **GOOD,
        "active": False,
        "dial_first": "contact",
        "caller_id_a": owned.number,
        "caller_id_b": owned.number,
        "anonymization": True,
        "timeout": 45,
        "max_duration": 600,
        "warning_time": 30,
        "record": True,
        "machine_detection": "hangup",
        "retry_min_period": 1,
        "retry_max_period": 5,
        "retry_max_count": 2,
        "validity_period": 60,
        "delivery_time_window": {
            "days": ["MONDAY"],
            "from": {"hour": 9, "minute": 0},
            "to": {"hour": 17, "minute": 30},
            "time_zone": "Europe/London",
        },
        "opening_hours": {"time_zone": "Europe/London", "monday": [["09:00", "17:30"]]},
        "allowed_origins": ["https://shop.example"],
        "allowed_countries": ["GB", "US"],
        "allow_any_number": True,
        "fallback_phone": "+44 20 7946 0199",
        "consent_text": "Call me.",
        "consent_version": "1",
        "visitor_fields": ["name"],
        "labels": {"button": "Ring me"},
        "theme": {"accent": "#0b6e4f"},
        "custom_sip_headers": {"X-Queue": "sales"},
        "custom_application_vars": {"queue": "sales"},
        "callback_data": "ref",
    }

    told = server.post("endpoints/", body).json()

    written = {name: told.get(name) for name in body}
    assert written == {**body, "fallback_phone": "+442079460199"}


def test_putting_back_what_was_read_changes_nothing(server: Server) -> None:
    endpoint = make_endpoint(server.account, labels={"button": "Ring me"})
    read = server.get(f"endpoints/{endpoint.pk}/")

    answer = server.put(f"endpoints/{endpoint.pk}/", read.json(), If_Match=read["ETag"])

    assert answer.status_code == 200, answer.content
    changed = {"updated_at"}
    assert {k: v for k, v in answer.json().items() if k not in changed} == {
        k: v for k, v in read.json().items() if k not in changed
    }


def test_put_gives_the_rest_its_usual_values_and_patch_leaves_it(server: Server) -> None:
    endpoint = make_endpoint(server.account, timeout=45, labels={"button": "Ring me"})

    patched = server.patch(f"endpoints/{endpoint.pk}/", {"name": "Support"}).json()
    assert (patched["name"], patched["timeout"]) == ("Support", 45)
    put = server.put(f"endpoints/{endpoint.pk}/", GOOD).json()
    assert (put["name"], put["timeout"], put["labels"]) == ("Sales", 30, {})
    assert put["allowed_origins"] == []


def test_somebody_elses_change_is_not_overwritten(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    address = f"endpoints/{endpoint.pk}/"
    seen = server.get(address)["ETag"]
    newer = server.patch(address, {"name": "Support"}, If_Match=seen)["ETag"]

    assert newer != seen
    for late in (
        server.patch(address, {"name": "Lost"}, If_Match=seen),
        server.put(address, GOOD, If_Match=seen),
        server.delete(address, If_Match=seen),
    ):
        problem(late, 412, "precondition_failed")
    assert Endpoint.objects.get().name == "Support"
    assert server.patch(address, {"name": "Again"}, If_Match="*").status_code == 200
    assert server.get(address, If_None_Match=server.get(address)["ETag"]).status_code == 304


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"extension": "none"}, "extension"),
        ({"extension": "+449090000000"}, "extension"),
        ({"timeout": 1}, "timeout"),
        ({"timeout": "30"}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"active": "yes"}, "active"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"provider": "nobody"}, "provider"),
        ({"fallback_providers": ["nobody"]}, "fallback_providers"),
        ({"fallback_providers": "sandbox"}, "fallback_providers"),
        ({"caller_id_a": "+442079460999"}, "caller_id_a"),
        ({"anonymization": True}, "caller_id_a"),
        ({"allowed_origins": ["shop.example"]}, "allowed_origins"),
        ({"allowed_countries": ["XX"]}, "allowed_countries"),
        ({"retry_max_count": 5}, "retry_max_count"),
        ({"retry_max_count": 1}, "retry_min_period"),
        ({"validity_period": 3000}, "validity_period"),
        ({"delivery_time_window": {"days": ["SOMEDAY"]}}, "delivery_time_window"),
        ({"opening_hours": {"monday": "always"}}, "opening_hours"),
        ({"opening_hours": []}, "opening_hours"),
        ({"consent_text": "Call me."}, "consent_version"),
        ({"fallback_phone": "12"}, "fallback_phone"),
        ({"transfers": [{"transferTo": "+442079460100"}]}, "transfers"),
        (
            {"extension_kind": "flow", "transfers": [{"transferTo": "+88763055", "if": "x"}]},
            "transfers",
        ),
        ({"presence": "x"}, "presence"),
        ({"account": "0" * 32}, "account"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_written(
    server: Server, change: dict[str, Any], field: str
) -> None:
    error = problem(server.post("endpoints/", {**GOOD, **change}), 400, "invalid_request")

    assert field in error["fields"], error
    assert all(error["fields"][field]), error
    assert not Endpoint.objects.exists()

    endpoint = make_endpoint(server.account)
    before = server.get(f"endpoints/{endpoint.pk}/").json()
    problem(server.patch(f"endpoints/{endpoint.pk}/", change), 400, "invalid_request")
    assert server.get(f"endpoints/{endpoint.pk}/").json() == before


def test_an_endpoint_with_a_history_is_switched_off_not_removed(server: Server) -> None:
    used, unused = make_endpoint(server.account), make_endpoint(server.account)
    make_call(used)

    problem(server.delete(f"endpoints/{used.pk}/"), 409, "in_use")
    assert server.delete(f"endpoints/{unused.pk}/").status_code == 204
    problem(server.get(f"endpoints/{unused.pk}/"), 404, "not_found")
    assert list(Endpoint.objects.all()) == [used]


def test_an_endpoint_stays_with_its_account(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    other = make_account()

    error = problem(
        server.patch(f"endpoints/{endpoint.pk}/", {"account": other.pk}), 400, "invalid_request"
    )
    assert set(error["fields"]) == {"account"}


def test_the_list_is_narrowed_by_what_it_knows_only(server: Server) -> None:
    make_endpoint(server.account, name="Sales", active=False)
    make_endpoint(server.account, name="Support")

    def names(**query: Any) -> list[str]:
        return [found["name"] for found in server.get("endpoints/", query).json()["results"]]

    assert names() == ["Support", "Sales"]
    assert names(name="sal") == ["Sales"]
    assert names(active="true") == ["Support"]
    error = problem(server.get("endpoints/", {"nmae": "x"}), 400, "invalid_request")
    assert set(error["fields"]) == {"nmae"}
