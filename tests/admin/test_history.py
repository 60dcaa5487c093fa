"""The history: found by anything at hand, shown in a constant number of queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clicktocall.admin.timeline import picture_of
from clicktocall.calls.events import apply_event
from clicktocall.history.search import search_calls
from clicktocall.history.timeline import Doing, timeline_of
from clicktocall.models import Bulk, Call, CallbackReceipt, Dispatcher, Endpoint, Refusal
from clicktocall.orders import ReportedEvent
from clicktocall.states import CallState, EventKind, Leg, LegState, Outcome
from tests.admin.conftest import House, build_house, list_of, page_of
from tests.factories import make_attempt, make_call, make_endpoint

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "text",
    [
        "+442079460101",
        "+44 (20) 7946-0101",
        "020 7946 0101",
        "020.7946.0101",
        "(020) 7946 0101",
        "００２０７９４６０１０１"[2:],  # full-width digits
        "٠٢٠٧٩٤٦٠١٠١",  # Arabic-Indic digits
        "7946 0101",
        "20 7946",
        "0101",
    ],
)
def test_a_number_is_found_in_any_spelling(text: str) -> None:
    endpoint = make_endpoint()
    wanted = make_call(endpoint, contact="+442079460101")
    make_call(endpoint, contact="+12025550123")
    assert list(search_calls(Call.objects.all(), text, ["GB", "US"])) == [wanted]


def test_the_national_form_is_tried_in_each_country() -> None:
    endpoint = make_endpoint()
    british = make_call(endpoint, contact="+442079460101")
    american = make_call(endpoint, contact="+12025550123")
    calls = Call.objects.all()
    assert list(search_calls(calls, "(202) 555-0123", ["GB", "US"])) == [american]
    assert list(search_calls(calls, "020 7946 0101", ["US", "GB"])) == [british]


def test_a_number_is_found_by_its_ending_zeros_and_all() -> None:
    endpoint = make_endpoint()
    first = make_call(endpoint, contact="+442079460001")
    second = make_call(endpoint, contact="+442079460200")
    for text, wanted in (
        ("0001", [first]),
        ("0 001", [first]),
        ("60001", [first]),
        ("200", [second]),
        ("000", [first]),
        ("01", []),
    ):
        assert list(search_calls(Call.objects.all(), text, ["GB", "US"])) == wanted, text


def test_references_names_and_addresses_find_a_call() -> None:
    endpoint = make_endpoint()
    bulk = Bulk.objects.create(account=endpoint.account, client_id="bulk-7")
    call = make_call(
        endpoint,
        bulk=bulk,
        client_reference="order-12",
        requester="user:12",
        visitor_name="Ada Bell",
        visitor_email="ada@example.com",
        state=CallState.PLACED,
    )
    attempt = make_attempt(call, provider_reference="SBX-1")
    make_attempt(call, provider_reference="SBX-2")
    make_call(endpoint, contact="+12025550123")
    for text in (
        call.pk,
        call.pk.upper(),
        "order-12",
        "user:12",
        "bulk-7",
        attempt.reference,
        "SBX-1",
        "SBX-2",
        "ada b",
        "ADA@EXAMPLE",
    ):
        assert list(search_calls(Call.objects.all(), text)) == [call], text
    for text in ("order-1", "SBX", "'; DROP TABLE--", "%", "\x00%", "_"):
        assert list(search_calls(Call.objects.all(), text)) == [], text
    assert search_calls(Call.objects.all(), "  ").count() == 2


def test_the_admin_s_search_reads_numbers_in_the_visible_endpoints_countries(
    superuser: Client, ours: House
) -> None:
    answer = superuser.get(list_of(Call), {"q": "020 7946 0101"})
    assert list(answer.context["cl"].result_list) == [ours.call]
    refused = superuser.get(list_of(Refusal), {"q": "020 7946 0101"})
    assert list(refused.context["cl"].result_list) == [ours.refusal]


@pytest.mark.parametrize("model", [Call, Refusal, CallbackReceipt, Endpoint])
def test_a_list_costs_the_same_however_long(model: Any, superuser: Client) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert superuser.get(address).status_code == 200
        return len(captured)

    build_house("ONE", "0101")
    build_house("TWO", "0102")
    addresses = [list_of(model), f"{list_of(model)}?q=020+7946+0101"]
    few = [queries(address) for address in addresses]
    for number in range(5):
        build_house(f"MORE{number}", f"012{number}")
    assert [queries(address) for address in addresses] == few


def test_a_call_s_page_costs_the_same_however_many_events(superuser: Client, ours: House) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            superuser.get(page_of(ours.call))
        return len(captured)

    queries()  # what Django remembers from the first time on
    few = queries()
    attempt = ours.call.attempts.get()
    for second in range(20):
        note = ReportedEvent(
            kind=EventKind.NOTE,
            occurred_at=timezone.now() + timedelta(seconds=second),
            words=f"note {second}",
        )
        apply_event(attempt, note)
    make_attempt(ours.call)
    assert queries() == few


@pytest.mark.parametrize(
    "query",
    [
        "outcome__exact=completed",
        "state__exact=ended",
        "created_at__year=2026",
        "o=1.2.3",
        "outcome__exact=busy",
        "p=99",
        "state__exact=nonsense",
    ],
)
def test_filters_and_orders_answer(superuser: Client, ours: House, query: str) -> None:
    assert superuser.get(f"{list_of(Call)}?{query}").status_code in (200, 302)


def test_every_outcome_and_state_has_its_word_and_shape(superuser: Client) -> None:
    endpoint = make_endpoint()
    for outcome in Outcome:
        make_call(endpoint, state=CallState.ENDED, outcome=outcome, outcome_leg=Leg.A)
    for state in CallState:
        make_call(endpoint, state=state)
    for leg in LegState:
        make_call(endpoint, state=CallState.PLACED, leg_a=leg, leg_b=None)
    page = superuser.get(list_of(Call)).content.decode()
    for word in (*Outcome.labels, *(s.label for s in CallState if s != CallState.ENDED)):
        assert f"</svg>{word}</span>" in page


def test_a_call_s_page_tells_its_course(superuser: Client, ours: House) -> None:
    page = superuser.get(page_of(ours.call)).content.decode()
    picture = page[page.index('<svg class="ctc-picture"') :]
    picture = picture[: picture.index("</svg>")]
    assert picture.count('class="ctc-ringing"') == 2
    assert picture.count('class="ctc-holding"') == 2
    assert picture.count('class="ctc-talking"') == 2
    assert picture.count('class="ctc-join"') == 1
    assert "our team: rang for 3 s, waited on the line for 6 s, talked for 21 s." in picture
    assert "Joined after 10 s." in picture
    assert "style=" not in page[page.index("ctc-course") :]
    assert "OURS words" in page
    assert "+44 20 7946 0101" in page
    assert "OURS consent" in page
    assert "OURS context" in page
    assert page_of(ours.receipt) in page


def test_the_sides_are_named_by_who_is_dialled_first(superuser: Client) -> None:
    endpoint = make_endpoint(dial_first="contact")
    attempt = make_attempt(make_call(endpoint, state=CallState.PLACED))
    answer = superuser.get(page_of(attempt.call))
    assert answer.context["call_sides"] == [("A", "visitor"), ("B", "our team")]


@pytest.mark.parametrize(
    ("outcome", "leg", "said"),
    [
        (Outcome.COMPLETED, Leg.B, "visitor hung up"),
        (Outcome.CANCELED, Leg.A, "our team hung up"),
        (Outcome.BUSY, Leg.B, "visitor"),
    ],
)
def test_an_outcome_names_the_side_and_who_hung_up(
    superuser: Client, outcome: Outcome, leg: Leg, said: str
) -> None:
    call = make_call(state=CallState.ENDED, outcome=outcome, outcome_leg=leg)
    for address in (list_of(Call), page_of(call)):
        shown = superuser.get(address).content.decode()
        assert f'</svg>{outcome.label}</span><div class="ctc-below">{said}</div>' in shown


def test_a_call_we_ended_ourselves_has_a_reason(superuser: Client) -> None:
    call = make_call(state=CallState.ENDED, outcome=Outcome.EXPIRED, outcome_words="Too late.")
    page = superuser.get(page_of(call)).content.decode()
    assert "Too late." in page
    assert "Reason given" in page
    assert "provider's words" not in page.replace("&#x27;", "'")


def test_a_call_that_nobody_placed_yet_has_a_page(superuser: Client) -> None:
    page = superuser.get(page_of(make_call())).content.decode()
    assert "No provider has been asked yet." in page
    assert "Nothing has been reported yet." in page


def test_a_one_leg_call_has_one_line(superuser: Client) -> None:
    endpoint = make_endpoint(extension_kind="flow", extension="menu")
    call = make_call(endpoint, state=CallState.PLACED, leg_b=None)
    make_attempt(call)
    answer = superuser.get(page_of(call))
    assert answer.content.decode().count('class="ctc-side"') == 1
    assert answer.context["call_sides"] == [("A", "visitor")]
    (row,) = answer.context["call_attempts"]
    assert len(row["legs"]) == 1


def test_a_voice_message_names_no_side_of_ours(superuser: Client) -> None:
    endpoint = make_endpoint(extension_kind="message", extension="", message_text="Ready.")
    call = make_call(endpoint, state=CallState.PLACED, leg_b=None)
    make_attempt(call)
    page = superuser.get(page_of(call)).content.decode()
    assert page.count('class="ctc-side"') == 1
    assert "our team" not in page
    assert '<div class="readonly">voice message</div>' in page
    assert "our team" not in superuser.get(list_of(Call)).content.decode()
    assert ">voice message</td>" in superuser.get(list_of(Endpoint)).content.decode()


def test_what_was_keyed_stands_on_the_call_s_page_only(superuser: Client) -> None:
    endpoint = make_endpoint(extension_kind="flow", extension="payment")
    call = make_call(endpoint, state=CallState.PLACED, leg_b=None)
    keyed = {"card": "4000056655665556", "menu": "<2>"}
    apply_event(
        make_attempt(call), ReportedEvent(kind=EventKind.COLLECTED, leg=Leg.A, answers=keyed)
    )
    shown = "<dt>card</dt><dd>4000056655665556</dd><dt>menu</dt><dd>&lt;2&gt;</dd>"
    page = superuser.get(page_of(call)).content.decode()
    assert page.count(f'<dl class="ctc-pairs">{shown}</dl>') == 2  # the call, and its event
    assert keyed["card"] not in superuser.get(list_of(Call)).content.decode()


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def line_up(**known: Any) -> Any:
    attempt = make_attempt(**known)
    attempt.created_at = NOON
    return timeline_of(attempt, at(60))


def test_a_timeline_ends_with_the_attempt_or_now() -> None:
    over = line_up(state=CallState.ENDED, a_ringing_at=at(1), ended_at=at(20))
    assert (over.seconds, over.over) == (20, True)
    live = line_up(a_ringing_at=at(1))
    assert (live.seconds, live.over) == (60, False)
    assert [(s.doing, s.start, s.end) for s in live.lines[0].stretches] == [(Doing.RINGING, 1, 60)]


def test_a_timeline_survives_clocks_that_disagree() -> None:
    early = line_up(a_ringing_at=at(-3), a_answered_at=at(-1), ended_at=at(5), state="ended")
    assert early.began == at(-3)
    assert early.seconds == 8
    backwards = line_up(
        a_ringing_at=at(9), a_answered_at=at(4), joined_at=at(2), ended_at=at(1), state="ended"
    )
    for line in backwards.lines:
        assert all(s.length > 0 for s in line.stretches)


def test_a_silent_attempt_has_an_empty_timeline() -> None:
    silent = line_up(state=CallState.ENDED, outcome=Outcome.UNKNOWN)
    assert silent.seconds == 0
    assert [line.stretches for line in silent.lines] == [(), ()]


def drawn(**known: Any) -> Any:
    sides = {Leg.A: "our team", Leg.B: "visitor"}
    return picture_of(line_up(**known), id="x", title="Attempt 1", sides=sides)


def words_of(picture: Any) -> list[str]:
    return [word for _look, word in picture.looks]


def test_a_side_waits_only_for_one_that_is_reported() -> None:
    answered: dict[str, Any] = {"a_ringing_at": at(1), "a_answered_at": at(4), "leg_a": "answered"}
    live = drawn(**answered)
    assert [bar.look for bar in live.rows[0].bars] == ["ringing", "holding"]
    assert "our team: rang for 3 s, waited on the line for 56 s." in live.description
    assert words_of(live) == ["ringing", "waiting on the line", "talking"]
    over = answered | {"state": CallState.ENDED, "ended_at": at(20), "leg_a": "ended"}
    busy = drawn(**over, leg_b="busy")
    assert [bar.look for bar in busy.rows[0].bars] == ["ringing", "holding"]


@pytest.mark.parametrize("leg_b", ["unreported", None])
def test_a_side_alone_in_the_reports_is_on_the_line(leg_b: str | None) -> None:
    picture = drawn(
        state=CallState.ENDED,
        outcome=Outcome.COMPLETED,
        leg_a="ended",
        leg_b=leg_b,
        a_ringing_at=at(1),
        a_answered_at=at(4),
        ended_at=at(20),
    )
    assert [bar.look for bar in picture.rows[0].bars] == ["ringing", "online"]
    assert "our team: rang for 3 s, was on the line for 16 s." in picture.description
    assert words_of(picture) == ["ringing", "on the line"]
    assert "wait" not in f"{picture}"


def test_nobody_waits_while_nothing_is_reported() -> None:
    untold = drawn()
    assert [row.state for row in untold.rows] == ["not reported yet", "not reported yet"]
    rung = drawn(a_ringing_at=at(1), leg_a="ringing")
    assert [row.state for row in rung.rows] == ["ringing", "waiting"]
    gone = drawn(state=CallState.ENDED, outcome=Outcome.REJECTED, ended_at=at(1))
    assert [row.state for row in gone.rows] == ["not rung", "not rung"]


@pytest.mark.parametrize(
    ("ago", "word"), [(5, "alive"), (20, "alive"), (31, "silent"), (90000, "silent")]
)
def test_a_dispatcher_is_alive_while_it_beats(superuser: Client, ago: int, word: str) -> None:
    now = timezone.now()
    Dispatcher.objects.create(
        name="web-1", started_at=now - timedelta(days=2), beat_at=now - timedelta(seconds=ago)
    )
    assert f"</svg>{word}</span>" in superuser.get(list_of(Dispatcher)).content.decode()


def test_empty_lists_say_what_will_appear(superuser: Client) -> None:
    from django.contrib import admin

    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label != "clicktocall":
            continue
        page = superuser.get(list_of(model)).content.decode()
        assert '<p class="ctc-empty">' in page, model
        assert str(model_admin.when_empty)[:20] in page  # type: ignore[attr-defined]
    nothing = superuser.get(list_of(Call), {"q": "nobody"}).content.decode()
    assert "Nothing matches" in nothing


def test_a_receipt_hides_secrets_and_survives_anything(superuser: Client) -> None:
    secrets = ("callback-secret-in-tests", "api-key-of-the-sandbox-in-tests")
    for body in (
        b'{"a": "callback-secret-in-tests", "token": "t0psecret", "n": [1, {"password": "pw"}]}',
        b"a=api-key-of-the-sandbox-in-tests",
        b"\xff\xfe\x00\x01",
        b"[" * 5000,
        b"x" * 200_000,
        b"",
    ):
        receipt = CallbackReceipt.objects.create(
            provider="sandbox",
            method="POST",
            body=body,
            query={"token": "t0psecret", "x": secrets[0]},
            error=f"said {secrets[1]}",
        )
        page = superuser.get(page_of(receipt))
        assert page.status_code == 200
        assert len(page.content) < 60_000
        for secret in (*secrets, "t0psecret", '"pw"'):
            assert secret not in page.content.decode()
    assert secrets[1] not in superuser.get(list_of(CallbackReceipt)).content.decode()
