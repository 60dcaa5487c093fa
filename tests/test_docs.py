"""What the documentation says of the Python API is what the code does."""

from __future__ import annotations

import inspect
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import Signal
from django.test import Client
from django.utils import timezone

from clicktocall import exceptions, signals
from clicktocall.accounts.keys import issue_key, revoke_key
from clicktocall.calls import (
    SendingSpeed,
    Visitor,
    cancel_bulk,
    cancel_call,
    is_cancellable,
    pause_bulk,
    request_call,
    reschedule_bulk,
    resume_bulk,
)
from clicktocall.calls.brakes import resume_calls, stop_calls
from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.calls.events import apply_event, event_now
from clicktocall.exceptions import CallRefused, ClicktocallError
from clicktocall.history.search import regions_of, search_calls
from clicktocall.management.commands import stop_calls as stop_calls_command
from clicktocall.models import Account, ApiKey, Call, Endpoint, Refusal
from clicktocall.providers.sandbox.simulator import Simulator
from clicktocall.states import CallState, EventKind, Outcome
from tests.factories import VISITOR, make_attempt, make_call, make_endpoint

_DOCS = Path(__file__).resolve().parents[1] / "docs"
PYTHON = (_DOCS / "python.md").read_text(encoding="utf-8")
SETTINGS = (_DOCS / "settings.md").read_text(encoding="utf-8")
SIGNALS: dict[str, Signal] = {
    name: signal for name, signal in vars(signals).items() if isinstance(signal, Signal)
}
_PATIENCE = 20.0  # seconds


def table(heading: str, document: str = PYTHON) -> list[list[str]]:
    """The cells of the table under this first column's heading, row by row."""
    (found,) = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", document, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found.splitlines()]


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


# --- What it names --------------------------------------------------------------------------


def test_every_argument_of_request_call_is_named() -> None:
    documented = [names(row[0])[0] for row in table("Argument")]
    assert documented == list(dict.fromkeys(documented)), "one is named twice"
    assert set(documented) == set(inspect.signature(request_call).parameters)


def test_the_defaults_of_request_call_are_true() -> None:
    parameters = inspect.signature(request_call).parameters
    for argument, _, default in table("Argument"):
        literal = re.fullmatch(r'`"(.*)"`', default)
        if literal:
            assert parameters[names(argument)[0]].default == literal[1]
    required = [name for name, known in parameters.items() if known.default is known.empty]
    assert required == [names(row[0])[0] for row in table("Argument") if not row[2]]


@pytest.mark.parametrize(
    ("argument", "length"),
    [("client_reference", 128), ("requester", 80), ("door", 16)],
)
def test_the_lengths_are_those_of_the_columns(argument: str, length: int) -> None:
    (meaning,) = [row[1] for row in table("Argument") if names(row[0]) == [argument]]
    assert f"; {length} characters" in meaning
    column: Any = Call._meta.get_field(argument)
    assert column.max_length == length


def test_every_part_of_a_visitor_is_named() -> None:
    (meaning,) = [row[1] for row in table("Argument") if names(row[0]) == ["visitor"]]
    assert set(names(meaning)) - {"Visitor"} == set(inspect.signature(Visitor).parameters)


def test_every_exception_it_names_exists() -> None:
    named = {name for row in table("Exception") for name in names(row[0])}
    assert "CallRefused" in named
    for name in named:
        assert issubclass(getattr(exceptions, name), ClicktocallError)


@pytest.mark.parametrize(
    "function",
    [
        *(SendingSpeed, pause_bulk, resume_bulk, reschedule_bulk, cancel_bulk),
        *(cancel_call, is_cancellable, stop_calls, resume_calls),
        *(search_calls, regions_of, issue_key, revoke_key),
    ],
    ids=lambda function: function.__name__,
)
def test_every_function_is_shown_with_its_arguments(function: Any) -> None:
    arguments = ", ".join(inspect.signature(function).parameters)
    assert f"| `{function.__name__}({arguments})` |" in PYTHON


def test_every_signal_is_named() -> None:
    assert [names(row[0])[0] for row in table("Signal")] == list(SIGNALS)


@pytest.mark.django_db
def test_every_field_of_the_health_page_is_named(client: Client) -> None:
    answer = client.get("/clicktocall/health/").json()
    assert [names(row[0])[0] for row in table("Field", SETTINGS)] == list(answer)


def test_every_command_is_named() -> None:
    folder = Path(stop_calls_command.__file__).parent
    commands = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    named = {cell.strip("`").split()[0] for cell, *_ in table("Command", SETTINGS)}
    assert named == commands


