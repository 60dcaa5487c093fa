"""`reprocess_callbacks`: kept receipts, read again after the parser was mended."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clicktocall.calls import waiting
from clicktocall.calls.replay import replay
from clicktocall.models import Call, CallbackReceipt, CallEvent, ReceiptStatus
from tests.callbacks.reporting import (
    ALIAS,
    OTHER,
    ReportingProvider,
    attempt_at,
    configure,
    receive,
)
from tests.embed.gunicorn import CHECKOUT, address_of_this_database
from tests.postgres import URL

_COMMAND = "clicktocall.management.commands.reprocess_callbacks"


@pytest.fixture(autouse=True)
def reporting(settings: Any) -> None:
    configure(settings)


@dataclass(frozen=True, slots=True)
class Said:
    out: str
    err: str
    error: str = ""
    code: int = 0


def reprocess(*arguments: str) -> Said:
    """Run the command as a shell does; what it says and the code it ends with."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("reprocess_callbacks", *arguments, stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        return Said(out.getvalue(), err.getvalue(), str(error), error.returncode)
    return Said(out.getvalue(), err.getvalue())


def unread(name: str, alias: str = ALIAS, **fields: Any) -> CallbackReceipt:
    """A receipt that its parser could not read; by now it can."""
    ReportingProvider.unreadable[name.encode()] = RuntimeError("a bug of the parser")
    receipt = receive({"theirs": name}, alias=alias)
    ReportingProvider.unreadable.clear()
    CallbackReceipt.objects.filter(pk=receipt.pk).update(**{"status": "failed", **fields})
    return receipt


def statuses() -> dict[int, str]:
    return dict(CallbackReceipt.objects.order_by("pk").values_list("pk", "status"))


def aged(receipt: CallbackReceipt, **ago: float) -> CallbackReceipt:
    received = timezone.now() - timedelta(**ago)
    CallbackReceipt.objects.filter(pk=receipt.pk).update(received_at=received)
    return receipt


# --- What it does ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_mended_parser_reads_what_was_kept() -> None:
    attempt = attempt_at(provider_reference="t1")
    ReportingProvider.unreadable[b"t1"] = RuntimeError("a bug of the parser")
    receipt = receive({"theirs": "t1"})
    assert receipt.status == "failed"

    still = reprocess()
    assert still.code == 1
    assert "1 callback cannot be read" in still.error
    assert "failed → failed" in still.out

    ReportingProvider.unreadable.clear()
    mended = reprocess()

    assert (mended.code, mended.error, mended.err) == (0, "", "")
    assert mended.out.splitlines() == ["1 callback replayed.", "  failed → applied       1"]
    receipt.refresh_from_db()
    assert (receipt.status, receipt.error) == ("applied", "")
    assert attempt.events.get().receipt == receipt


@pytest.mark.django_db
def test_by_default_it_replays_what_is_open() -> None:
    made = {status: unread(f"t-{status}", status=status) for status in ReceiptStatus.values}
    aged(made["received"], minutes=2)

    assert reprocess().out.startswith("4 callbacks replayed.")
    became = statuses()
    assert {status: became[receipt.pk] for status, receipt in made.items()} == {
        "received": "unmatched",
        "applied": "applied",
        "ignored": "ignored",
        "unmatched": "unmatched",
        "not_understood": "unmatched",
        "failed": "unmatched",
    }


@pytest.mark.django_db
def test_what_came_just_now_is_left_to_whoever_works_on_it() -> None:
    young = unread("t1", status="received")
    assert "Nothing to do" in reprocess().out
    assert "Nothing to do" in reprocess("--status", "received").out

    aged(young, seconds=61)
    assert "received → unmatched" in reprocess().out


