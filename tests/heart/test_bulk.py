"""Asking for many calls in one request: each for itself, and all that are accepted at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from clicktocall.calls import BulkAnswer, Visitor, WantedCall, request_bulk, request_call
from clicktocall.calls.bulk import MOST_CALLS
from clicktocall.exceptions import (
    CallRefused,
    ClicktocallError,
    IdempotencyMismatch,
    InvalidOption,
)
from clicktocall.models import Account, Bulk, Call, Endpoint, Refusal, RefusalCount
from clicktocall.rules import Refusal as Verdict
from clicktocall.signals import call_refused, call_requested
from clicktocall.states import CallState
from tests.embed.faults import failing
from tests.factories import TEAM, VISITOR, make_account, make_endpoint

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)

KEY = "3f0c9a4e-8d55-4b8e-9c1e-0d6f6f6f0001"
NEIGHBOUR = "+442079460102"
FRENCH = "+33199001234"

# What an entry asks for, and what is told of it: code, rule, field; None when it is accepted.
GOOD: dict[str, dict[str, Any]] = {
    "as it is dialled": {"contact": VISITOR},
    "as it is written": {"contact": "(020) 7946-0102"},
    "of another country": {"contact": "(202) 555-0123", "region": "US"},
    "with an option": {"contact": VISITOR, "options": {"timeout": 20}},
    "with a visitor": {"contact": VISITOR, "visitor": Visitor(name="Ada", context={"order": 7})},
}
BAD: dict[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "empty": ({"contact": ""}, ("invalid_number", "number_empty", "contact")),
    "letters": ({"contact": "nobody"}, ("invalid_number", "number_characters", "contact")),
    "NUL": ({"contact": "\x0020"}, ("invalid_number", "number_characters", "contact")),
    "half": ({"contact": "20\ud83d"}, ("invalid_number", "number_characters", "contact")),
    "short": ({"contact": "112"}, ("invalid_number", "number_syntax", "contact")),
    "foreign": ({"contact": FRENCH}, ("not_available", "country_not_allowed", "contact")),
    "costly": ({"contact": "+448451234567"}, ("not_available", "number_kind", "contact")),
    "own": ({"contact": TEAM}, ("not_available", "own_number", "contact")),
    "unknown option": (
        {"contact": VISITOR, "options": {"volume": 11}},
        ("invalid_option", "", "volume"),
    ),
    "wrong option": (
        {"contact": VISITOR, "options": {"timeout": "soon"}},
        ("invalid_option", "", "timeout"),
    ),
    "foreign caller id": (
        {"contact": VISITOR, "options": {"caller_id_a": "+442079460999"}},
        ("invalid_option", "", "caller_id_a"),
    ),
    "long name": (
        {"contact": VISITOR, "visitor": Visitor(name="x" * 129)},
        ("invalid_option", "", "visitor_name"),
    ),
    "NUL in the name": (
        {"contact": VISITOR, "visitor": Visitor(name="A\x00a")},
        ("invalid_option", "", "visitor_name"),
    ),
}


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def endpoint(account: Account) -> Endpoint:
    return make_endpoint(account)


def entries(endpoint: Endpoint, *contacts: str) -> list[WantedCall]:
    return [WantedCall(endpoint=endpoint, contact=contact) for contact in contacts]


def ask(endpoint: Endpoint, *contacts: str, **more: Any) -> BulkAnswer:
    return request_bulk(endpoint.account, entries(endpoint, *contacts), **more)


def told(answer: BulkAnswer) -> tuple[str, list[str], list[dict[str, Any]]]:
    return (
        answer.bulk.pk,
        [call.pk for call in answer.calls],
        [asdict(entry) for entry in answer.refused],
    )


def assert_nothing_written() -> None:
    kept = {model.__name__: model.objects.count() for model in (Bulk, Call, Refusal, RefusalCount)}
    assert not any(kept.values()), kept


# --- Each entry for itself ------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*GOOD, *BAD]), min_size=1, max_size=12))
def test_every_entry_is_either_a_call_or_told_why_not_in_the_order_asked(kinds: list[str]) -> None:
    endpoint = make_endpoint()
    wanted = [
        WantedCall(
            endpoint=endpoint,
            client_reference=f"entry {place}",
            **(GOOD[kind] if kind in GOOD else BAD[kind][0]),
        )
        for place, kind in enumerate(kinds)
    ]

    answer = request_bulk(endpoint.account, wanted)

    good = [place for place, kind in enumerate(kinds) if kind in GOOD]
    bad = [place for place, kind in enumerate(kinds) if kind in BAD]
    assert [call.client_reference for call in answer.calls] == [f"entry {n}" for n in good]
    assert [entry.index for entry in answer.refused] == bad
    assert [(e.code, e.refusal, e.field) for e in answer.refused] == [
        BAD[kinds[place]][1] for place in bad
    ]
    assert all(entry.message for entry in answer.refused)

    kept = Bulk.objects.get(pk=answer.bulk.pk)
    assert kept.refused == [asdict(entry) for entry in answer.refused]
    assert {call.pk for call in kept.calls.all()} == {call.pk for call in answer.calls}
    recorded = RefusalCount.objects.filter(endpoint=endpoint).aggregate(all=Sum("count"))["all"]
    assert (recorded or 0) == sum(bool(entry.refusal) for entry in answer.refused)


@pytest.mark.parametrize("kind", BAD)
def test_an_entry_is_judged_as_a_call_alone_is(endpoint: Endpoint, kind: str) -> None:
    asked, (code, rule, field) = BAD[kind]
    (entry,) = request_bulk(endpoint.account, [WantedCall(endpoint=endpoint, **asked)]).refused

    asked = dict(asked)
    with pytest.raises(ClicktocallError) as caught:
        request_call(endpoint, asked.pop("contact"), **asked)
    match caught.value:
        case CallRefused(refusal=Verdict() as verdict):
            alone = (str(verdict.code), verdict.rule, "contact", verdict.detail)
        case InvalidOption() as wrong:
            alone = ("invalid_option", "", wrong.field, wrong.message)
    assert (entry.code, entry.refusal, entry.field, entry.message) == alone
    assert alone[:3] == (code, rule, field)


def test_a_call_of_a_bulk_is_as_one_asked_for_alone(endpoint: Endpoint) -> None:
    asked: dict[str, Any] = {
        "options": {"max_duration": 60},
        "client_reference": "order 7",
        "visitor": Visitor(name="Ada", email="ada@example.com", page="https://x/y"),
    }
    origin: dict[str, Any] = {"requester": "key:3", "door": "api"}
    alone = request_call(endpoint, VISITOR, **asked, **origin)
    wanted = [WantedCall(endpoint=endpoint, contact=VISITOR, **asked)]
    answer = request_bulk(endpoint.account, wanted, **origin)

    def facts(call: Call) -> dict[str, Any]:
        own = {"id", "bulk_id", "due_at", "expires_at", "created_at", "updated_at"}
        row = Call.objects.filter(pk=call.pk).values().get()
        return {name: value for name, value in row.items() if name not in own}

    (call,) = answer.calls
    assert facts(call) == facts(alone)
    call.refresh_from_db()
    assert call.bulk == answer.bulk
    assert call.due_at is not None
    assert (call.expires_at - call.due_at).total_seconds() == 120


def test_each_call_keeps_to_its_own_endpoint(account: Account) -> None:
    now = make_endpoint(account, name="Now")
    window = {"days": ["MONDAY"], "from": {"hour": 9}, "to": {"hour": 17}}
    later = make_endpoint(account, name="Later", delivery_time_window=window)
    off = make_endpoint(account, name="Off", active=False)

    with time_machine.travel(datetime(2026, 11, 21, 12, 0, tzinfo=UTC), tick=False):
        wanted = [WantedCall(endpoint=one, contact=VISITOR) for one in (later, off, now)]
        answer = request_bulk(account, wanted)

    assert [call.endpoint for call in answer.calls] == [later, now]
    assert [call.state for call in answer.calls] == [CallState.SCHEDULED, CallState.QUEUED]
    assert answer.calls[0].due_at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert [(entry.index, entry.refusal) for entry in answer.refused] == [(1, "endpoint_inactive")]
    assert Refusal.objects.get().endpoint == off


def test_the_same_contact_twice_is_two_calls(endpoint: Endpoint) -> None:
    assert len(ask(endpoint, VISITOR, VISITOR).calls) == 2
    assert Call.objects.count() == 2


def test_a_refusal_is_recorded_with_who_asked(endpoint: Endpoint) -> None:
    ask(endpoint, VISITOR, FRENCH, requester="key:3", door="api")
    kept = Refusal.objects.get()
    assert (kept.rule, kept.contact.as_e164) == ("country_not_allowed", FRENCH)
    assert (kept.requester, kept.door) == ("key:3", "api")


def test_what_a_refused_entry_asked_for_is_kept_as_text_of_bearable_length(
    endpoint: Endpoint,
) -> None:
    answer = ask(endpoint, "12\x003\udc00" + "x" * 1000)
    answer.bulk.refresh_from_db()
    (kept,) = answer.bulk.refused
    assert kept["contact"].startswith("123?x")
    assert len(kept["contact"]) <= 300


# --- The same request again -----------------------------------------------------------------


def test_a_repeat_gets_the_first_answer_and_writes_nothing(
    account: Account, endpoint: Endpoint
) -> None:
    wanted = entries(endpoint, VISITOR, FRENCH, NEIGHBOUR, "nobody", *[VISITOR] * 30)
    first = request_bulk(account, wanted, client_id="mine", idempotency_key=KEY)
    before = (Call.objects.count(), Refusal.objects.count(), RefusalCount.objects.count())
    Endpoint.objects.update(active=False)
    endpoint.refresh_from_db()

    with CaptureQueriesContext(connection) as captured:
        again = request_bulk(account, wanted, client_id="mine", idempotency_key=KEY)

    assert told(again) == told(first)
    assert [query["sql"].split()[0] for query in captured] == ["SELECT", "SELECT"]
    assert (Call.objects.count(), Refusal.objects.count(), RefusalCount.objects.count()) == before


def test_a_repeat_shows_the_calls_as_they_stand_now(endpoint: Endpoint) -> None:
    ask(endpoint, VISITOR, idempotency_key=KEY)
    Call.objects.update(state=CallState.RINGING)
    (call,) = ask(endpoint, VISITOR, idempotency_key=KEY).calls
    assert call.state == CallState.RINGING


def test_a_bulk_of_refused_entries_only_is_kept_for_its_repeat(endpoint: Endpoint) -> None:
    first = ask(endpoint, FRENCH, "112", idempotency_key=KEY)
    Endpoint.objects.update(allowed_countries=["FR", "GB"])
    again = ask(Endpoint.objects.get(), FRENCH, "112", idempotency_key=KEY)

    assert first.calls == []
    assert [entry.index for entry in first.refused] == [0, 1]
    assert told(again) == told(first)
    assert RefusalCount.objects.aggregate(all=Sum("count"))["all"] == 2


def test_another_spelling_is_the_same_request(endpoint: Endpoint) -> None:
    first = ask(endpoint, VISITOR, idempotency_key=KEY)
    assert told(ask(endpoint, "020 7946 0101", idempotency_key=KEY)) == told(first)


Change = Callable[[list[WantedCall]], list[WantedCall]]


@pytest.mark.parametrize(
    ("change", "client_id"),
    [
        (lambda wanted: wanted[::-1], ""),
        (lambda wanted: wanted[:1], ""),
        (lambda wanted: [*wanted, wanted[0]], ""),
        (lambda wanted: [wanted[0], replace(wanted[1], contact=FRENCH)], ""),
        (lambda wanted: [wanted[0], replace(wanted[1], options={"timeout": 20})], ""),
        (lambda wanted: [wanted[0], replace(wanted[1], options={"volume": 11})], ""),
        (lambda wanted: [wanted[0], replace(wanted[1], client_reference="7")], ""),
        (lambda wanted: [wanted[0], replace(wanted[1], visitor=Visitor(name="Ada"))], ""),
        (lambda wanted: wanted, "another"),
    ],
)
def test_the_same_key_for_another_request_is_a_mismatch(
    endpoint: Endpoint, change: Change, client_id: str
) -> None:
    wanted = entries(endpoint, VISITOR, NEIGHBOUR)
    request_bulk(endpoint.account, wanted, idempotency_key=KEY)

    with pytest.raises(IdempotencyMismatch):
        request_bulk(endpoint.account, change(wanted), client_id=client_id, idempotency_key=KEY)

    assert (Bulk.objects.count(), Call.objects.count()) == (1, 2)
    assert not Refusal.objects.exists()


def test_without_a_key_every_request_is_a_bulk(endpoint: Endpoint) -> None:
    for key in (None, None, "", ""):
        ask(endpoint, VISITOR, idempotency_key=key)
    assert (Bulk.objects.count(), Call.objects.count()) == (4, 4)


def test_a_key_is_unique_within_its_scope(endpoint: Endpoint) -> None:
    other = make_endpoint(make_account())
    kept = {"idempotency_key": KEY}
    bulks = [
        ask(endpoint, VISITOR, **kept),
        ask(other, VISITOR, **kept),
        ask(endpoint, VISITOR, **kept, requester="key:1"),
        ask(endpoint, VISITOR, **kept, requester="key:2"),
        ask(endpoint, VISITOR, **kept, requester="key:2", door="api"),
        ask(endpoint, VISITOR, **kept, requester="key:1", idempotency_scope="account:1"),
    ]
    again = ask(endpoint, VISITOR, **kept, requester="key:2", idempotency_scope="account:1")

    assert len({answer.bulk.pk for answer in bulks}) == 6
    assert told(again) == told(bulks[-1])


def test_a_call_and_a_bulk_may_have_the_same_key(endpoint: Endpoint) -> None:
    call = request_call(endpoint, VISITOR, idempotency_key=KEY, idempotency_scope="account:1")
    answer = ask(endpoint, VISITOR, idempotency_key=KEY, idempotency_scope="account:1")
    assert call not in answer.calls


# --- The client's own id --------------------------------------------------------------------


def test_a_clients_id_is_used_once(endpoint: Endpoint) -> None:
    ask(endpoint, VISITOR, client_id="mine", idempotency_key=KEY)
    for key in (None, "another key"):
        with pytest.raises(InvalidOption, match="already used") as caught:
            ask(endpoint, VISITOR, FRENCH, client_id="mine", idempotency_key=key)
        assert caught.value.field == "bulk_id"
    assert (Bulk.objects.count(), Call.objects.count(), Refusal.objects.count()) == (1, 1, 0)


def test_another_account_may_have_the_same_id(endpoint: Endpoint) -> None:
    ask(endpoint, VISITOR, client_id="mine")
    assert ask(make_endpoint(), VISITOR, client_id="mine").calls


# --- Several at once ------------------------------------------------------------------------


def at_once(asking: Sequence[Callable[[], BulkAnswer]]) -> list[BulkAnswer | Exception]:
    """What each is answered, all of them asking in the same moment."""
    start = Barrier(len(asking))

    def run(one: Callable[[], BulkAnswer]) -> BulkAnswer | Exception:
        try:
            start.wait()
            return one()
        except (IdempotencyMismatch, InvalidOption) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(asking)) as pool:
        return list(pool.map(run, asking))


@committed
def test_one_key_at_the_same_time_is_one_bulk(endpoint: Endpoint) -> None:
    asked = [VISITOR, FRENCH, NEIGHBOUR, "nobody", VISITOR]

    answers = at_once([lambda: ask(endpoint, *asked, client_id="mine", idempotency_key=KEY)] * 6)

    assert all(isinstance(answer, BulkAnswer) for answer in answers), answers
    first, *others = [told(answer) for answer in answers if isinstance(answer, BulkAnswer)]
    assert all(other == first for other in others)
    assert (Bulk.objects.count(), Call.objects.count()) == (1, 3)
    assert RefusalCount.objects.aggregate(all=Sum("count"))["all"] == 2


@committed
def test_one_key_for_different_requests_at_the_same_time_is_one_bulk(endpoint: Endpoint) -> None:
    contacts = [f"+44207946010{n}" for n in range(5)]

    answers = at_once([partial(ask, endpoint, one, idempotency_key=KEY) for one in contacts])

    assert sum(isinstance(answer, BulkAnswer) for answer in answers) == 1
    assert sum(isinstance(answer, IdempotencyMismatch) for answer in answers) == 4
    assert (Bulk.objects.count(), Call.objects.count()) == (1, 1)


@committed
def test_one_id_at_the_same_time_is_one_bulk(endpoint: Endpoint) -> None:
    answers = at_once([lambda: ask(endpoint, VISITOR, client_id="mine")] * 5)

    assert sum(isinstance(answer, BulkAnswer) for answer in answers) == 1
    assert sum(isinstance(answer, InvalidOption) for answer in answers) == 4
    assert (Bulk.objects.count(), Call.objects.count()) == (1, 1)


# --- All or nothing -------------------------------------------------------------------------


@contextmanager
def references_are_unique() -> Iterator[None]:
    """The database itself takes no client's reference twice."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX once ON clicktocall_call (client_reference)")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX once")