# --- What its code does ---------------------------------------------------------------------


@pytest.fixture
def shop(transactional_db: None) -> Endpoint:
    """What the text takes for granted: an endpoint named Sales, and a user."""
    User.objects.create(username="sam")
    return make_endpoint(name="Sales")


@pytest.fixture
def told(shop: Endpoint) -> Iterator[dict[str, Any]]:
    """The names that all its blocks of code leave behind, run one after the other."""
    blocks = re.findall(r"^```python\n(.*?)^```", PYTHON, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 7
    known: dict[str, Any] = {"__name__": "shop.receivers", "user": User.objects.get()}
    try:
        for number, block in enumerate(blocks, start=1):
            exec(compile(block, f"docs/python.md, block {number}", "exec"), known)
        yield known
    finally:
        for signal in SIGNALS.values():
            for function in filter(inspect.isfunction, known.values()):
                signal.disconnect(function)


def test_its_code_runs(told: dict[str, Any], shop: Endpoint) -> None:
    call = told["call"]
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.CANCELED)
    assert call.requester == f"user:{told['user'].pk}"
    assert call.context == {"order": 17}
    assert call.call_options.timeout == 20
    assert [found.pk for found in told["found"]] == [call.pk]
    assert told["key"].scopes == ["read", "call"]
    assert len(told["secret"]) == 64
    revoke_key(told["key"])
    assert ApiKey.objects.get().revoked_at is not None


def test_its_words_for_a_refusal(told: dict[str, Any]) -> None:
    assert told["ring"]("12345")[1] == "That does not look like a phone number we can call."
    assert told["ring"]("+33 1 99 00 12 34")[1] == "We cannot call this number."
    call, words = told["ring"](VISITOR)
    assert call.state == CallState.QUEUED
    assert words == "Your phone rings in a moment."


def test_its_receiver_tells_the_team(told: dict[str, Any]) -> None:
    call = Call(contact=VISITOR, outcome=Outcome.NO_ANSWER, state=CallState.ENDED)
    signals.call_ended.send_robust(Call, call=call)
    assert [message.subject for message in mail.outbox] == ["Nobody reached: +44 20 7946 0101"]


def test_a_refusal_goes_with_the_rollback_unless_it_is_caught_inside(shop: Endpoint) -> None:
    with pytest.raises(CallRefused), transaction.atomic():
        request_call(shop, "12345")
    assert not Refusal.objects.exists()
    with transaction.atomic(), pytest.raises(CallRefused):
        request_call(shop, "12345")
    assert Refusal.objects.count() == 1


def test_what_issue_key_does_not_take(shop: Endpoint) -> None:
    account = shop.account
    with pytest.raises(ValueError, match="16 to 128 characters"):
        issue_key(account, "Billing server", raw="x" * 15)
    other = make_endpoint(Account.objects.create(name="Another"))
    mistakes: list[dict[str, Any]] = [
        {"scopes": ["fly"]},
        {"scopes": []},
        {"default_endpoint": other},
    ]
    for wrong in mistakes:
        with pytest.raises(ValidationError):
            issue_key(account, "Billing server", **wrong)


# --- Its signals, in a call that is really placed -------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """One signal, as a receiver got it."""

    name: str
    sender: type
    arguments: dict[str, Any]
    thread: str

    @property
    def kind(self) -> str:
        event = self.arguments.get("event")
        return f"{self.name} {event.kind}" if event else self.name


@pytest.fixture
def sent() -> Iterator[list[Sent]]:
    """Every signal that is sent from now on."""
    heard: list[Sent] = []

    def listener(name: str) -> Callable[..., None]:
        def hear(sender: type, **arguments: Any) -> None:
            del arguments["signal"]
            heard.append(Sent(name, sender, arguments, threading.current_thread().name))
            raise RuntimeError("A receiver of the host fails.")  # and harms nobody

        return hear

    listeners = {name: listener(name) for name in SIGNALS}
    for name, hear in listeners.items():
        SIGNALS[name].connect(hear)
    yield heard
    for name, hear in listeners.items():
        SIGNALS[name].disconnect(hear)


@pytest.fixture
def telephone_company(live_server: Any, settings: Any) -> Iterator[None]:
    """The sandbox, forty times faster than life, which reports to this test's own web server."""
    simulator = Simulator(port=0, api_key="a-key-of-the-documentation", speed=40)
    simulator.start()
    options = {
        "BASE_URL": simulator.address,
        "API_KEY": "a-key-of-the-documentation",
        "CALLBACK_SECRETS": ["callback-secret-of-the-documentation"],
    }
    settings.CLICKTOCALL = {
        "PUBLIC_URL": f"{live_server.url}/clicktocall/",
        "PROVIDERS": {
            "sandbox": {
                "BACKEND": "clicktocall.providers.sandbox.SandboxProvider",
                "OPTIONS": options,
            }
        },
    }
    yield
    simulator.stop()


