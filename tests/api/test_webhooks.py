"""Webhooks and deliveries through the API."""

from __future__ import annotations

from typing import Any

import pytest

from clicktocall.models import Delivery, Webhook
from tests.api.server import Server, problem
from tests.factories import make_account, make_endpoint
from tests.webhooks.making import ended, make_delivery, make_placed, make_webhook, told

pytestmark = pytest.mark.django_db

HOOK = "https://www.example.com/calls"


def test_a_webhook_from_its_making_to_its_end(server: Server) -> None:
    made = server.post("webhooks/", {"url": HOOK, "events": ["ended"]})
    assert made.status_code == 201
    shown = made.json()
    secret = shown.pop("secret")
    webhook = Webhook.objects.get()
    assert webhook.secrets.get().secret == secret
    read = server.get(made["Location"])
    assert (read.json(), read["ETag"]) == (shown, made["ETag"])
    assert server.get("webhooks/").json()["results"] == [shown]

    here, seen = f"webhooks/{webhook.pk}/", {"If-Match": made["ETag"]}
    changed = server.send("PATCH", here, {"active": False}, headers=seen).json()
    assert changed["active"] is False
    assert changed["disabled_at"]
    assert server.send("PATCH", here, {}, headers=seen).status_code == 412
    replaced = server.send("PUT", here, {"url": HOOK}).json()
    assert (replaced["active"], replaced["events"], replaced["disabled_at"]) == (True, [], None)

    rotated = server.post(f"{here}rotate/", {}).json()
    assert rotated["secret"] != secret
    for version in ("", '"another"'):
        stale = server.send("POST", f"{here}rotate/", {}, headers={"If-Match": version})
        assert stale.status_code == 412, stale.content
    assert webhook.secrets.count() == 2
    assert server.send("DELETE", here).status_code == 204
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://169.254.169.254/"}, "url"),
        ({"url": "http://[::1]:8000/"}, "url"),
        ({"url": HOOK, "events": ["exploded"]}, "events"),
    ],
)
def test_what_is_refused(body: dict[str, Any], field: str, server: Server) -> None:
    fields = problem(server.post("webhooks/", body), 400, "invalid_request")["fields"]
    assert any(name == field or name.startswith(f"{field}.") for name in fields), fields
    assert not Webhook.objects.exists()


def test_deliveries_are_listed_read_and_replayed(server: Server) -> None:
    webhook = make_webhook(server.account, url=HOOK)
    attempt = make_placed(server.account, notify_url="https://client.example.com/")
    told(attempt, ended())
    dead = make_delivery(webhook, attempt.call, state="dead", tries=11, next_try_at=None)
    make_delivery(make_webhook(make_account(), url=HOOK))

    listed = server.get("deliveries/").json()["results"]
    assert len(listed) == 3
    assert {row["event"] for row in listed} == {"call.ended", "report"}
    assert "body" not in listed[0]
    of_it = server.get(f"webhooks/{webhook.pk}/deliveries/", {"state": "dead"}).json()["results"]
    assert [row["id"] for row in of_it] == [dead.pk]
    (report,) = server.get("deliveries/", {"event": "report"}).json()["results"]
    assert (report["webhook"], report["url"]) == (None, "https://client.example.com/")
    one = server.get(f"deliveries/{report['id']}/").json()
    assert f'"messageId":"{attempt.call_id}"' in one["body"]
    assert one["log"] == []

    replayed = server.post(f"deliveries/{dead.pk}/replay/", {})
    assert replayed.status_code == 202
    assert (replayed.json()["state"], replayed.json()["tries"]) == ("pending", 0)
    assert Delivery.objects.get(pk=dead.pk).next_try_at
    Webhook.objects.filter(pk=webhook.pk).update(active=False)
    refused = problem(server.post(f"deliveries/{dead.pk}/replay/", {}), 400, "invalid_request")
    assert "webhook" in refused["fields"]


def test_a_report_is_asked_for_with_an_endpoint_or_a_call(server: Server) -> None:
    endpoint = make_endpoint(server.account)
    here = f"endpoints/{endpoint.pk}/"
    set_up = server.send("PATCH", here, {"notify_url": HOOK}).json()
    assert (set_up["notify_url"], set_up["notify_content_type"]) == (HOOK, "application/json")
    private = server.send("PATCH", here, {"notify_url": "http://192.168.1.1/"})
    assert "notify_url" in problem(private, 400, "invalid_request")["fields"]

    options = {"notify_url": "https://other.example/x", "notify_content_type": "application/xml"}
    body = {"contact": "+442079460101", "options": options}
    call = server.post(f"{here}connect/", body).json()
    assert {name: call["options"][name] for name in options} == options
    body["options"] = {"notify_url": "http://127.0.0.1/"}
    fields = problem(server.post(f"{here}connect/", body), 400, "invalid_request")["fields"]
    assert "options.notify_url" in fields