@pytest.fixture
def heard() -> Iterator[list[Call]]:
    """The calls that `call_requested` has told of."""
    calls: list[Call] = []

    def hear(call: Call, **_: Any) -> None:
        calls.append(call)

    call_requested.connect(hear)
    yield calls
    call_requested.disconnect(hear)


@committed
def test_a_failure_in_the_middle_leaves_nothing(endpoint: Endpoint, heard: list[Call]) -> None:
    wanted = [
        WantedCall(endpoint=endpoint, contact=contact, client_reference=reference)
        for contact, reference in [(VISITOR, "a"), (FRENCH, "b"), (VISITOR, "c"), (VISITOR, "a")]
    ]
    ask_for_all = partial(
        request_bulk, endpoint.account, wanted, client_id="mine", idempotency_key=KEY
    )
    with references_are_unique(), pytest.raises(IntegrityError):
        ask_for_all()
    assert_nothing_written()
    assert heard == []

    answer = ask_for_all()
    assert [call.client_reference for call in answer.calls] == ["a", "c", "a"]
    assert heard == answer.calls


@committed
def test_a_lost_database_accepts_nothing(endpoint: Endpoint) -> None:
    with failing("INSERT", OperationalError("database is locked")), pytest.raises(OperationalError):
        ask(endpoint, VISITOR, FRENCH, idempotency_key=KEY)
    assert_nothing_written()