@pytest.mark.django_db
def test_the_callback_is_given_to_the_parser_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    body = b'\x00\xff {"half": '
    receipt = CallbackReceipt.objects.create(
        provider=ALIAS,
        method="PUT",
        content_type="text/x-odd",
        query={"a": "1"},
        body=body,
        status="not_understood",
        source_address="192.0.2.7",
    )

    def parse(_self: Any, request: Any) -> Any:
        seen.append(request)
        return []

    def authenticate(_self: Any, request: Any) -> bool:
        raise AssertionError("it was authenticated when it came")

    monkeypatch.setattr(ReportingProvider, "parse_callback", parse)
    monkeypatch.setattr(ReportingProvider, "authenticate_callback", authenticate)
    assert "not_understood → ignored" in reprocess().out

    (request,) = seen
    assert (request.method, request.content_type, request.query) == (
        "PUT",
        "text/x-odd",
        {"a": "1"},
    )
    assert (request.body, type(request.body), dict(request.headers)) == (body, bytes, {})
    assert request.peer_address == "192.0.2.7"
    receipt.refresh_from_db()
    assert bytes(receipt.body) == body


@pytest.mark.django_db
def test_replaying_what_was_applied_changes_nothing() -> None:
    attempt = attempt_at(provider_reference="t1")
    receive({"theirs": "t1"})
    before = Call.objects.values().get()

    for _ in range(2):
        assert "applied → applied" in reprocess("--status", "applied").out

    assert attempt.events.count() == 1
    assert Call.objects.values().get() == before


@pytest.mark.django_db
def test_one_broken_receipt_does_not_stop_the_others() -> None:
    first, broken, last = unread("t1"), unread("t2"), unread("t3")
    ReportingProvider.unreadable[b"t2"] = RecursionError()

    said = reprocess()

    assert said.code == 1
    became = statuses()
    assert [became[receipt.pk] for receipt in (first, broken, last)] == [
        "unmatched",
        "failed",
        "unmatched",
    ]
    assert "3 callbacks replayed." in said.out


# --- What it selects ------------------------------------------------------------------------


@pytest.mark.django_db
def test_options_select() -> None:
    old = aged(unread("t1"), days=3)
    other = unread("t2", OTHER)
    understood_not = unread("t3", status="not_understood")
    day = f"{timezone.now() - timedelta(days=2):%Y-%m-%d}"

    def chosen(*arguments: str) -> set[int]:
        CallbackReceipt.objects.update(processed_at=None)
        CallbackReceipt.objects.filter(status="unmatched").update(status="failed")
        CallbackReceipt.objects.filter(pk=understood_not.pk).update(status="not_understood")
        reprocess(*arguments)
        return set(CallbackReceipt.objects.exclude(processed_at=None).values_list("pk", flat=True))

    assert chosen() == {old.pk, other.pk, understood_not.pk}
    assert chosen("--provider", OTHER) == {other.pk}
    assert chosen("--provider", OTHER, "--provider", ALIAS) == chosen()
    assert chosen("--status", "not_understood") == {understood_not.pk}
    assert chosen("--status", "not_understood", "--status", "failed") == chosen()
    assert chosen("--since", day) == {other.pk, understood_not.pk}
    assert chosen("--until", day) == {old.pk}
    assert chosen("--limit", "2") == {old.pk, other.pk}
    assert chosen("--id", str(other.pk)) == {other.pk}
    assert chosen("--id", str(other.pk), "--id", str(old.pk)) == {other.pk, old.pk}
    assert chosen("--id", str(other.pk), "--status", "ignored") == set()
    assert chosen("--since", day, "--provider", ALIAS) == {understood_not.pk}


@pytest.mark.django_db
def test_an_id_is_replayed_whatever_its_status() -> None:
    receipt = unread("t1", status="ignored")
    unread("t2")

    assert "ignored → unmatched" in reprocess("--id", str(receipt.pk)).out
    assert sorted(statuses().values()) == ["failed", "unmatched"]


@pytest.mark.django_db
def test_times_are_meant_in_the_sites_zone_and_a_day_whole(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    receipt = unread("t1")
    noon = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)  # noon in Tokyo
    for arguments, taken in (
        (["--since", "2026-11-20T12:00"], True),
        (["--since", "2026-11-20T12:00:01"], False),
        (["--since", "2026-11-20T03:00Z"], True),
        (["--until", "2026-11-20T12:00"], False),
        (["--until", "2026-11-20"], True),
        (["--until", "2026-11-19"], False),
        (["--since", "2026-11-20", "--until", "2026-11-20"], True),
    ):
        CallbackReceipt.objects.filter(pk=receipt.pk).update(status="failed", received_at=noon)
        assert ("1 callback replayed" in reprocess(*arguments).out) is taken, arguments


