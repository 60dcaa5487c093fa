"""The history over the API: what a call tells, what narrows the list, cancelling."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from clicktocall.calls.events import apply_report
from clicktocall.models import Call
from clicktocall.orders import ReportedEvent
from clicktocall.states import CallState, EventKind, Leg, LegState, Outcome
from tests.api.server import Server, problem
from tests.factories import make_attempt, make_call, make_endpoint

CARD = "4000056655665556"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(call: Call, moment: datetime) -> Call:
    """The call as if it had been requested then."""
    Call.objects.filter(pk=call.pk).update(created_at=moment)
    return call


def test_a_finished_call_tells_everything(server: Server) -> None:
    call = make_call(make_endpoint(server.account), state=CallState.PLACED, visitor_name="Ada")
    attempt = make_attempt(call, provider_reference="theirs-1")
    told_by: Any = {"reference": attempt.reference}
    for seconds, event in enumerate(
        [
            ReportedEvent(kind=EventKind.RINGING, leg=Leg.A, **told_by),
            ReportedEvent(kind=EventKind.ANSWERED, leg=Leg.A, **told_by),
            ReportedEvent(kind=EventKind.JOINED, **told_by),
            ReportedEvent(
                kind=EventKind.ENDED,
                outcome=Outcome.COMPLETED,
                talk_seconds=42,
                price=Decimal("0.0125"),
                currency="EUR",
                words="normal clearing",
                **told_by,
            ),
        ]
    ):
        moment = NOON + timedelta(seconds=seconds)
        apply_report(replace(event, occurred_at=moment), alias="sandbox")

    told = server.get(f"calls/{call.pk}/").json()

    assert (told["state"], told["outcome"]) == ("ended", "completed")
    assert told["talk_seconds"] == 42
    assert told["price"] == {"amount": "0.0125", "currency": "EUR"}
    assert told["connected_at"] == "2026-11-20T12:00:02Z"
    assert (told["reference"], told["provider_reference"]) == (attempt.reference, "theirs-1")
    assert (told["poll_after"], told["cancel_url"]) == (None, None)
    (told_attempt,) = told["attempts"]
    assert told_attempt["leg_times"]["a"]["answered_at"] == "2026-11-20T12:00:01Z"
    assert told_attempt["price"] == told["price"]
    events = server.get(f"calls/{call.pk}/events/").json()["results"]
    assert [event["kind"] for event in events] == ["ended", "joined", "answered", "ringing"]
    assert events[0]["words"] == "normal clearing"
    assert events[0]["reference"] == attempt.reference


def keyed_call(server: Server) -> Call:
    """A call in which somebody has keyed in the number of a card."""
    endpoint = make_endpoint(server.account, extension_kind="flow", extension="payment")
    call = make_call(endpoint, state=CallState.PLACED, leg_b=None)
    attempt = make_attempt(call)
    for answers in ({"language": "1"}, {"card": CARD}):
        apply_report(
            ReportedEvent(
                kind=EventKind.COLLECTED, leg=Leg.A, reference=attempt.reference, answers=answers
            ),
            alias=attempt.provider,
        )
    return call


def test_what_was_keyed_is_told_of_one_call_and_its_events(server: Server) -> None:
    call = keyed_call(server)

    told = server.get(f"calls/{call.pk}/").json()

    assert told["answers"] == {"language": "1", "card": CARD}
    events = server.get(f"calls/{call.pk}/events/").json()["results"]
    assert [event["answers"] for event in events] == [{"card": CARD}, {"language": "1"}]
    assert {event["kind"] for event in events} == {"collected"}


def test_what_was_keyed_is_told_nowhere_else(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    call = keyed_call(server)
    caller = Server(server.account, ["call"])
    path = f"endpoints/{call.endpoint_id}/connect/"
    asked = {"contact": "020 7946 0102"}
    mine = caller.post(path, asked, Idempotency_Key="order-7").json()
    Call.objects.filter(pk=mine["id"]).update(answers={"card": CARD})

    answers = [
        server.get("calls/"),
        server.get(f"endpoints/{call.endpoint_id}/history/"),
        caller.post(path, asked, Idempotency_Key="order-7"),
        caller.post(f"calls/{call.pk}/cancel/"),
        caller.get(f"calls/{call.pk}/"),
        caller.get(f"calls/{call.pk}/events/"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 202, 202, 403, 403]
    assert answers[2].json()["id"] == mine["id"]
    for answer in answers:
        assert CARD not in answer.content.decode(), answer.request
        assert '"answers"' not in answer.content.decode(), answer.request
    assert CARD not in caplog.text


def test_the_history_is_narrowed(server: Server) -> None:
    sales, support = make_endpoint(server.account), make_endpoint(server.account)
    busy = make_call(sales, state=CallState.ENDED, outcome=Outcome.BUSY, client_reference="order-7")
    queued = make_call(support, contact="+442079460102")
    for call, moment in ((busy, NOON), (queued, NOON + timedelta(hours=1))):
        at(call, moment)

    def found(path: str = "calls/", **query: Any) -> list[str]:
        answer = server.get(path, query)
        assert answer.status_code == 200, answer.content
        return [row["id"] for row in answer.json()["results"]]

    assert found() == [queued.pk, busy.pk]
    assert found(f"endpoints/{sales.pk}/history/") == [busy.pk]
    assert found(endpoint=support.pk) == [queued.pk]
    assert found(state="queued") == [queued.pk]
    assert found(state=["queued", "ended"]) == [queued.pk, busy.pk]
    assert found(outcome="busy") == [busy.pk]
    assert found(client_reference="order-7") == [busy.pk]
    for spelling in ("020 7946 0102", "+442079460102", "٠٢٠٧٩٤٦٠١٠٢", "946 0102", "0102"):
        assert found(contact=spelling) == [queued.pk], spelling
    assert found(created_after="2026-11-20T12:30:00Z") == [queued.pk]
    assert found(created_after="2026-11-20T13:00:00+01:00") == [queued.pk, busy.pk]
    assert found(created_before="2026-11-20T13:00:00Z") == [busy.pk]
    assert found(created_after="2026-11-20", created_before="2026-11-21") == [queued.pk, busy.pk]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"contact": "Ada"}, "contact"),
        ({"contact": "12"}, "contact"),
        ({"state": "talking"}, "state"),
        ({"outcome": ""}, "outcome"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_before": "2026-13-01"}, "created_before"),
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "201"}, "page_size"),
        ({"page_size": "ten"}, "page_size"),
        ({"cursor": "bm9uc2Vuc2U9"}, "cursor"),
        ({"cursor": "cD15ZXN0ZXJkYXk="}, "cursor"),
        ({"cursor": "!"}, "cursor"),
        ({"staet": "ended"}, "staet"),
    ],
)
def test_a_wrong_filter_is_named(server: Server, query: dict[str, Any], field: str) -> None:
    answer = server.get("calls/", query)

    assert set(problem(answer, 400, "invalid_request")["fields"]) == {field}


def test_an_unchanged_call_is_not_sent_again(server: Server) -> None:
    call = make_call(make_endpoint(server.account))
    first = server.get(f"calls/{call.pk}/")

    assert server.get(f"calls/{call.pk}/", If_None_Match=first["ETag"]).status_code == 304
    server.post(f"calls/{call.pk}/cancel/")
    assert server.get(f"calls/{call.pk}/", If_None_Match=first["ETag"]).status_code == 200


def test_cancelling_twice_is_no_error(server: Server) -> None:
    call = make_call(make_endpoint(server.account))

    answers = [server.post(f"calls/{call.pk}/cancel/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[1].json()["outcome"] == "canceled"


def test_times_are_utc_whatever_the_sites_zone(server: Server, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"  # pytest-django tells Django, which forgets the old zone
    call = at(make_call(make_endpoint(server.account)), NOON)
    told = server.get(f"calls/{call.pk}/").json()
    assert told["created_at"] == "2026-11-20T12:00:00Z"


def test_a_call_without_a_recording_has_none_to_hear(server: Server) -> None:
    call = make_call(make_endpoint(server.account))
    problem(server.get(f"calls/{call.pk}/recording/"), 404, "not_found")


def test_a_leg_that_nobody_reports_is_unreported(server: Server) -> None:
    call = make_call(make_endpoint(server.account), leg_a=LegState.UNREPORTED)
    assert server.get(f"calls/{call.pk}/").json()["legs"]["a"] == "unreported"


def test_a_number_is_told_in_e164_however_the_site_prints_numbers(
    server: Server, settings: Any
) -> None:
    settings.PHONENUMBER_DEFAULT_FORMAT = "INTERNATIONAL"
    endpoint = make_endpoint(server.account, fallback_phone="+442079460199")

    asked = server.post(f"endpoints/{endpoint.pk}/connect/", {"contact": "020 7946 0101"})
    server.post(f"endpoints/{endpoint.pk}/connect/", {"contact": "+33123456789"})

    assert asked.json()["contact"] == "+442079460101"
    assert server.get("calls/").json()["results"][0]["contact"] == "+442079460101"
    assert server.get("refusals/").json()["results"][0]["contact"] == "+33123456789"
    assert server.get(f"endpoints/{endpoint.pk}/").json()["fallback_phone"] == "+442079460199"


def test_somebody_waits_a_while_for_a_recording(server: Server) -> None:
    endpoint = make_endpoint(server.account, record=True)
    talked = {"state": CallState.ENDED, "outcome": Outcome.COMPLETED, "talk_seconds": 5}
    fresh = make_call(endpoint, **talked)
    old = make_call(endpoint, **talked, ended_at=timezone.now() - timedelta(minutes=6))
    silent = make_call(endpoint, state=CallState.ENDED, outcome=Outcome.BUSY)

    def poll_after(call: Call) -> float | None:
        told: float | None = server.get(f"calls/{call.pk}/").json()["poll_after"]
        return told

    assert [poll_after(call) for call in (fresh, old, silent)] == [2.0, None, None]


def test_a_leg_of_which_nothing_is_told_before_the_end_does_not_seem_to_wait(
    server: Server, settings: Any
) -> None:
    quiet = {
        **settings.CLICKTOCALL["PROVIDERS"]["sandbox"],
        "BACKEND": "tests.embed.conftest.TellsTheEnd",
    }
    known = settings.CLICKTOCALL["PROVIDERS"]
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": {**known, "quiet": quiet}}
    for provider, legs in (("quiet", "unreported"), ("sandbox", "waiting")):
        call = make_call(make_endpoint(server.account, provider=provider), state=CallState.PLACED)
        attempt = make_attempt(call)
        told = server.get(f"calls/{call.pk}/").json()
        assert told["legs"] == told["attempts"][0]["legs"] == {"a": legs, "b": legs}

        busy = ReportedEvent(
            kind=EventKind.ENDED, reference=attempt.reference, outcome=Outcome.BUSY, leg=Leg.A
        )
        apply_report(busy, alias=provider)
        told = server.get(f"calls/{call.pk}/").json()
        assert told["legs"] == told["attempts"][0]["legs"] == {"a": "busy", "b": "waiting"}