@committed
@pytest.mark.parametrize("failure", [OperationalError("database is locked"), InterfaceError("x")])
def test_calls_stay_accepted_when_refusals_cannot_be_recorded(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture, failure: Exception
) -> None:
    with failing("UPDATE", failure) as failed:
        answer = ask(endpoint, VISITOR, FRENCH, "112")

    assert len(failed) == 1, "waited for a lost database more than once"
    assert (len(answer.calls), len(answer.refused)) == (1, 2)
    assert Bulk.objects.get().calls.count() == 1
    assert "refusals" in caplog.text


def test_inside_the_hosts_transaction(endpoint: Endpoint) -> None:
    asked = {"client_id": "mine", "idempotency_key": KEY}
    with transaction.atomic():
        first = ask(endpoint, VISITOR, FRENCH, **asked)
        assert told(ask(endpoint, VISITOR, FRENCH, **asked)) == told(first)
        with pytest.raises(InvalidOption):
            ask(endpoint, VISITOR, client_id="mine")
        assert Call.objects.count() == 1, "the transaction was spoilt"
        transaction.set_rollback(True)
    assert_nothing_written()


@committed
def test_nothing_is_told_before_the_hosts_commit(endpoint: Endpoint, heard: list[Call]) -> None:
    with transaction.atomic():
        answer = ask(endpoint, NEIGHBOUR, VISITOR)
        assert heard == []
    assert heard == answer.calls


