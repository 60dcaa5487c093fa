"""Reports that come before their call is known: each is applied once, and to no other call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from itertools import permutations, product
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicktocall.calls import waiting as rows
from clicktocall.calls.events import apply_report
from clicktocall.calls.match import match_reports, match_waiting
from clicktocall.calls.receive import keep, process_receipt
from clicktocall.calls.replay import replay
from clicktocall.calls.waiting import WAITS_FOR
from clicktocall.models import Attempt, CallbackReceipt, CallEvent, WaitingReport
from clicktocall.models.fields import hex_id
from clicktocall.orders import ReportedEvent
from clicktocall.providers import get_provider
from clicktocall.states import EventKind
from tests.callbacks.reporting import (
    ALIAS,
    OTHER,
    ReportingProvider,
    attempt_at,
    configure,
    receive,
    said,
)
from tests.embed.faults import failing
from tests.factories import make_account


@pytest.fixture(autouse=True)
def reporting(settings: Any) -> None:
    configure(settings)


def store(attempt: Attempt, reference: str) -> None:
    """What the dispatcher writes when the provider has answered."""
    Attempt.objects.filter(pk=attempt.pk).update(provider_reference=reference)


def waiting() -> set[tuple[str, str, str]]:
    rows = WaitingReport.objects.values_list("provider", "reference", "provider_reference")
    return set(rows)


def status_of(receipt: CallbackReceipt) -> str:
    return CallbackReceipt.objects.get(pk=receipt.pk).status


def grow_old(**ages: timedelta) -> None:
    """Let every row have come that long ago."""
    for model, field in ((WaitingReport, "created_at"), (CallbackReceipt, "received_at")):
        if field in ages:
            model._default_manager.update(**{field: timezone.now() - ages[field]})


# --- What waits -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_report_that_fits_no_call_waits_under_the_name_it_gives() -> None:
    known = attempt_at(provider_reference="known")

    receipt = receive(
        {"theirs": "known"},
        {"theirs": "t1"},
        {"theirs": "t1"},
        {"theirs": "t2"},
        {"ours": "o1", "theirs": "t3"},
        {},
    )

    assert (receipt.status, receipt.error) == ("unmatched", "5 of 6 reports fit no call.")
    assert waiting() == {(ALIAS, "", "t1"), (ALIAS, "", "t2"), (ALIAS, "o1", "")}
    assert CallEvent.objects.get().attempt == known


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["x" * 201, "a\x00b", "\ud800"])
def test_a_name_that_no_call_can_have_waits_for_nothing(name: str) -> None:
    """A report is of no call then, and of none that may come."""
    receipt = receive({"theirs": name}, {"ours": name})

    assert receipt.status == "unmatched"
    assert not waiting()


@pytest.mark.django_db
def test_the_longest_name_waits_and_is_found() -> None:
    receipt = receive({"theirs": "x" * 200})
    store(attempt_at(), "x" * 200)

    assert match_reports(ALIAS, ["x" * 200]) == 1
    assert status_of(receipt) == "applied"


# --- What is matched ------------------------------------------------------------------------

Match = Callable[[], int]


@pytest.mark.django_db
@pytest.mark.parametrize("match", [lambda: match_reports(ALIAS, ["t1", "t2"]), match_waiting])
def test_a_stored_placement_takes_its_reports(match: Match) -> None:
    attempt = attempt_at()
    receipt = receive({"theirs": "t1"}, {"theirs": "foreign"})
    assert match() == 0

    store(attempt, "t1")

    assert match() == 1
    assert CallEvent.objects.get().attempt == attempt
    assert CallEvent.objects.get().receipt == receipt
    attempt.refresh_from_db()
    assert attempt.state == "ringing"
    assert waiting() == {(ALIAS, "", "foreign")}
    assert status_of(receipt) == "unmatched", "the other report still fits no call"
    assert match() == 0, "what has nothing more to find is processed again"


@pytest.mark.django_db
def test_a_receipt_is_applied_once_nothing_of_it_waits() -> None:
    first, second = attempt_at(), attempt_at()
    receipt = receive({"theirs": "t1"}, {"theirs": "t2"})

    store(first, "t1")
    match_reports(ALIAS, ["t1"])
    assert (status_of(receipt), len(waiting())) == ("unmatched", 1)
    store(second, "t2")
    match_reports(ALIAS, ["t2"])

    assert (status_of(receipt), len(waiting())) == ("applied", 0)
    assert CallbackReceipt.objects.get().error == ""
    assert CallEvent.objects.count() == 2


@pytest.mark.django_db
def test_a_report_under_our_own_reference_finds_its_attempt_too() -> None:
    reference = hex_id()
    receipt = receive({"ours": reference})
    attempt_at(reference=reference)

    assert match_waiting() == 1
    assert status_of(receipt) == "applied"


@pytest.mark.django_db
@pytest.mark.parametrize("match", [lambda: match_reports(ALIAS, ["same"]), match_waiting])
def test_a_reference_of_two_attempts_matches_neither(match: Match) -> None:
    """They may even be of two accounts; and nothing tries it again every few seconds."""
    receive({"theirs": "same"})
    for _ in range(2):
        attempt_at(account=make_account(), provider_reference="same")

    match()

    assert not CallEvent.objects.exists()
    assert len(waiting()) == 1
    assert match_waiting() == 0


@pytest.mark.django_db
def test_a_report_never_goes_to_another_alias() -> None:
    attempt_at(OTHER, provider_reference="t1", reference="o1")
    receive({"theirs": "t1"}, {"ours": "o1"})

    assert match_reports(OTHER, ["t1"]) == 0
    assert match_reports(ALIAS, ["t1", "o1"]) == 0
    assert match_waiting() == 0
    assert not CallEvent.objects.exists()
    assert len(waiting()) == 2


@pytest.mark.django_db
def test_our_reference_and_theirs_are_never_taken_for_each_other() -> None:
    attempt_at(provider_reference="x", reference="y")
    receive({"ours": "x"}, {"theirs": "y"})

    assert match_waiting() == 0
    assert not CallEvent.objects.exists()


@pytest.mark.django_db
def test_an_attempt_without_a_reference_takes_nothing() -> None:
    attempt_at(provider_reference="")
    receive({}, {"theirs": "t1"})

    assert match_reports(ALIAS, ["", ""]) == 0
    assert match_waiting() == 0
    assert not CallEvent.objects.exists()


_NAMES = st.sampled_from(["a", "b"])
_REPORT = st.fixed_dictionaries({"ours": st.sampled_from(["", "a", "b"]), "theirs": _NAMES})
_ATTEMPT = st.tuples(st.sampled_from([ALIAS, OTHER]), st.sampled_from(["", "a", "b"]))


@pytest.mark.django_db
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    attempts=st.lists(_ATTEMPT, max_size=4),
    ours=st.sampled_from(["", "a", "b"]),
    report=_REPORT,
    alias=st.sampled_from([ALIAS, OTHER]),
)
def test_what_is_found_waiting_is_what_a_report_itself_would_find(
    attempts: list[tuple[str, str]], ours: str, report: dict[str, str], alias: str
) -> None:
    """The query that looks for waiting rows and the heart judge alike, ambiguity included."""
    for model in (WaitingReport, CallEvent, CallbackReceipt, Attempt):
        model._default_manager.all().delete()
    receive(report, alias=alias)
    for number, (at, theirs) in enumerate(attempts):
        named: dict[str, Any] = {"reference": ours} if ours and not number else {}
        attempt_at(at, provider_reference=theirs, **named)
    reported = ReportedEvent(
        kind=EventKind.NOTE, reference=report["ours"], provider_reference=report["theirs"]
    )

    found = match_waiting()

    assert found == (apply_report(reported, alias=alias) is not None)
    assert CallEvent.objects.filter(kind=EventKind.RINGING).count() == found


# --- A day, and no longer -------------------------------------------------------------------


@pytest.mark.django_db
def test_after_a_day_nothing_waits_any_more_and_the_receipt_stays() -> None:
    receipt = receive({"theirs": "t1"})
    grow_old(created_at=WAITS_FOR + timedelta(seconds=1))
    store(attempt_at(), "t1")

    assert match_reports(ALIAS, ["t1"]) == 0
    assert match_waiting() == 0
    assert not waiting()
    assert status_of(receipt) == "unmatched"
    assert not CallEvent.objects.exists()


@pytest.mark.django_db
def test_shortly_before_it_is_still_found() -> None:
    receive({"theirs": "t1"})
    grow_old(created_at=WAITS_FOR - timedelta(minutes=1))
    store(attempt_at(), "t1")

    assert match_waiting() == 1


@pytest.mark.django_db
def test_a_replay_of_an_old_receipt_does_not_let_it_wait_again() -> None:
    receipt = receive({"theirs": "t1"})
    grow_old(created_at=WAITS_FOR * 2, received_at=WAITS_FOR * 2)
    receipt.refresh_from_db()

    assert replay(receipt) == "unmatched"
    assert not waiting()


@pytest.mark.django_db
def test_another_try_does_not_prolong_the_wait() -> None:
    receipt = receive({"theirs": "t1"})
    grow_old(created_at=WAITS_FOR / 2)
    before = WaitingReport.objects.get()

    replay(receipt)

    after = WaitingReport.objects.get()
    assert (after.pk, after.created_at) == (before.pk, before.created_at)


# --- What may go wrong ----------------------------------------------------------------------


@pytest.mark.django_db
def test_a_parser_that_breaks_meanwhile_does_not_try_for_ever() -> None:
    receipt = receive({"theirs": "t1"})
    store(attempt_at(), "t1")
    ReportingProvider.unreadable[b"t1"] = RuntimeError("a new bug")

    assert match_waiting() == 1
    assert status_of(receipt) == "failed"
    assert match_waiting() == 0
    assert not CallEvent.objects.exists()

    ReportingProvider.unreadable.clear()
    receipt.refresh_from_db()
    assert replay(receipt) == "applied"


@pytest.mark.django_db
def test_one_that_fails_does_not_hold_up_the_others() -> None:
    broken, good = receive({"theirs": "t1"}), receive({"theirs": "t2"})
    store(attempt_at(), "t1")
    store(attempt_at(), "t2")
    ReportingProvider.unreadable[b"t1"] = RuntimeError("a bug")

    assert match_waiting() == 2
    assert (status_of(broken), status_of(good)) == ("failed", "applied")


@pytest.mark.django_db
def test_a_provider_that_is_gone_from_the_settings_is_left_waiting(settings: Any) -> None:
    receive({"theirs": "t1"})
    store(attempt_at(), "t1")
    mine = receive({"theirs": "t1"}, alias=OTHER)
    store(attempt_at(OTHER), "t1")
    providers = settings.CLICKTOCALL["PROVIDERS"]
    for gone in ({OTHER: providers[OTHER]}, {**providers, ALIAS: {"BACKEND": "no.where"}}):
        settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": gone}
        match_waiting()

    assert waiting() == {(ALIAS, "", "t1")}
    assert status_of(mine) == "applied"
    assert match_reports(ALIAS, ["t1"]) == 0


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_busy_loses_nothing_and_stops_nobody() -> None:
    receipt = receive({"theirs": "t1"})
    attempt = attempt_at()
    store(attempt, "t1")

    with failing("INSERT", OperationalError("database is locked")):
        assert match_waiting() == 0

    assert (status_of(receipt), len(waiting())) == ("unmatched", 1)
    assert match_waiting() == 1
    assert CallEvent.objects.get().attempt == attempt


@pytest.mark.django_db
def test_a_round_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clicktocall.calls.match._AT_A_TIME", 3)
    for number in range(5):
        receive({"theirs": f"t{number}"})
        attempt_at(provider_reference=f"t{number}")

    assert [match_waiting() for _ in range(3)] == [3, 2, 0]
    assert CallEvent.objects.count() == 5


@pytest.mark.django_db
def test_any_number_of_placements_is_matched_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clicktocall.calls.match._AT_A_TIME", 3)
    names = [f"t{number}" for number in range(7)]
    for name in names:
        receive({"theirs": name})
        attempt_at(provider_reference=name)

    assert match_reports(ALIAS, names) == 7
    assert not waiting()


# --- In every order -------------------------------------------------------------------------

STEPS = ("placed", "report", "match", "sweep")


def in_this_order(steps: tuple[str, ...], *, by_theirs: bool = True) -> Attempt:
    """One attempt to which all of this happens; a sweep always comes in the end."""
    attempt, theirs = attempt_at(), hex_id()
    fact = {"theirs": theirs, "id": hex_id()} if by_theirs else {"ours": attempt.reference}
    doing: dict[str, Callable[[], Any]] = {
        "placed": lambda: store(attempt, theirs),
        "report": lambda: receive(fact),
        "match": lambda: match_reports(ALIAS, [theirs]),
        "sweep": match_waiting,
    }
    for step in steps:
        doing[step]()
    match_waiting()
    return attempt


@pytest.mark.django_db
def test_in_any_order_the_event_is_applied_exactly_once() -> None:
    for by_theirs, steps in product((True, False), permutations(STEPS)):
        attempt = in_this_order(steps, by_theirs=by_theirs)
        assert attempt.events.count() == 1, (steps, by_theirs)
    assert not waiting()
    assert set(CallbackReceipt.objects.values_list("status", flat=True)) == {"applied"}


@pytest.mark.django_db
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(st.sampled_from(["match", "sweep", "report", "placed"]), max_size=8).map(tuple),
    at=st.integers(0, 8),
)
def test_however_often_any_of_it_happens(steps: tuple[str, ...], at: int) -> None:
    steps = (*steps[:at], "report", *steps[at:], "placed")

    assert in_this_order(steps).events.count() == 1, steps


@pytest.mark.django_db
def test_many_reports_in_one_receipt_find_their_calls_in_any_order() -> None:
    for steps in ("012", "021", "120", "2211", "0"):
        attempts = [attempt_at() for _ in range(3)]
        theirs = [hex_id() for _ in attempts]
        receipt = receive(*({"theirs": reference} for reference in theirs))
        for step in map(int, steps):
            store(attempts[step], theirs[step])
            match_reports(ALIAS, [theirs[step]])
        stored = set(map(int, steps))
        assert [attempt.events.count() for attempt in attempts] == [
            int(number in stored) for number in range(3)
        ]
        assert status_of(receipt) == ("applied" if len(stored) == 3 else "unmatched")


# --- At the same moment ---------------------------------------------------------------------


def at_once(*doing: Callable[[], Any]) -> None:
    """Do all of it in threads that start together, each with a connection of its own."""
    start = threading.Barrier(len(doing))

    def run(work: Callable[[], Any]) -> None:
        start.wait()
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(doing)) as pool:
        for done in [pool.submit(run, work) for work in doing]:
            done.result()


@pytest.mark.django_db(transaction=True)
def test_a_report_at_the_very_moment_of_its_placement_is_not_lost() -> None:
    """Not even until the next sweep: none is run here."""
    for _ in range(15):
        attempt, theirs = attempt_at(), hex_id()

        def place(attempt: Attempt = attempt, theirs: str = theirs) -> None:
            store(attempt, theirs)
            match_reports(ALIAS, [theirs])

        def report(theirs: str = theirs) -> None:
            receive({"theirs": theirs})

        at_once(place, report)
        assert attempt.events.count() == 1
    assert not waiting()
    assert set(CallbackReceipt.objects.values_list("status", flat=True)) == {"applied"}


@pytest.mark.postgresql  # SQLite has one writer: there a placement comes wholly before or after
@pytest.mark.django_db(transaction=True)
def test_a_placement_stored_after_the_look_and_before_the_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The race of the test before, held open: whoever places cannot see the waiting row yet."""
    attempt, matched = attempt_at(), []

    def place() -> None:
        try:
            store(attempt, "t1")
            matched.append(match_reports(ALIAS, ["t1"]))
        finally:
            connection.close()

    def wait_for(receipt: CallbackReceipt, unmatched: list[ReportedEvent]) -> None:
        if not matched:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(place).result()
        genuine(receipt, unmatched)

    genuine = rows.wait_for
    monkeypatch.setattr("clicktocall.calls.receive.wait_for", wait_for)
    receipt = receive({"theirs": "t1"})

    assert matched == [0], "the row was to be seen too early, so this shows nothing"
    assert (status_of(receipt), attempt.events.count()) == ("applied", 1)
    assert not waiting()


