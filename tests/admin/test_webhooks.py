"""Webhooks, deliveries and the secret of reports in the admin."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from clicktocall.calls.reports.secrets import account_secrets
from clicktocall.models import Delivery, Role, Webhook
from tests.admin.conftest import House, list_of, page_of

pytestmark = pytest.mark.django_db

Member = Callable[..., Client]


def secret_in(page: str) -> str:
    (found,) = re.findall(r">(whsec_[A-Za-z0-9+/=]+)<", page)
    return str(found)


def test_a_manager_makes_a_webhook_and_sees_its_secret_once(ours: House, member: Member) -> None:
    client = member(ours.account, Role.MANAGER)
    form = {
        "account": ours.account.pk,
        "url": "https://www.example.com/calls",
        "description": "Orders",
        "events": ["ended", "recorded"],
        "active": "on",
    }
    answer = client.post(list_of(Webhook, "add"), form)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    webhook = Webhook.objects.get(description="Orders")
    assert (webhook.url, webhook.events, webhook.active) == (
        form["url"],
        ["ended", "recorded"],
        True,
    )
    assert secret_in(answer.content.decode()) == webhook.secrets.get().secret
    shown = client.get(page_of(webhook)).content.decode()
    assert "whsec_" not in shown
    assert "whsec_" not in client.get(list_of(Webhook)).content.decode()


@pytest.mark.parametrize(
    "url", ["http://10.0.0.7/", "ftp://example.com/", "https://u:p@a.example/"]
)
def test_an_address_that_is_not_public_is_refused_at_its_field(
    url: str, ours: House, member: Member
) -> None:
    form = {"account": ours.account.pk, "url": url, "active": "on"}
    answer = member(ours.account, Role.MANAGER).post(list_of(Webhook, "add"), form)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["url"]
    assert Webhook.objects.count() == 1


def test_changing_it_makes_no_new_secret(ours: House, member: Member) -> None:
    client = member(ours.account, Role.MANAGER)
    form = {"url": "https://other.example/", "description": "Orders"}
    assert client.post(page_of(ours.webhook), form).status_code == 302
    ours.webhook.refresh_from_db()
    assert (ours.webhook.url, ours.webhook.active) == ("https://other.example/", False)
    assert ours.webhook.disabled_at
    assert ours.webhook.secrets.count() == 1


def test_a_manager_replaces_the_secret(ours: House, member: Member) -> None:
    address = reverse("admin:clicktocall_webhook_rotate", args=(ours.webhook.pk,))
    old = ours.webhook.secrets.get().secret
    client = member(ours.account, Role.MANAGER)
    assert address in client.get(page_of(ours.webhook)).content.decode()
    assert "24 hours" in client.get(address).content.decode()
    assert ours.webhook.secrets.count() == 1
    answer = client.post(address)
    new = secret_in(answer.content.decode())
    assert new != old
    assert ours.webhook.secrets.get(retires_at=None).secret == new
    for role in (Role.EDITOR, Role.VIEWER):
        assert member(ours.account, role).post(address).status_code == 403
    assert ours.webhook.secrets.count() == 2


def test_the_log_of_a_delivery_is_shown(ours: House, member: Member) -> None:
    shown = member(ours.account).get(page_of(ours.delivery)).content.decode()
    for told in ("OURS body", "OURS words", "500", "https://ours.example/", "given up"):
        assert told in shown


def test_an_editor_replays_what_was_given_up(ours: House, theirs: House, member: Member) -> None:
    chosen = {"action": "replay_selected", "_selected_action": [ours.delivery.pk]}
    viewer = member(ours.account)
    viewer.post(list_of(Delivery), chosen)
    assert Delivery.objects.get(pk=ours.delivery.pk).state == "dead"

    editor = member(ours.account, Role.EDITOR)
    both = {**chosen, "_selected_action": [ours.delivery.pk, theirs.delivery.pk]}
    answer = editor.post(list_of(Delivery), both, follow=True)
    assert "1 delivery is sent once more." in answer.content.decode()
    assert Delivery.objects.get(pk=ours.delivery.pk).state == "pending"
    assert Delivery.objects.get(pk=theirs.delivery.pk).state == "dead"


def test_a_delivery_of_a_webhook_that_is_off_is_not_replayed(
    ours: House, superuser: Client
) -> None:
    Webhook.objects.filter(pk=ours.webhook.pk).update(active=False)
    chosen = {"action": "replay_selected", "_selected_action": [ours.delivery.pk]}
    answer = superuser.post(list_of(Delivery), chosen, follow=True)
    assert "Switch it on first." in answer.content.decode()
    assert Delivery.objects.get(pk=ours.delivery.pk).state == "dead"


def test_managers_see_and_replace_the_secret_of_reports(ours: House, member: Member) -> None:
    manager = member(ours.account, Role.MANAGER)
    answer = manager.get(page_of(ours.account))
    (secret,) = account_secrets(ours.account)
    assert secret.secret in answer.content.decode().replace("&#x3D;", "=").replace("&#x2B;", "+")
    assert "no-store" in answer["Cache-Control"]
    for role in (Role.EDITOR, Role.VIEWER):
        assert (
            "whsec_" not in member(ours.account, role).get(page_of(ours.account)).content.decode()
        )

    address = reverse("admin:clicktocall_account_rotate_report_secret", args=(ours.account.pk,))
    assert member(ours.account, Role.EDITOR).post(address).status_code == 403
    assert "24 hours" in manager.get(address).content.decode()
    assert manager.post(address).status_code == 302
    new, old = account_secrets(ours.account)
    assert (old.secret, new.retires_at) == (secret.secret, None)
    assert old.retires_at