def place_and_wait(call: Call, until: Callable[[], bool]) -> None:
    """Place the call in this thread, and let the telephone company play it."""
    CallDispatcher().drain()
    give_up = time.monotonic() + _PATIENCE
    while not until():
        assert time.monotonic() < give_up, f"the call stays {Call.objects.get(pk=call.pk).state}"
        time.sleep(0.02)


def heard_the_end(sent: list[Sent]) -> Callable[[], bool]:
    return lambda: bool(sent) and sent[-1].kind == "call_updated ended"


def test_the_signals_of_a_call(shop: Endpoint, telephone_company: None, sent: list[Sent]) -> None:
    call = request_call(shop, "020 7946 0001")
    place_and_wait(call, until=heard_the_end(sent))
    with pytest.raises(CallRefused):
        request_call(shop, "12345")
    stop_calls(reason="Fraud?")
    resume_calls()
    for name, sender, arguments, *_ in table("Signal"):
        examples = [example for example in sent if example.name in names(name)]
        assert examples, f"{name} was not sent"
        for example in examples:
            assert [example.sender.__name__] == names(sender)
            assert list(example.arguments) == names(arguments)

    assert [example.kind for example in sent].count("call_ended") == 1
    end = [example.kind for example in sent].index("call_ended")
    assert sent[end + 1].kind == "call_updated ended"
    assert sent[end].arguments["call"].outcome == Outcome.COMPLETED
    # This thread is the process that asks, and then the dispatcher; the other the web server.
    here = {example.kind for example in sent if example.thread == "MainThread"}
    asked = {"call_requested", "call_updated placed", "call_refused"}
    assert here == asked | {"calls_stopped", "calls_resumed"}
    assert "call_ended" in {example.kind for example in sent} - here


def test_a_dispatcher_tells_of_a_call_that_its_provider_refuses(
    shop: Endpoint, telephone_company: None, sent: list[Sent]
) -> None:
    call = request_call(shop, "020 7946 0010")
    place_and_wait(call, until=heard_the_end(sent))
    assert [example.kind for example in sent] == [
        "call_requested",
        "call_ended",
        "call_updated ended",
    ]
    assert {example.thread for example in sent} == {"MainThread"}


def test_who_takes_a_call_off_the_queue_tells_of_it_without_an_event(
    shop: Endpoint, sent: list[Sent]
) -> None:
    cancel_call(request_call(shop, VISITOR))
    assert [example.kind for example in sent] == ["call_requested", "call_ended"]


def test_a_dispatcher_tells_of_a_call_that_expired_without_an_event(
    shop: Endpoint, sent: list[Sent]
) -> None:
    late = timezone.now() - timedelta(minutes=5)
    make_call(shop, due_at=late, expires_at=late)
    CallDispatcher().step()
    assert [example.kind for example in sent] == ["call_ended"]
    assert sent[0].arguments["call"].outcome == Outcome.EXPIRED


def test_a_late_report_makes_the_outcome_more_exact_and_does_not_end_it_again(
    shop: Endpoint, sent: list[Sent]
) -> None:
    attempt = make_attempt(make_call(shop, state=CallState.PLACED))
    apply_event(attempt, event_now(EventKind.ENDED, outcome=Outcome.UNKNOWN))
    apply_event(attempt, event_now(EventKind.ENDED, outcome=Outcome.COMPLETED))
    assert Call.objects.get().outcome == Outcome.COMPLETED
    kinds = [example.kind for example in sent]
    assert kinds == ["call_ended", "call_updated ended", "call_updated ended"]


def test_nothing_is_told_before_the_commit_or_after_a_rollback(
    shop: Endpoint, sent: list[Sent]
) -> None:
    with transaction.atomic():
        request_call(shop, VISITOR)
        assert sent == []
    assert [example.kind for example in sent] == ["call_requested"]
    with transaction.atomic():
        request_call(shop, VISITOR)
        transaction.set_rollback(True)
    assert len(sent) == 1


def test_a_repeat_of_a_key_tells_nothing(shop: Endpoint, sent: list[Sent]) -> None:
    for _ in range(2):
        request_call(shop, VISITOR, idempotency_key="order-17")
    assert [example.kind for example in sent] == ["call_requested"]
