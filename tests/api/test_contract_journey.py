"""A server integrates us by reading `docs/openapi.yaml`, and by nothing else.

The whole product runs, 20 times faster than life. Each chapter below is what such a server does one
after the other; every request and every answer on the way is held against the contract.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from tests.api.contract_client import (
    Answer,
    Contract,
    ContractBroken,
    ContractClient,
    committed_document,
)

OWN_NUMBER = "+442079460741"
TEAM = "+442079460150"
DRAMA = r"\+44207946"  # the sandbox's numbers
ELSEWHERE = "+441614960001"  # British, and of no pattern here
COMPLETED, BUSY, NO_ANSWER, DECLINED = (f"+44207946{story:04}" for story in (1, 2, 3, 4))

_PATIENCE = 15.0  # seconds; every story takes less than one at this speed


class Integrator(ContractClient):
    """A server with one endpoint, which remembers what was accepted and what was refused."""

    endpoint: dict[str, Any]

    def __init__(self, origin: str, key: str) -> None:
        super().__init__(origin, key)
        self.accepted: list[dict[str, Any]] = []
        self.refused: list[tuple[str, str]] = []
        self.first_key = str(uuid.uuid4())

    def connect(self, contact: str, key: str | None = None, **more: Any) -> dict[str, Any]:
        """The call of the answer, which is in the queue."""
        named = {} if key is None else {"idempotency_key": key}
        body = {"contact": contact, **more}
        answer = self.ask("connect", body, endpoint_id=self.endpoint["id"], **named)
        assert answer.status == 202, answer.body
        assert self.follow("readCall", answer.headers["Location"]).body["id"] == answer.body["id"]
        if answer.body["id"] not in [call["id"] for call in self.accepted]:
            self.accepted.append(answer.body)
        return answer.body

    def is_refused(self, contact: str, status: int, code: str, refusal: str) -> None:
        answer = self.ask("connect", {"contact": contact}, endpoint_id=self.endpoint["id"])
        assert told(answer, status, code)["refusal"] == refusal
        self.refused.append((refusal, code))


def test_the_contract_is_all_that_a_server_needs(product: Any) -> None:
    server = Integrator(product.base_url, product.api_key)
    number = registers_its_number(server)
    makes_an_endpoint(server, number)
    keeps_a_whitelist(server)
    asks_for_a_call_twice_and_gets_one(server)
    is_told_how_calls_end(server)
    has_itself_told_of_calls(server)
    takes_calls_back(server)
    chooses_options_for_one_call(server)
    places_a_bulk(server)
    paces_a_bulk_and_takes_it_back(server)
    finds_its_calls_again(server)
    reads_the_history_page_by_page(server)
    gets_figures_that_add_up(server)
    sees_what_was_refused(server)
    clears_up(server, number)
    assert server.never_asked == set()


def test_whoever_has_no_key_is_told_so(product: Any) -> None:
    stranger = ContractClient(product.base_url, "a-key-that-nobody-issued")
    told(stranger.ask("listCalls"), 401, "invalid_key")


Change = Callable[[dict[str, Any], dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda answers, schemas: answers.pop("200"), "which is not documented"),
        (lambda answers, schemas: answers["200"].pop("content"), "with a body"),
        (
            lambda answers, schemas: answers["200"].update(content={"text/csv": {}}),
            "with application/json, not ['text/csv']",
        ),
        (
            lambda answers, schemas: answers["200"].update(
                headers={"X-Pages": {"required": True, "schema": {"type": "integer"}}}
            ),
            "without X-Pages",
        ),
        (
            lambda answers, schemas: schemas["OwnedNumber"]["properties"].pop("label"),
            "'label' was unexpected",
        ),
        (
            lambda answers, schemas: schemas["OwnedNumber"]["required"].append("price"),
            "'price' is a required property",
        ),
        (
            lambda answers, schemas: schemas["OwnedNumber"]["properties"]["number"].update(
                format="date-time"
            ),
            "is not a 'date-time'",
        ),
    ],
    ids=["status", "no-body", "content-type", "header", "undocumented", "missing", "format"],
)
def test_an_answer_that_breaks_the_contract_is_noticed(
    change: Change, complaint: str, product: Any
) -> None:
    """The contract is what is changed here, since the product keeps it."""
    document = committed_document()
    change(document["paths"]["/numbers/"]["get"]["responses"], document["components"]["schemas"])
    server = ContractClient(product.base_url, product.api_key, Contract(document))
    with pytest.raises(ContractBroken) as broken:
        server.ask("listNumbers")
    assert complaint in str(broken.value)


def test_nothing_is_sent_that_breaks_the_contract() -> None:
    nobody = ContractClient("http://127.0.0.1:9", "none")
    for operation, body, parameters in (
        ("createNumber", {"label": "No number"}, {}),
        ("createNumber", {"number": OWN_NUMBER, "colour": "blue"}, {}),
        ("createNumber", None, {}),
        ("listNumbers", {"page_size": 1}, {}),
        ("listNumbers", None, {"page_size": 201}),
        ("listNumbers", None, {"colour": "blue"}),
        ("readNumber", None, {}),
    ):
        with pytest.raises(ContractBroken):
            nobody.ask(operation, body, **parameters)
    for address in (
        "http://127.0.0.1:9/numbers/",
        "https://example.com/clicktocall/api/v1/numbers/",
    ):
        with pytest.raises(ContractBroken):
            nobody.follow("listNumbers", address)


def registers_its_number(server: Integrator) -> dict[str, Any]:
    body = {"number": OWN_NUMBER, "label": "Contract", "for_leg_a": True, "for_leg_b": True}
    created = server.ask("createNumber", body)
    assert created.status == 201, created.body
    number = server.follow("readNumber", created.headers["Location"]).body
    assert number == created.body
    changed = server.ask("changeNumber", {"label": "Counter"}, id=number["id"]).body
    assert changed == number | {"label": "Counter"}
    assert server.ask("replaceNumber", number, id=number["id"]).body == number
    assert number in everything(server, "listNumbers")
    return number


def makes_an_endpoint(server: Integrator, number: dict[str, Any]) -> None:
    body = {
        "name": f"Contract {uuid.uuid4()}",
        "provider": "sandbox",
        "extension": TEAM,
        "allowed_countries": ["GB"],
        "caller_id_b": number["number"],
    }
    created = server.ask("createEndpoint", body)
    assert created.status == 201, created.body
    read = server.follow("readEndpoint", created.headers["Location"])
    assert read.body == created.body
    assert read.headers["ETag"] == created.headers["ETag"]
    assert server.ask("listEndpoints", name=body["name"], active=True).body["results"] == [
        read.body
    ]
    changes_it_unless_somebody_else_did(server, read)


def changes_it_unless_somebody_else_did(server: Integrator, read: Answer) -> None:
    known = {"id": read.body["id"], "if_match": read.headers["ETag"]}
    changed = server.ask("changeEndpoint", {"timeout": 25}, **known)
    assert changed.body["timeout"] == 25
    told(server.ask("changeEndpoint", {"timeout": 26}, **known), 412, "precondition_failed")
    told(server.ask("replaceEndpoint", read.body, **known), 412, "precondition_failed")
    told(server.ask("deleteEndpoint", **known), 412, "precondition_failed")

    known["if_match"] = changed.headers["ETag"]
    same = server.ask("readEndpoint", id=known["id"], if_none_match=known["if_match"])
    assert same.status == 304
    replaced = server.ask("replaceEndpoint", changed.body | {"record": True}, **known)
    assert (replaced.body["record"], replaced.body["timeout"]) == (True, 25)
    server.endpoint = replaced.body


def keeps_a_whitelist(server: Integrator) -> None:
    here = {"endpoint_id": server.endpoint["id"]}
    server.is_refused(COMPLETED, 403, "not_available", "whitelist_empty")
    created = server.ask("addToWhitelist", {"pattern": DRAMA, "note": "Drama"}, **here)
    entry = server.follow("readWhitelistEntry", created.headers["Location"]).body
    assert entry == created.body
    other = server.ask("addToWhitelist", {"pattern": r"\+44161"}, **here).body
    place = here | {"id": other["id"]}
    changed = server.ask("changeWhitelistEntry", {"note": "Manchester"}, **place).body
    assert changed == other | {"note": "Manchester"}
    assert server.ask("replaceWhitelistEntry", other, **place).body == other
    assert everything(server, "listWhitelist", page_size=1, **here) == [other, entry]

    assert server.ask("removeFromWhitelist", **place).status == 204
    told(server.ask("readWhitelistEntry", **place), 404, "not_found")
    server.is_refused(ELSEWHERE, 403, "not_available", "not_on_whitelist")
    server.is_refused("+12025550101", 403, "not_available", "country_not_allowed")
    server.is_refused("12345", 400, "invalid_number", "number_syntax")


def asks_for_a_call_twice_and_gets_one(server: Integrator) -> None:
    call = asks_for_the_first_call(server)
    assert call["contact"] == COMPLETED
    assert asks_for_the_first_call(server)["id"] == call["id"]
    other = {"endpoint_id": server.endpoint["id"], "idempotency_key": server.first_key}
    told(server.ask("connect", {"contact": BUSY}, **other), 422, "idempotency_mismatch")

    ended = until_it_ended(server, call)
    assert (ended["outcome"], ended["legs"]) == ("completed", {"a": "ended", "b": "ended"})
    assert ended["cancel_url"] is None
    known = everything(server, "listCallEvents", call_id=call["id"], page_size=3)
    assert {each["reference"] for each in known} == {ended["reference"]}
    happened = sorted(known, key=lambda each: each["occurred_at"])
    steps = [(each["kind"], each["leg"]) for each in happened if each["source"] == "provider"]
    assert steps[:5] == [
        *(("ringing", "a"), ("answered", "a"), ("ringing", "b"), ("answered", "b")),
        ("joined", None),
    ]
    listens(server, call)


def asks_for_the_first_call(server: Integrator) -> dict[str, Any]:
    return server.connect("020 7946 0001", server.first_key, country="GB")


def listens(server: Integrator, call: dict[str, Any]) -> None:
    """The recording comes when the provider has stored it, which may be after the end."""
    offered = until(
        lambda: server.follow("readCall", call["status_url"]).body, lambda now: now["recording"]
    )
    sound = server.follow("getRecording", offered["recording"])
    assert sound.headers["Content-Type"] == "audio/wav"
    assert sound.body.startswith(b"RIFF")


def is_told_how_calls_end(server: Integrator) -> None:
    for contact, outcome, leg in ((BUSY, "busy", "a"), (DECLINED, "declined", "a")):
        ended = until_it_ended(server, server.connect(contact))
        assert (ended["outcome"], ended["outcome_leg"]) == (outcome, leg)
        assert ended["recording"] is None
        told(server.ask("getRecording", id=ended["id"]), 404, "not_found")


def has_itself_told_of_calls(server: Integrator) -> None:
    """By webhook, at an address that nobody answers at: every try can be seen."""
    wanted = {"url": "https://shop.invalid/calls", "events": ["ended"], "description": "Shop"}
    inside = server.ask("createWebhook", {**wanted, "url": "http://127.0.0.1/calls"})
    assert set(told(inside, 400, "invalid_request")["fields"]) == {"url"}
    made = server.ask("createWebhook", wanted)
    read = server.follow("readWebhook", made.headers["Location"])
    hook = read.body["id"]
    assert made.body["secret"].startswith("whsec_")
    assert read.body == {name: each for name, each in made.body.items() if name != "secret"}
    changed = server.ask("changeWebhook", {"description": "The shop"}, id=hook).body
    assert changed["description"] == "The shop"
    assert server.ask("replaceWebhook", wanted, id=hook).body["description"] == "Shop"
    assert server.ask("rotateWebhookSecret", id=hook).body["secret"] != made.body["secret"]
    assert [each["id"] for each in everything(server, "listWebhooks")] == [hook]

    call = server.connect(COMPLETED)
    until_it_ended(server, call)
    (sent,) = until(
        lambda: server.ask("listWebhookDeliveries", webhook_id=hook).body,
        lambda page: page["results"] and page["results"][0]["tries"],
    )["results"]
    assert (sent["call"], sent["event"], sent["state"]) == (call["id"], "call.ended", "pending")
    assert sent["id"] in [each["id"] for each in everything(server, "listDeliveries")]
    again = server.ask("replayDelivery", id=sent["id"]).body
    assert (again["id"], again["state"]) == (sent["id"], "pending")
    assert server.ask("readDelivery", id=sent["id"]).body["log"], "what became of the first try"
    assert server.ask("deleteWebhook", id=hook).status == 204
    told(server.ask("readWebhook", id=hook), 404, "not_found")


def takes_calls_back(server: Integrator) -> None:
    """One that waits for its day, and one that the provider has."""
    scheduled = server.connect(COMPLETED, options=the_day_after_tomorrow(server))
    assert (scheduled["state"], scheduled["attempts"]) == ("scheduled", [])
    taken_back = server.follow("cancelCall", scheduled["cancel_url"]).body
    assert (taken_back["state"], taken_back["outcome"]) == ("ended", "canceled")
    again = server.ask("cancelCall", id=scheduled["id"])
    assert (again.status, again.body["outcome"]) == (202, "canceled")

    then = in_days(server, 30)
    agreed = server.connect(COMPLETED, send_at=then)
    assert agreed["state"] == "scheduled"
    assert datetime.fromisoformat(agreed["due_at"]) == datetime.fromisoformat(then)
    assert server.follow("cancelCall", agreed["cancel_url"]).body["outcome"] == "canceled"

    placed = server.connect(COMPLETED)
    until(
        lambda: server.follow("readCall", placed["status_url"]).body,
        lambda now: now["provider_reference"],
    )
    hung_up = server.follow("cancelCall", placed["cancel_url"])
    assert hung_up.status == 202, hung_up.body
    ended = until_it_ended(server, placed)
    assert ended["outcome"] == ("completed" if ended["connected_at"] else "canceled")
    kinds = {each["kind"] for each in everything(server, "listCallEvents", call_id=placed["id"])}
    assert ("cancel_requested" in kinds) == (ended["cancel_requested_at"] is not None)


def in_days(server: Integrator, days: int) -> str:
    today = datetime.fromisoformat(server.endpoint["created_at"])
    return (today + timedelta(days=days)).isoformat()


def the_day_after_tomorrow(server: Integrator) -> dict[str, Any]:
    today = datetime.fromisoformat(server.endpoint["created_at"])
    day = f"{today + timedelta(days=2):%A}".upper()
    return {"delivery_time_window": {"days": [day]}, "validity_period": 2880}


def chooses_options_for_one_call(server: Integrator) -> None:
    options = {
        "caller_id_a": OWN_NUMBER,
        "dial_first": "contact",
        "max_duration": 60,
        "message_text": "A customer asks about an order.",
        "record": False,
        "timeout": 20,
        "custom_application_vars": {"order": "1187"},
    }
    call = server.connect(
        COMPLETED,
        options=options,
        client_reference="order-1187",
        visitor={"name": "Ada Byron", "email": "ada@example.com"},
        context={"order": 1187, "basket": ["brake pads", "cable"]},
    )
    assert call["options"] == {name: server.endpoint[name] for name in call["options"]} | options
    assert call["dial_first"] == "contact"
    assert call["visitor"] == {"name": "Ada Byron", "email": "ada@example.com", "question": ""}
    ended = until_it_ended(server, call)
    assert ended["outcome"] == "completed"
    assert ended["context"] == {"order": 1187, "basket": ["brake pads", "cable"]}
    wrong = {"contact": COMPLETED, "options": {"caller_id_a": "+442079460999"}}
    error = told(
        server.ask("connect", wrong, endpoint_id=server.endpoint["id"]), 400, "invalid_request"
    )
    assert set(error["fields"]) == {"options.caller_id_a"}


def places_a_bulk(server: Integrator) -> None:
    body = {
        "bulk_id": f"reminders-{uuid.uuid4()}",
        "endpoint": server.endpoint["id"],
        "calls": [
            {"contact": COMPLETED, "client_reference": "patient-17"},
            {"contact": ELSEWHERE},
            {"contact": "020 7946 0002", "country": "GB"},
            {"contact": "nonsense"},
            {"contact": COMPLETED, "options": {"caller_id_a": "+442079460999"}},
            {"contact": NO_ANSWER, "options": {"timeout": 5}},
        ],
    }
    key = str(uuid.uuid4())
    taken = server.ask("createBulk", body, idempotency_key=key)
    assert taken.status == 202, taken.body
    bulk = taken.body
    assert [call["contact"] for call in bulk["calls"]] == [COMPLETED, BUSY, NO_ANSWER]
    refused = [(each["index"], each["field"], each["refusal"]) for each in bulk["refused"]]
    assert refused == [
        (1, "contact", "not_on_whitelist"),
        (3, "contact", "number_characters"),
        (4, "options.caller_id_a", ""),
    ]
    server.accepted.extend(bulk["calls"])
    server.refused.extend((e["refusal"], e["code"]) for e in bulk["refused"] if e["refusal"])

    assert server.ask("createBulk", body, idempotency_key=key).body["id"] == bulk["id"]
    told(server.ask("createBulk", body), 400, "invalid_request")  # its bulk_id is used
    watches_the_bulk(server, bulk, taken.headers["Location"])


def watches_the_bulk(server: Integrator, bulk: dict[str, Any], address: str) -> None:
    done = until(
        lambda: server.follow("readBulk", address).body, lambda now: now["in_progress"] == 0
    )
    assert (done["total"], done["refused"]) == (3, bulk["refused"])
    summary = {name: value for name, value in done.items() if name != "refused"}
    assert summary in everything(server, "listBulks")
    found = server.follow("listCalls", bulk["calls_url"]).body["results"]
    assert {call["id"] for call in found} == {call["id"] for call in bulk["calls"]}
    outcomes = {call["contact"]: call["outcome"] for call in found}
    assert outcomes == {COMPLETED: "completed", BUSY: "busy", NO_ANSWER: "no_answer"}
    assert {call["client_reference"] for call in found} == {"patient-17", ""}


def paces_a_bulk_and_takes_it_back(server: Integrator) -> None:
    body = {
        "endpoint": server.endpoint["id"],
        "speed": {"calls": 30, "unit": "hour"},
        "calls": [{"contact": COMPLETED, "send_at": in_days(server, 1)}] * 2,
    }
    bulk = server.ask("createBulk", body).body
    server.accepted.extend(bulk["calls"])
    waiting = {**dict.fromkeys(bulk["by_state"], 0), "scheduled": 2}
    assert (bulk["speed"], bulk["by_state"]) == (body["speed"], waiting)

    paused = server.ask("pauseBulk", id=bulk["id"]).body
    assert paused["paused_at"] is not None
    assert server.ask("pauseBulk", id=bulk["id"]).body == paused
    assert server.ask("resumeBulk", id=bulk["id"]).body["paused_at"] is None
    later = in_days(server, 3)
    moved = server.ask("rescheduleBulk", {"send_at": later}, id=bulk["id"]).body
    assert datetime.fromisoformat(moved["next_call_at"]) == datetime.fromisoformat(later)
    too_late = {"send_at": in_days(server, 200)}
    error = told(server.ask("rescheduleBulk", too_late, id=bulk["id"]), 400, "invalid_request")
    assert set(error["fields"]) == {"send_at"}

    cancelled = server.ask("cancelBulk", id=bulk["id"]).body
    assert (cancelled["in_progress"], cancelled["by_state"]["ended"]) == (0, 2)
    assert cancelled["next_call_at"] is None


def finds_its_calls_again(server: Integrator) -> None:
    def found(**query: Any) -> list[str]:
        own = everything(server, "listCalls", endpoint=server.endpoint["id"], **query)
        return [call["id"] for call in own]

    mine = [call["id"] for call in reversed(server.accepted)]
    busy = [call["id"] for call in reversed(server.accepted) if call["contact"] == BUSY]
    assert len(busy) == 2
    for spelling in (BUSY, "+44 (0)20 7946-0002", "0044 20 7946 0002", "7946 0002"):
        assert found(contact=spelling) == busy, spelling
    assert found(outcome=["busy"]) == busy
    assert len(found(outcome=["busy", "declined"])) == 3
    assert found(state=["ended"]) == mine
    assert found(state=["queued", "scheduled"]) == []
    assert len(found(client_reference="order-1187")) == 1

    first, last = server.accepted[0], server.accepted[-1]
    assert first["id"] not in found(created_after=just_after(first))
    assert found(created_before=just_after(first)) == [first["id"]]
    assert found(created_after=last["created_at"], created_before=just_after(last))[0] == mine[0]


def just_after(call: dict[str, Any]) -> str:
    moment = datetime.fromisoformat(call["created_at"]) + timedelta(microseconds=1)
    return moment.isoformat()


def reads_the_history_page_by_page(server: Integrator) -> None:
    here = {"endpoint_id": server.endpoint["id"]}
    pages = list(pages_of(server, "listEndpointHistory", page_size=4, **here))
    ids = [[call["id"] for call in page["results"]] for page in pages]
    assert [len(page) for page in ids] == [4, 4, 4, 1]
    assert list(chain.from_iterable(ids)) == [call["id"] for call in reversed(server.accepted)]
    back = server.follow("listEndpointHistory", pages[-1]["previous"]).body["results"]
    assert [call["id"] for call in back] == ids[-2]
    newest = server.ask("listCalls", page_size=1, endpoint=server.endpoint["id"]).body["results"]
    assert newest == pages[0]["results"][:1]


def gets_figures_that_add_up(server: Integrator) -> None:
    midnight = f"{server.endpoint['created_at'][:10]}T00:00:00Z"
    figures = server.ask("readStatistics", since=midnight, endpoint=server.endpoint["id"]).body
    assert figures["total"] == len(server.accepted)
    assert figures["in_progress"] == 0
    assert Counter(figures["by_outcome"]) == Counter(
        call["outcome"] for call in everything(server, "listCalls", endpoint=server.endpoint["id"])
    )
    assert figures["refused"] == len(server.refused)
    (own,) = figures["by_endpoint"]
    assert (own["endpoint"], own["name"]) == (server.endpoint["id"], server.endpoint["name"])
    for count in ("total", "in_progress", "connected", "talk_seconds"):
        assert own[count] == figures[count]
        assert sum(day[count] for day in figures["by_day"]) == figures[count]
    whole = server.ask("readStatistics", since=midnight).body
    for outcome, count in whole["by_outcome"].items():
        assert sum(each["by_outcome"][outcome] for each in whole["by_endpoint"]) == count
        assert sum(each["by_outcome"][outcome] for each in whole["by_day"]) == count


def sees_what_was_refused(server: Integrator) -> None:
    here = {"endpoint": server.endpoint["id"]}
    refusals = everything(server, "listRefusals", page_size=2, **here)
    seen = [(each["refusal"], each["code"]) for each in refusals]
    assert seen == server.refused[::-1]
    of_one_rule = everything(server, "listRefusals", refusal="not_on_whitelist", **here)
    assert [each["contact"] for each in of_one_rule] == [ELSEWHERE, ELSEWHERE]


def clears_up(server: Integrator, number: dict[str, Any]) -> None:
    spare = {name: server.endpoint[name] for name in ("provider", "extension")}
    unused = server.ask("createEndpoint", {"name": "Never called with", **spare})
    assert server.ask("deleteEndpoint", id=unused.body["id"]).status == 204
    told(server.follow("readEndpoint", unused.headers["Location"]), 404, "not_found")

    told(server.ask("deleteEndpoint", id=server.endpoint["id"]), 409, "in_use")
    told(server.ask("deleteNumber", id=number["id"]), 409, "in_use")
    off = {"active": False, "caller_id_b": ""}
    assert server.ask("changeEndpoint", off, id=server.endpoint["id"]).body["active"] is False
    server.is_refused(COMPLETED, 403, "not_available", "endpoint_inactive")
    assert asks_for_the_first_call(server)["id"] == server.accepted[0]["id"]
    assert server.ask("deleteNumber", id=number["id"]).status == 204
    told(server.ask("readNumber", id=number["id"]), 404, "not_found")


def told(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The error of an answer, which is this one."""
    assert answer.status == status, (answer.operation, answer.status, answer.body)
    error: dict[str, Any] = answer.body["error"]
    assert error["code"] == code, error
    return error