# --- What is told and what it costs ---------------------------------------------------------


@committed
def test_signals_tell_after_the_commit_in_the_order_asked(endpoint: Endpoint) -> None:
    heard: list[Any] = []

    def requested(sender: Any, call: Call, **_: Any) -> None:
        assert not connection.in_atomic_block
        heard.append((str(call.contact), Call.objects.filter(bulk=call.bulk).count()))

    def refused(sender: Any, refusal: Verdict, contact: str | None, **_: Any) -> None:
        heard.append((refusal.rule, contact))

    call_requested.connect(requested)
    call_refused.connect(refused)
    try:
        for _ in range(2):
            ask(endpoint, NEIGHBOUR, FRENCH, VISITOR, idempotency_key=KEY)
    finally:
        call_requested.disconnect(requested)
        call_refused.disconnect(refused)
    assert heard == [(NEIGHBOUR, 2), (VISITOR, 2), ("country_not_allowed", FRENCH)]


@committed
@pytest.mark.parametrize("count", [1, 40])
def test_a_bulk_is_one_look_and_one_transaction_of_one_insert_each(
    account: Account, count: int
) -> None:
    endpoint = make_endpoint(account, whitelist=[r"\+44"])
    wanted = entries(endpoint, *[VISITOR] * count)

    with CaptureQueriesContext(connection) as captured:
        request_bulk(account, wanted, client_id="mine", idempotency_key=KEY)

    words = [query["sql"].split()[0] for query in captured]
    # for the key; for brakes and for the whitelist, both of which the endpoint then keeps
    looks = ["SELECT", "SELECT", "SELECT"]
    assert words == [*looks, "BEGIN", "INSERT", *["INSERT"] * count, "COMMIT"]