@pytest.mark.django_db
def test_many_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{_COMMAND}._AT_A_TIME", 3)
    for number in range(8):
        unread(f"t{number}")

    with CaptureQueriesContext(connection) as queries:
        said = reprocess("--limit", "7")

    assert "7 callbacks replayed." in said.out
    assert said.out.splitlines()[:2] == ["3 of 7 …", "6 of 7 …"]
    assert len([query for query in queries if "LIMIT 3" in query["sql"]]) == 2
    assert sorted(statuses().values()).count("failed") == 1


# --- What it says ---------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--provider", "nobody"], "no provider 'nobody'.* configured are: reports, others"),
        (["--status", "odd"], "no status 'odd'; write one of received, applied"),
        (["--since", "yesterday"], "--since: 'yesterday' is no time; write 2026-11-21"),
        (["--until", "2026-13-01"], "--until: '2026-13-01' is no time"),
        (["--until", "9999-12-31"], "--until: '9999-12-31' is no time"),
        (["--limit", "0"], "--limit: write a number of at least 1"),
        (["--id", "4711"], "--id: there is no callback 4711"),
        (["--id", "x"], "invalid int value"),
    ],
)
def test_an_option_that_cannot_be_meant_says_what_to_write(arguments: list[str], told: str) -> None:
    unread("t1")
    with pytest.raises(CommandError, match=told):
        call_command("reprocess_callbacks", *arguments)
    assert set(statuses().values()) == {"failed"}


@pytest.mark.django_db
def test_nothing_to_do_is_no_failure() -> None:
    said = reprocess()
    assert (said.code, said.error) == (0, "")
    assert "is received or not_understood or failed or unmatched" in said.out
    assert "--status applied" in said.out


@pytest.mark.django_db
def test_a_provider_that_is_no_longer_configured_is_named_and_skipped(settings: Any) -> None:
    gone, kept = unread("t1", OTHER), unread("t2")
    providers = {ALIAS: settings.CLICKTOCALL["PROVIDERS"][ALIAS]}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": providers}

    said = reprocess()

    assert said.code == 1
    assert "1 callback of 'others' cannot be read" in said.err
    assert "Configure it (again)" in said.err
    assert "not configured: others" in said.error
    assert statuses() == {gone.pk: "failed", kept.pk: "unmatched"}
    only = reprocess("--provider", OTHER)
    assert only.code == 1
    assert "1 callback of 'others' cannot be read" in only.err


@pytest.mark.django_db
def test_a_dry_run_tells_and_changes_nothing() -> None:
    attempt_at(provider_reference="t1")
    for name in ("t1", "t2", "t3"):
        unread(name)
    unread("empty", status="not_understood", body=b"[]")
    ReportingProvider.unreadable[b"t2"] = RuntimeError("not mended yet")
    before = list(CallbackReceipt.objects.values())

    said = reprocess("--dry-run")

    assert said.out.splitlines() == [
        "4 callbacks would be replayed (dry run: nothing was changed).",
        "  failed → failed                1",
        "  failed → readable              2",
        "  not_understood → ignored       1",
    ]
    assert said.code == 1
    assert list(CallbackReceipt.objects.values()) == before
    assert not CallEvent.objects.exists()


# --- What may come in between ---------------------------------------------------------------


