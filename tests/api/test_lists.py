"""Whitelists, numbers, figures: read and written over the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from clicktocall.models import Call, OwnedNumber, WhitelistEntry
from clicktocall.states import CallState, Outcome
from tests.api.server import Server, problem
from tests.factories import make_call, make_endpoint, make_owned_number


def test_a_whitelist_is_kept(server: Server) -> None:
    endpoint = make_endpoint(server.account, whitelist=[r"\+4420"])
    address = f"endpoints/{endpoint.pk}/whitelist/"

    made = server.post(address, {"pattern": r"\+1202555", "note": "Washington"})

    assert made.status_code == 201, made.content
    one = made["Location"]
    assert server.get(one).json() == made.json()
    patterns = [entry["pattern"] for entry in server.get(address).json()["results"]]
    assert patterns == [r"\+1202555", r"\+4420"]
    assert server.patch(one, {"note": "Capital"}).json()["pattern"] == r"\+1202555"
    assert server.put(one, {"pattern": r"\+1"}).json() == {
        **made.json(),
        "pattern": r"\+1",
        "note": "",
    }
    assert server.delete(one).status_code == 204
    problem(server.get(one), 404, "not_found")


@pytest.mark.parametrize("pattern", ["(", "(?=x)", "", "x" * 257, r"\+4420", r"(a)\1", 7, None])
def test_a_pattern_that_cannot_be_used_is_refused(server: Server, pattern: Any) -> None:
    endpoint = make_endpoint(server.account, whitelist=[r"\+4420"])
    address = f"endpoints/{endpoint.pk}/whitelist/"

    error = problem(server.post(address, {"pattern": pattern}), 400, "invalid_request")

    assert set(error["fields"]) == {"pattern"}
    assert WhitelistEntry.objects.count() == 1


def test_a_whitelist_entry_belongs_to_its_endpoint(server: Server) -> None:
    one = make_endpoint(server.account, whitelist=["a"])
    other = make_endpoint(server.account)
    entry = one.whitelist.get()

    problem(server.get(f"endpoints/{other.pk}/whitelist/{entry.pk}/"), 404, "not_found")


def test_a_number_is_kept_in_international_form(server: Server) -> None:
    made = server.post("numbers/", {"number": "+44 20 7946 0190", "label": "Shop"})

    assert made.status_code == 201, made.content
    told = made.json()
    assert told == {
        "id": told["id"],
        "account": server.account.pk,
        "number": "+442079460190",
        "label": "Shop",
        "provider_aliases": [],
        "for_leg_a": True,
        "for_leg_b": True,
        "for_bridge": False,
    }
    assert server.get(made["Location"]).json() == told
    changed = server.patch(made["Location"], {"provider_aliases": ["sandbox"]}).json()
    assert changed["provider_aliases"] == ["sandbox"]
    assert server.put(made["Location"], {"number": "Workshop"}).json()["label"] == ""


def test_a_long_spelling_of_a_number_is_read(server: Server) -> None:
    made = server.post("numbers/", {"number": "+44 (0)20 7946 0190"})
    assert made.json().get("number") == "+442079460190", made.content


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "12"}, "number"),
        ({"number": "no number"}, "number"),
        ({"number": "+442079460190"}, "number"),
        ({"provider_aliases": ["gone"]}, "provider_aliases"),
        ({"for_leg_a": "yes"}, "for_leg_a"),
        ({"label": "x" * 65}, "label"),
        ({"labl": "x"}, "labl"),
    ],
)
def test_a_wrong_number_is_named(server: Server, change: dict[str, Any], field: str) -> None:
    make_owned_number(server.account, number="+442079460190")

    answer = server.post("numbers/", {"number": "+442079460191", **change})

    assert set(problem(answer, 400, "invalid_request")["fields"]) == {field}
    assert OwnedNumber.objects.count() == 1


def test_a_number_that_is_shown_stays(server: Server) -> None:
    owned = make_owned_number(server.account)
    endpoint = make_endpoint(server.account, caller_id_a=owned)

    problem(server.delete(f"numbers/{owned.pk}/"), 409, "in_use")
    server.patch(f"endpoints/{endpoint.pk}/", {"caller_id_a": ""})
    assert server.delete(f"numbers/{owned.pk}/").status_code == 204


def test_figures_by_outcome_endpoint_and_day(server: Server) -> None:
    sales, support = make_endpoint(server.account), make_endpoint(server.account, name="Support")
    late = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    talked = {"state": CallState.ENDED, "outcome": Outcome.COMPLETED, "joined_at": late}
    for endpoint, fields in (
        (sales, {**talked, "talk_seconds": 10, "price": "0.02", "currency": "EUR"}),
        (sales, {**talked, "talk_seconds": 9, "price": "0.0125", "currency": "EUR"}),
        (sales, {"state": CallState.ENDED, "outcome": Outcome.BUSY}),
        (support, {"state": CallState.QUEUED}),
    ):
        Call.objects.filter(pk=make_call(endpoint, **fields).pk).update(created_at=late)
    server.post(f"endpoints/{sales.pk}/connect/", {"contact": "+33123456789"})
    query = {"since": "2026-07-01", "until": "2026-07-03", "time_zone": "Europe/London"}

    told = server.get("statistics/", query).json()

    assert (told["total"], told["in_progress"], told["connected"]) == (4, 1, 1)
    assert told["talk_seconds"] == 19
    assert told["prices"] == [{"amount": "0.0325", "currency": "EUR"}]
    assert told["by_outcome"]["completed"] == 2
    assert told["by_outcome"]["expired"] == 0
    assert [(row["endpoint"], row["total"]) for row in told["by_endpoint"]] == [
        (sales.pk, 3),
        (support.pk, 1),
    ]
    assert {row["day"]: row["total"] for row in told["by_day"]} == {
        "2026-07-01": 0,
        "2026-07-02": 4,
        "2026-07-03": 0,
    }
    assert (told["since"], told["time_zone"]) == ("2026-07-01T00:00:00Z", "Europe/London")
    assert server.get("statistics/", {**query, "endpoint": support.pk}).json()["total"] == 1
    assert server.get("statistics/").json()["refused"] == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"time_zone": "Mars"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"since": "2026-07-02", "until": "2026-07-01"}, "since"),
        ({"since": "2024-01-01", "until": "2026-01-01"}, "since"),
        ({"since": "soon"}, "since"),
        ({"until": "9999-12-31"}, "until"),
        ({"endpoint": "0" * 32}, "endpoint"),
        ({"form": "2026-01-01"}, "form"),
    ],
)
def test_a_wrong_range_is_named(server: Server, query: dict[str, Any], field: str) -> None:
    error = problem(server.get("statistics/", query), 400, "invalid_request")
    assert set(error["fields"]) == {field}


def test_a_change_of_an_entry_or_a_number_can_be_lost_to_nobody(server: Server) -> None:
    endpoint = make_endpoint(server.account, whitelist=[r"\+4420"])
    entry = f"endpoints/{endpoint.pk}/whitelist/{endpoint.whitelist.get().pk}/"
    number = f"numbers/{make_owned_number(server.account).pk}/"
    for address, change in ((entry, {"note": "x"}), (number, {"label": "x"})):
        seen = server.get(address)["ETag"]
        assert server.patch(address, change, If_Match=seen).status_code == 200
        problem(server.patch(address, change, If_Match=seen), 412, "precondition_failed")
        problem(server.delete(address, If_Match=seen), 412, "precondition_failed")
        assert server.delete(address, If_Match=server.get(address)["ETag"]).status_code == 204
        problem(server.patch(address, change), 404, "not_found")


def test_a_whitelist_has_an_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clicktocall.endpoints.save.MOST_PATTERNS", 1)
    endpoint = make_endpoint(server.account, whitelist=[r"\+4420"])

    answer = server.post(f"endpoints/{endpoint.pk}/whitelist/", {"pattern": r"\+1"})

    assert "at most 1 pattern" in problem(answer, 400, "invalid_request")["fields"]["pattern"][0]