@pytest.mark.django_db(transaction=True)
def test_several_that_match_the_same_receipts_do_no_harm() -> None:
    attempts = [attempt_at() for _ in range(6)]
    theirs = [hex_id() for _ in attempts]
    receipts = [
        receive(*({"theirs": reference} for reference in pair))
        for pair in zip(theirs[::2], theirs[1::2], strict=True)
    ]
    for attempt, reference in zip(attempts, theirs, strict=True):
        store(attempt, reference)

    at_once(match_waiting, match_waiting, lambda: match_reports(ALIAS, theirs), match_waiting)
    match_waiting()

    assert [attempt.events.count() for attempt in attempts] == [1] * 6
    assert {status_of(receipt) for receipt in receipts} == {"applied"}
    assert not waiting()


@pytest.mark.postgresql  # SQLite has one writer
@pytest.mark.django_db(transaction=True)
def test_who_looked_too_early_does_not_have_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay has looked in vain; before it commits, the placement is stored and matched."""
    attempt = attempt_at()
    receipt = receive({"theirs": "t1"})
    meanwhile: list[Future[None]] = []

    def place() -> None:
        try:
            store(attempt, "t1")
            match_reports(ALIAS, ["t1"])
        finally:
            connection.close()

    def bulk_create(*args: Any, **options: Any) -> Any:
        if not meanwhile:
            meanwhile.append(pool.submit(place))
            wait(meanwhile, timeout=1)  # it ends before us, unless it has to wait for us
        return genuine(*args, **options)

    genuine = WaitingReport.objects.bulk_create
    monkeypatch.setattr(WaitingReport.objects, "bulk_create", bulk_create)
    with ThreadPoolExecutor(1) as pool:
        replay(receipt)

    assert meanwhile[0].exception() is None
    assert (status_of(receipt), attempt.events.count()) == ("applied", 1)
    assert not waiting()


@pytest.mark.django_db(transaction=True)
def test_placements_and_sweeps_of_two_processes_at_once() -> None:
    """The status is never left `unmatched` by one who looked before the other had finished."""
    for _ in range(10):
        first, second = attempt_at(), attempt_at()
        one, two = hex_id(), hex_id()
        receipt = receive({"theirs": one}, {"theirs": two})

        def place(attempt: Attempt, theirs: str) -> None:
            store(attempt, theirs)
            match_reports(ALIAS, [theirs])

        at_once(
            lambda first=first, one=one: place(first, one),  # type: ignore[misc]
            lambda second=second, two=two: place(second, two),  # type: ignore[misc]
        )
        assert (first.events.count(), second.events.count()) == (1, 1)
        assert status_of(receipt) == "applied"
    assert not waiting()


@pytest.mark.django_db(transaction=True)
def test_receipts_of_the_same_calls_in_another_order_do_not_block_each_other() -> None:
    names = [hex_id() for _ in range(6)]
    attempts = [attempt_at(provider_reference=name) for name in names]
    for _ in range(6):
        facts = [{"theirs": name, "id": hex_id()} for name in names]
        told = [dict(fact, id=hex_id()) for fact in reversed(facts)]

        at_once(
            lambda facts=facts: receive(*facts),  # type: ignore[misc]
            lambda told=told: receive(*told),  # type: ignore[misc]
        )

    assert [attempt.events.count() for attempt in attempts] == [12] * 6


# --- Its cost -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_receipt_that_fits_costs_no_query_for_each_waiting_row() -> None:
    attempt_at(provider_reference="t1")
    receive({"theirs": "t1"})  # the first one moves the call
    with CaptureQueriesContext(connection) as before:
        receive({"theirs": "t1"})
    for number in range(20):
        receive({"theirs": f"foreign-{number}"})
    with CaptureQueriesContext(connection) as after:
        receive({"theirs": "t1"})

    assert len(after) == len(before)


@pytest.mark.slow
@pytest.mark.django_db
def test_ten_thousand_foreign_rows_cost_a_sweep_little(record_property: Any) -> None:
    account = make_account()
    first = attempt_at(account=account, provider_reference="mine")
    Attempt.objects.bulk_create(
        Attempt(
            call=first.call,
            number=number + 10,
            reference=hex_id(),
            provider=ALIAS,
            provider_reference=hex_id(),
        )
        for number in range(20_000)
    )
    provider, request = get_provider(ALIAS), said({"theirs": "foreign"})
    receipt = keep(provider, request, None)
    WaitingReport.objects.bulk_create(
        WaitingReport(receipt=receipt, provider=ALIAS, **{name: hex_id()})
        for number in range(10_000)
        for name in [("reference", "provider_reference")[number % 2]]
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    took = []
    for _ in range(5):
        began = time.perf_counter()
        assert match_waiting() == 0
        took.append(time.perf_counter() - began)
    began = time.perf_counter()
    assert match_reports(ALIAS, [hex_id() for _ in range(100)]) == 0
    matched = time.perf_counter() - began
    record_property("sweep_ms", [round(seconds * 1000) for seconds in took])
    record_property("match_ms", round(matched * 1000, 1))

    assert matched < 0.5
    assert min(took) < 0.5
    assert process_receipt(provider, request, receipt) == "unmatched"
