"""Requests that the simulated Infobip lets fail, by number and by option."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from clicktocall.providers.infobip.simulation.account import Account, Dedupe
from clicktocall.providers.infobip.simulation.faults import FaultPlan, Occasion
from clicktocall.providers.infobip.simulation.request_log import phones_rung, read_log
from clicktocall.providers.infobip.simulation.stories import STORIES, number_for, story_of
from tests.providers.infobip_customer import (
    CLICK_TO_CALL,
    TEAM,
    VOICE,
    Customer,
    click_to_call,
    running,
    voice_message,
)
from tests.providers.sandbox_client import wait_until

# The simulator is a tool of the tests; what they need of it fails them first.
pytestmark = pytest.mark.slow


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "requests.jsonl"


@pytest.fixture
def customer(log: Path) -> Iterator[Customer]:
    with running(log=log, slow=0.5, retry_after=3) as customer:
        yield customer


def told_by(answer: requests.Response) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()["requestError"]["serviceException"]
    return told


@pytest.mark.parametrize(
    ("story", "status", "message_id"),
    [
        ("bad_request", 400, "BAD_REQUEST"),
        ("unauthorized", 401, "UNAUTHORIZED"),
        ("forbidden", 403, "FORBIDDEN"),
        ("throttled", 429, "TOO_MANY_REQUESTS"),
        ("server_error", 500, "GENERAL_ERROR"),
        ("out_of_service", 503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_number_chooses_an_error_and_nothing_rings(
    story: str, status: int, message_id: str, customer: Customer, log: Path
) -> None:
    answer = customer.call(story, messageId="M-1")
    assert answer.status_code == status
    assert told_by(answer)["messageId"] == message_id
    assert phones_rung(log) == []
    line = read_log(log)[0]
    assert (line["decision"], line["fault"], line["status"]) == ("failed", str(status), status)
    assert line["messages"][0]["messageId"] == "M-1"
    assert customer.logs(messageId="M-1") == []


def test_bad_request_names_a_field(customer: Customer) -> None:
    assert list(told_by(customer.call("bad_request"))["validationErrors"]) == ["destinationA"]


def test_throttled_tells_how_long_to_wait(customer: Customer) -> None:
    assert customer.call("throttled").headers["Retry-After"] == "3"
    assert "Retry-After" not in customer.call("server_error").headers


def test_error_in_xml(customer: Customer) -> None:
    answer = customer.send(CLICK_TO_CALL, click_to_call("forbidden"), accept="application/xml")
    assert answer.status_code == 403
    assert b"<ApiException><requestError><serviceException><messageId>FORBIDDEN<" in answer.content


def test_error_after_which_the_phone_rings(customer: Customer, log: Path) -> None:
    answer = customer.call("server_error_rang", messageId="M-1")
    assert answer.status_code == 500
    assert phones_rung(log) == [number_for("server_error_rang")]
    assert customer.wait_until_over("M-1")["status"]["id"] == 5


def test_slow_answer_comes_after_the_phone_rang(customer: Customer, log: Path) -> None:
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{customer.address}{CLICK_TO_CALL}",
            json={"messages": [click_to_call("slow", messageId="M-1")]},
            headers={"Authorization": customer.authorization},
            timeout=0.2,
        )
    wait_until(lambda: log.exists() and phones_rung(log) == [number_for("slow")])
    started = time.monotonic()
    assert customer.call("slow").status_code == 200
    assert 0.5 <= time.monotonic() - started < 5
    assert customer.wait_until_over("M-1")["status"]["id"] == 5


def test_slow_answer_does_not_delay_the_end_of_the_simulator() -> None:
    before = set(threading.enumerate())
    started = time.monotonic()
    with running(slow=60.0) as customer, pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{customer.address}{CLICK_TO_CALL}",
            json={"messages": [click_to_call("slow")]},
            headers={"Authorization": customer.authorization},
            timeout=0.2,
        )
    wait_until(lambda: set(threading.enumerate()) <= before)
    assert time.monotonic() - started < 10


def test_answer_breaks_off_in_the_middle(customer: Customer, log: Path) -> None:
    answer = requests.post(
        f"{customer.address}{CLICK_TO_CALL}",
        json={"messages": [click_to_call("reset")]},
        headers={"Authorization": customer.authorization},
        timeout=5,
        stream=True,
    )
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        answer.content  # noqa: B018 (reading it is what fails)
    assert phones_rung(log) == [number_for("reset")]


def test_connection_breaks_before_anything_is_taken(customer: Customer, log: Path) -> None:
    with pytest.raises(requests.ConnectionError):
        customer.call("hung_up_on")
    assert phones_rung(log) == []
    assert read_log(log)[0]["fault"] == "reset-early"


def test_garbled_answer(customer: Customer, log: Path) -> None:
    answer = customer.call("garbled")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html"
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert phones_rung(log) == [number_for("garbled")]


def test_one_number_fails_the_whole_request(customer: Customer, log: Path) -> None:
    answer = customer.send(VOICE, voice_message(), voice_message("out_of_service"))
    assert answer.status_code == 503
    assert phones_rung(log) == []


def test_outage_is_over_at_the_third_request(customer: Customer, log: Path) -> None:
    statuses = [customer.call("outage").status_code for _ in range(4)]
    assert statuses == [503, 503, 200, 503]
    assert phones_rung(log) == [number_for("outage")]


# By option.


def test_option_meets_every_order(log: Path) -> None:
    with running(faults=FaultPlan("503"), log=log) as customer:
        assert [customer.call().status_code for _ in range(3)] == [503] * 3
        assert customer.ask("GET", "/tts/3/logs").status_code == 200
    assert phones_rung(log) == []


def test_option_meets_the_first_orders_only(log: Path) -> None:
    with running(faults=FaultPlan("429", times=2), log=log) as customer:
        assert [customer.call().status_code for _ in range(4)] == [429, 429, 200, 200]
    assert len(phones_rung(log)) == 2


def test_option_meets_a_share_and_the_seed_chooses_which() -> None:
    def statuses(seed: int) -> list[int]:
        with running(faults=FaultPlan("500", share=0.5, seed=seed)) as customer:
            return [customer.call().status_code for _ in range(30)]

    once = statuses(1)
    assert 5 <= once.count(500) <= 25
    assert statuses(1) == once
    assert statuses(2) != once


@pytest.mark.parametrize("path", ["/voice/1/reports", "/tts/3/logs", "/tts/3/bulks?bulkId=B"])
def test_option_meets_lookups_where_it_is_told_to(path: str) -> None:
    with running(faults=FaultPlan("429", on=Occasion.LOOKUPS, times=1)) as customer:
        assert customer.call().status_code == 200
        answer = customer.ask("GET", path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
        assert customer.ask("GET", path).status_code != 429


def test_pulled_report_is_lost_when_the_answer_breaks_off() -> None:
    with running(faults=FaultPlan("reset", on=Occasion.LOOKUPS, times=1), speed=400.0) as customer:
        customer.call(messageId="M-1")
        time.sleep(0.6)  # looking it up would use up the fault
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            customer.ask("GET", "/voice/1/reports")
        assert customer.wait_until_over("M-1")
        assert customer.pulled() == []


# A message id that comes again.


def test_without_dedupe_it_rings_again(customer: Customer, log: Path) -> None:
    for _ in range(2):
        told = customer.call(messageId="M-1").json()["messages"][0]["status"]
        assert told["name"] == "PENDING_ACCEPTED"
    assert phones_rung(log) == [number_for("completed")] * 2


def test_without_dedupe_logs_know_only_what_is_over() -> None:
    with running(speed=1.0) as customer:
        customer.call(messageId="M-1")
        assert customer.logs(messageId="M-1") == []


def test_window_rejects_it_until_the_window_is_over(log: Path) -> None:
    account = Account(dedupe=Dedupe.WINDOW, dedupe_seconds=1.5)
    with running(account=account, log=log) as customer:
        first = customer.call(messageId="M-1").json()["messages"][0]
        again = customer.call(messageId="M-1").json()["messages"][0]
        other = customer.call(messageId="M-2").json()["messages"][0]
        time.sleep(1.55)
        late = customer.call(messageId="M-1").json()["messages"][0]
    assert [message["status"]["id"] for message in (first, again, other, late)] == [26, 23, 26, 26]
    assert again["status"]["name"] == "REJECTED_DUPLICATE_MESSAGE_ID"
    assert again["status"]["groupId"] == 5
    assert len(phones_rung(log)) == 3
    assert read_log(log)[1]["messages"][0]["decision"] == "duplicate"


def test_window_sees_a_repetition_inside_one_request() -> None:
    account = Account(dedupe=Dedupe.WINDOW, dedupe_seconds=60.0)
    with running(account=account) as customer:
        twin = click_to_call(messageId="M-1")
        messages = customer.send(CLICK_TO_CALL, twin, twin).json()["messages"]
    assert [message["status"]["id"] for message in messages] == [26, 23]


def test_refused_order_does_not_use_up_its_id() -> None:
    account = Account(dedupe=Dedupe.WINDOW, dedupe_seconds=60.0)
    with running(account=account, faults=FaultPlan("503", times=1)) as customer:
        assert customer.call(messageId="M-1").status_code == 503
        assert customer.call(messageId="M-1").json()["messages"][0]["status"]["id"] == 26


def test_lookup_finds_what_has_just_been_taken(log: Path) -> None:
    account = Account(dedupe=Dedupe.LOOKUP)
    with running(account=account, speed=1.0, log=log) as customer:
        assert customer.logs(messageId="M-1") == []
        customer.call(messageId="M-1")
        (row,) = customer.logs(messageId="M-1")
        assert row["status"]["groupName"] == "PENDING"
        assert row["doneAt"] is None
        assert customer.call(messageId="M-1").json()["messages"][0]["status"]["id"] == 26
        assert len(customer.logs(messageId="M-1")) == 2
    assert len(phones_rung(log)) == 2


# Numbers.


def test_second_number_chooses_where_the_first_does_not(customer: Customer) -> None:
    answer = customer.call(destinationA=TEAM, destinationB=number_for("out_of_service"))
    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("numbers", "story"),
    [
        (("442079460002",), "a_busy"),
        (("12025550102",), "a_busy"),
        (("12025550102", "442079460003"), "a_busy"),
        (("442079460190", "442079460003"), "a_no_answer"),
        (("442079460202",), "completed"),
        (("442079460099",), "completed"),
        (("41793026727", "41793026731"), "completed"),
    ],
)
def test_last_four_digits_choose(numbers: tuple[str, ...], story: str) -> None:
    assert story_of(*numbers).name == story


def test_numbers_of_the_sandbox_tell_the_same_stories() -> None:
    from clicktocall.providers.sandbox.stories import STORIES as SANDBOX

    same = {name: story.digits for name, story in SANDBOX.items()}
    assert {name: STORIES[name].digits for name in same} == same
    assert len({story.digits for story in STORIES.values()}) == len(STORIES)