# --- Limits ---------------------------------------------------------------------------------


def test_as_many_calls_as_a_bulk_may_have(endpoint: Endpoint) -> None:
    answer = ask(endpoint, *[VISITOR] * MOST_CALLS)
    assert len(answer.calls) == Call.objects.count() == MOST_CALLS == 1000


@pytest.mark.parametrize("count", [0, MOST_CALLS + 1])
def test_none_or_too_many_calls(endpoint: Endpoint, count: int) -> None:
    with pytest.raises(InvalidOption) as caught:
        ask(endpoint, *[VISITOR] * count)
    assert caught.value.field == "calls"
    assert str(MOST_CALLS) in caught.value.message
    assert_nothing_written()


def test_an_endpoint_of_another_account_is_no_ones_mistake_but_the_programmers(
    endpoint: Endpoint,
) -> None:
    foreign = make_endpoint()
    wanted = [*entries(endpoint, VISITOR), *entries(foreign, VISITOR)]
    with pytest.raises(ValueError, match=foreign.pk):
        request_bulk(endpoint.account, wanted)
    assert_nothing_written()


@pytest.mark.parametrize("text", ["x" * 300, "a\x00b", "\ud83d"])
@pytest.mark.parametrize(
    ("argument", "field"),
    [("client_id", "bulk_id"), ("idempotency_key", "idempotency_key"), ("requester", "requester")],
)
def test_a_text_of_the_whole_that_cannot_be_kept_is_named(
    endpoint: Endpoint, argument: str, field: str, text: str
) -> None:
    with pytest.raises(InvalidOption) as caught:
        ask(endpoint, VISITOR, FRENCH, **{argument: text})
    assert caught.value.field == field
    assert_nothing_written()


@pytest.mark.django_db(transaction=True)
def test_a_bulk_whose_answer_was_lost_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection breaks between the commit and its answer: everything is there."""
    endpoint = make_endpoint()
    commit = connection.commit

    def lose_the_answer() -> None:
        commit()
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(connection, "commit", lose_the_answer)
    answer = request_bulk(endpoint.account, [WantedCall(endpoint=endpoint, contact=VISITOR)] * 3)
    monkeypatch.undo()

    assert {call.pk for call in answer.calls} == set(Call.objects.values_list("pk", flat=True))
    assert Bulk.objects.get() == answer.bulk
