"""Replaying callbacks from their list: who may, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import OperationalError
from django.test import Client

from clicktocall.admin.replay import MOST_AT_ONCE
from clicktocall.models import Account, CallbackReceipt, Role
from tests.admin.conftest import list_of, page_of
from tests.callbacks.reporting import (
    ALIAS,
    OTHER,
    ReportingProvider,
    attempt_at,
    configure,
    receive,
)
from tests.embed.faults import failing
from tests.factories import make_account

pytestmark = pytest.mark.django_db

LIST = list_of(CallbackReceipt)


@pytest.fixture(autouse=True)
def reporting(settings: Any) -> None:
    configure(settings)


def unread(name: str, alias: str = ALIAS) -> CallbackReceipt:
    """A receipt that its parser could not read; by now it can."""
    ReportingProvider.unreadable[name.encode()] = RuntimeError("a bug of the parser")
    receipt = receive({"theirs": name}, alias=alias)
    ReportingProvider.unreadable.clear()
    return receipt


def replay(client: Client, *receipts: CallbackReceipt) -> list[tuple[str, str]]:
    """Select these and press Go; the messages, each with its tone."""
    answer = client.post(
        LIST,
        {"action": "replay_selected", "_selected_action": [receipt.pk for receipt in receipts]},
        follow=True,
    )
    assert answer.status_code == 200
    return [(message.level_tag, message.message) for message in answer.context["messages"]]


def offers_replay(client: Client) -> bool:
    return b'value="replay_selected"' in client.get(LIST).content


def test_a_superuser_replays_what_was_selected(superuser: Client) -> None:
    attempt = attempt_at(provider_reference="t1")
    chosen, foreign, left = unread("t1"), unread("t2"), unread("t3")

    told = replay(superuser, chosen, foreign)

    assert told == [("success", "2 callbacks were replayed: 1 applied, 1 no such call.")]
    assert attempt.events.get().receipt == chosen
    became = dict(CallbackReceipt.objects.values_list("pk", "status"))
    assert became == {chosen.pk: "applied", foreign.pk: "unmatched", left.pk: "failed"}
    assert {entry.object_id for entry in LogEntry.objects.all()} == {
        str(chosen.pk),
        str(foreign.pk),
    }
    assert "Replayed: applied" in superuser.get(page_of(chosen, "history")).content.decode()


def test_what_still_cannot_be_read_is_no_success(superuser: Client) -> None:
    receipt = unread("t1")
    ReportingProvider.unreadable[b"t1"] = RuntimeError("still a bug")

    assert replay(superuser, receipt) == [
        ("warning", "1 callback was replayed: 1 failed while applying.")
    ]


def test_a_provider_that_is_gone_is_told_once(superuser: Client, settings: Any) -> None:
    receipts = [unread("t1", OTHER), unread("t2", OTHER), unread("t3")]
    providers = {ALIAS: settings.CLICKTOCALL["PROVIDERS"][ALIAS]}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": providers}

    told = replay(superuser, *receipts)

    assert [level for level, _ in told] == ["success", "error"]
    assert "“others” were not replayed" in told[1][1]
    assert "Configure it in CLICKTOCALL['PROVIDERS']" in told[1][1]


def test_more_than_a_request_can_bear_is_refused(superuser: Client) -> None:
    CallbackReceipt.objects.bulk_create(
        CallbackReceipt(provider=ALIAS, method="POST", body=b"[]", status="failed")
        for _ in range(MOST_AT_ONCE + 1)
    )
    answer = superuser.post(
        LIST,
        {
            "action": "replay_selected",
            "select_across": "1",
            "_selected_action": [CallbackReceipt.objects.order_by("pk")[0].pk],
        },
        follow=True,
    )

    (message,) = answer.context["messages"]
    assert "manage.py reprocess_callbacks" in str(message)
    assert set(CallbackReceipt.objects.values_list("status", flat=True)) == {"failed"}


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_is_told(superuser: Client) -> None:
    attempt_at(provider_reference="t1")
    receipt = unread("t1")

    with failing('INSERT INTO "clicktocall_callevent"', OperationalError("database is locked")):
        told = replay(superuser, receipt)

    ((level, words),) = told
    assert level == "error"
    assert words.startswith("The database was busy, so not everything was replayed.")
    assert [level for level, _ in replay(superuser, receipt)] == ["success"]


# --- Who may --------------------------------------------------------------------------------


def test_it_takes_djangos_permission_to_change_receipts(client: Client) -> None:
    account = make_account()
    user = User.objects.create_user("clerk", is_staff=True)
    account.memberships.create(user=user, role=Role.MANAGER)
    client.force_login(user)
    may_view = Permission.objects.get(codename="view_callbackreceipt")
    receipt = receipt_of(account)

    user.user_permissions.set([may_view])
    assert not offers_replay(client)
    replay(client, receipt)
    assert not LogEntry.objects.exists()

    user.user_permissions.add(Permission.objects.get(codename="change_callbackreceipt"))
    assert offers_replay(client)


@pytest.mark.parametrize(("role", "allowed"), [("viewer", False), ("editor", True)])
def test_it_takes_an_editor(role: str, allowed: bool, member: Callable[..., Client]) -> None:
    account = make_account()
    client = member(account, role)
    receipt = receipt_of(account)

    assert offers_replay(client) is allowed
    replay(client, receipt)

    assert LogEntry.objects.exists() is allowed


def test_an_editor_of_one_account_replays_nothing_that_tells_of_others(
    member: Callable[..., Client],
) -> None:
    """Both accounts use the provider, so a callback of it may be of both."""
    ours, theirs = make_account(), make_account()
    client = member(ours, Role.EDITOR)
    receipt = receipt_of(ours)

    ((level, told),) = replay(client, receipt)

    assert level == "error"
    assert "only an administrator of the site may do it" in told
    assert not LogEntry.objects.exists()

    replay(client, receipt_of(theirs))  # which does not exist for this user
    assert not LogEntry.objects.exists()


def test_an_account_with_a_provider_of_its_own_replays_its_callbacks(
    settings: Any, member: Callable[..., Client]
) -> None:
    ours = make_account()
    make_account()
    configure(settings, ACCOUNTS=[ours.pk])
    client = member(ours, Role.EDITOR)

    assert replay(client, receipt_of(ours)) == [("success", "1 callback was replayed: 1 applied.")]


def test_receipts_are_still_never_changed_otherwise(superuser: Client) -> None:
    receipt = unread("t1")
    page = superuser.get(page_of(receipt))

    assert page.context["has_change_permission"] is False
    assert superuser.post(page_of(receipt), {"status": "applied"}).status_code == 403
    assert superuser.get(page_of(receipt, "delete")).status_code == 403


def receipt_of(account: Account) -> CallbackReceipt:
    """A receipt that told of a call of this account."""
    attempt = attempt_at(account=account, provider_reference=f"t-{account.pk}")
    return receive({"theirs": attempt.provider_reference})
