"""The page of the contract: complete, from this site alone, under a strict policy, or plain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from clicktocall.api.contract.document import contract
from clicktocall.api.views.contract import SIDECAR, policy
from clicktocall.models import Call
from tests.api.server import Server
from tests.factories import make_endpoint

DOCS = "/clicktocall/api/v1/docs/"
OPERATIONS = sum(len(methods) for methods in contract()["paths"].values())


class Watched:
    """A browser page, what it asked for, and what it complained of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", self._listen)

    def _listen(self, said: Any) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    @property
    def strangers(self) -> list[str]:
        own = urlsplit(self.page.url).netloc
        return [url for url in self.asked if urlsplit(url).netloc not in (own, "")]


@pytest.fixture
def watched(page: Any) -> Watched:
    return Watched(page)


@pytest.mark.browser
@pytest.mark.parametrize("host_has_a_policy", [False, True])
def test_the_page_shows_every_operation_and_asks_nobody_else(
    live_server: Any,
    settings: Any,
    watched: Watched,
    shoot: Callable[[Any, str], Path],
    host_has_a_policy: bool,
) -> None:
    if host_has_a_policy:
        settings.MIDDLEWARE = ["tests.admin.csp.strict", *settings.MIDDLEWARE]
    page = watched.page

    page.goto(live_server.url + DOCS)
    page.locator(".opblock").first.wait_for()

    assert page.locator(".opblock").count() == OPERATIONS
    page.locator("#operations-Calls-connect .opblock-summary-control").click()
    page.get_by_text("020 7946 0101").first.wait_for()
    shoot(page, "api-docs")
    assert watched.strangers == []
    assert watched.complaints == []


@pytest.mark.browser
def test_a_call_can_be_asked_for_from_the_page(
    live_server: Any, watched: Watched, transactional_db: None
) -> None:
    server = Server()
    endpoint = make_endpoint(server.account)
    page = watched.page
    page.goto(live_server.url + DOCS)
    page.get_by_role("button", name="Authorize").first.click()
    by_key = page.locator(".auth-container", has_text="Bearer")
    by_key.locator("input").fill(server.secret)
    by_key.get_by_role("button", name="Apply credentials").click()
    by_key.get_by_role("button", name="Close").click()
    page.locator("#operations-Calls-connect .opblock-summary-control").click()
    connect = page.locator("#operations-Calls-connect")
    connect.get_by_role("button", name="Try it out").click()
    connect.locator("tr[data-param-name=endpoint_id] input").fill(endpoint.pk)
    connect.get_by_role("button", name="Execute").click()

    connect.locator(".live-responses-table .response-col_status", has_text="202").wait_for()

    assert Call.objects.get().endpoint_id == endpoint.pk
    assert watched.strangers == []


@pytest.mark.browser
def test_somebody_logged_in_to_the_admin_needs_no_key(
    live_server: Any, watched: Watched, transactional_db: None
) -> None:
    endpoint = make_endpoint()
    operator = Client()
    operator.force_login(get_user_model().objects.create_superuser("root"))
    session = operator.cookies["sessionid"].value
    page = watched.page
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto(live_server.url + DOCS)
    page.locator("#operations-Calls-connect .opblock-summary-control").click()
    connect = page.locator("#operations-Calls-connect")
    connect.get_by_role("button", name="Try it out").click()
    connect.locator("tr[data-param-name=endpoint_id] input").fill(endpoint.pk)
    connect.get_by_role("button", name="Execute").click()

    connect.locator(".live-responses-table .response-col_status", has_text="202").wait_for()

    assert Call.objects.get().requester.startswith("user:")


def test_without_its_files_the_page_says_what_to_install(settings: Any) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != SIDECAR]

    answer = Client().get(DOCS)

    said = answer.content.decode()
    assert answer.status_code == 200
    assert "django-clicktocall[docs]" in said
    assert "/clicktocall/api/v1/schema/?format=yaml" in said
    assert "<script" not in said


def test_the_page_has_a_policy_of_its_own(settings: Any, rf: Any) -> None:
    answer = Client().get(DOCS)
    assert answer["Content-Security-Policy"] == policy(rf.get("/"))
    assert "'unsafe" not in answer["Content-Security-Policy"]

    settings.STATIC_URL = "https://files.example.com/static/"
    assert "script-src 'self' https://files.example.com;" in policy(rf.get("/"))