def until_it_ended(server: Integrator, call: dict[str, Any]) -> dict[str, Any]:
    """The call when it is over; asks as often as `poll_after` says, and reads no news twice."""
    give_up = time.monotonic() + _PATIENCE
    seen = server.follow("readCall", call["status_url"])
    while (pause := seen.body["poll_after"]) is not None:
        assert time.monotonic() < give_up, seen.body
        time.sleep(pause)
        news = server.follow("readCall", call["status_url"], if_none_match=seen.headers["ETag"])
        seen = news if news.status == 200 else seen
    assert seen.body["state"] == "ended"
    return seen.body


def until(
    look: Callable[[], dict[str, Any]], is_so: Callable[[dict[str, Any]], Any]
) -> dict[str, Any]:
    give_up = time.monotonic() + _PATIENCE
    while not is_so(now := look()):
        assert time.monotonic() < give_up, now
        time.sleep(0.1)
    return now


def pages_of(server: Integrator, operation: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    page = server.ask(operation, **parameters).body
    yield page
    while page["next"]:
        page = server.follow(operation, page["next"]).body
        yield page


def everything(server: Integrator, operation: str, **parameters: Any) -> list[dict[str, Any]]:
    """The results of all pages."""
    return [each for page in pages_of(server, operation, **parameters) for each in page["results"]]