@pytest.mark.django_db
def test_ctrl_c_leaves_the_rest_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of applying the second: nothing of it stays, and the next run goes on."""
    attempts = [attempt_at(provider_reference=name) for name in ("t1", "t2", "t3")]
    receipts = [unread(name) for name in ("t1", "t2", "t3")]

    def wait_for(receipt: CallbackReceipt, reports: Any) -> None:
        waiting.wait_for(receipt, reports)
        if receipt.pk == receipts[1].pk:
            raise KeyboardInterrupt

    monkeypatch.setattr("clicktocall.calls.receive.wait_for", wait_for)
    said = reprocess()

    assert said.code == 130
    assert "Stopped: 1 of 3 callbacks are done" in said.error
    assert "1 callback replayed." in said.out
    assert list(statuses().values()) == ["applied", "failed", "failed"]
    assert [attempt.events.count() for attempt in attempts] == [1, 0, 0]

    monkeypatch.setattr("clicktocall.calls.receive.wait_for", waiting.wait_for)
    assert "2 callbacks replayed." in reprocess().out
    assert [attempt.events.count() for attempt in attempts] == [1, 1, 1]


@pytest.mark.django_db
def test_a_database_that_is_away_for_a_moment_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = away(monkeypatch, times=1)
    unread("t1")

    assert reprocess().code == 0
    assert len(tries) == 2


@pytest.mark.django_db
def test_one_that_the_database_never_takes_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stubborn = unread("t1")
    unread("t2")
    away(monkeypatch, only=stubborn.pk)

    said = reprocess()

    assert said.code == 1
    assert f"--id {stubborn.pk}" in said.error
    assert list(statuses().values()) == ["failed", "unmatched"]


@pytest.mark.django_db
def test_a_database_that_stays_away_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = away(monkeypatch)
    for number in range(5):
        unread(f"t{number}")

    said = reprocess()

    assert said.code == 1
    assert "The database is not available: 0 of 5 callbacks are done" in said.error
    assert "Run the same command again" in said.error
    assert len(tries) == 6


def away(
    monkeypatch: pytest.MonkeyPatch, *, times: int = 1000, only: int | None = None
) -> list[int]:
    """The database refuses to take a replay, at first so many times; gives the tries."""
    tries: list[int] = []

    def replay_if_it_takes_it(receipt: CallbackReceipt) -> ReceiptStatus:
        tries.append(receipt.pk)
        if len(tries) <= times and receipt.pk == (only or receipt.pk):
            raise OperationalError("database is locked")
        return replay(receipt)

    monkeypatch.setattr(f"{_COMMAND}.replay", replay_if_it_takes_it)
    monkeypatch.setattr(f"{_COMMAND}._TRY_AGAIN_AFTER", 0.0)
    return tries


# --- With real processes --------------------------------------------------------------------

_KILLED = """
import os, signal
import django
from django.conf import settings
django.setup()
from clicktocall.calls.receive import receive_callback
from clicktocall.providers import CallbackRequest
from tests.callbacks.reporting import ReportingProvider

class Killed(ReportingProvider):
    def parse_callback(self, request):
        os.kill(os.getpid(), signal.SIGKILL)

request = CallbackRequest("POST", "application/json", {}, {}, b'[{"theirs": "t1", "id": "1"}]')
receive_callback(Killed("reports", {}), request, source_address="192.0.2.7")
"""


def process(*command: str) -> subprocess.CompletedProcess[str]:
    """A process on the database of this test."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        URL: address_of_this_database(),
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_keeping_and_understanding_loses_nothing() -> None:
    attempt = attempt_at(provider_reference="t1")

    killed = process("-c", _KILLED)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    receipt = CallbackReceipt.objects.get()
    assert (receipt.status, receipt.processed_at) == ("received", None)
    assert not attempt.events.exists()
    aged(receipt, minutes=2)

    assert "received → applied" in reprocess().out
    assert attempt.events.get().receipt == receipt
    attempt.refresh_from_db()
    assert attempt.state == "ringing"


@pytest.mark.django_db(transaction=True)
def test_from_a_shell() -> None:
    """Standard output, standard error and exit code of the real program."""
    CallbackReceipt.objects.create(
        provider="sandbox", method="POST", body=b"not json", status="failed"
    )

    done = process("-m", "django", "reprocess_callbacks")

    assert done.returncode == 1
    assert "failed → not_understood" in done.stdout
    assert "1 callback cannot be read." in done.stderr
    assert "Traceback" not in done.stderr
    assert process("-m", "django", "reprocess_callbacks", "--provider", "x").returncode == 1
