"""A site that knows its visitor's number fills it in; the visitor still decides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.template import Context, Template

from clicktocall.models import Endpoint

expect = pytest.importorskip("playwright.sync_api").expect

_PAGE = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>Your orders</title><h1>Your orders</h1><p>One bell, brass: on its way.</p>{}</html>"""


@pytest.fixture
def opened(page: Any, product: Any) -> Any:
    """Open a page of the shop's site with this in it, and the panel; the button's element."""

    def show(markup: str) -> Any:
        address = f"{product.shop_url}orders/"
        html = _PAGE.format(markup)
        # Chromium cannot know that a page made up here comes from this machine, too.
        page.context.grant_permissions(["local-network-access"])
        page.route(address, lambda route: route.fulfill(body=html, content_type="text/html"))
        page.emulate_media(reduced_motion="reduce")
        page.goto(address)
        button = page.locator("click-to-call")
        button.get_by_role("button").first.click()
        expect(button.get_by_role("dialog")).to_be_visible()
        return button

    return show


@pytest.fixture
def wishes(page: Any) -> list[dict[str, Any]]:
    """What the page has asked the calls' address for, so far."""
    sent: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda asked: (
            sent.append(json.loads(asked.post_data)) if asked.url.endswith("/calls/") else None
        ),
    )
    return sent


@pytest.fixture
def endpoint(product: Any) -> str:
    found: str = product.endpoint("Bicycle workshop")["id"]
    return found


def by_hand(product: Any, element: str) -> str:
    return (
        f'<script async src="{product.base_url}/static/clicktocall/widget.js"'
        f' data-api="{product.base_url}/clicktocall/"></script>{element}'
    )


def number_of(button: Any) -> Any:
    return button.get_by_label("Your phone number")


def test_a_member_s_number_is_filled_in_and_called(
    opened: Any, page: Any, product: Any, shoot: Any, settings: Any, endpoint: str, wishes: Any
) -> None:
    settings.CLICKTOCALL = {"PUBLIC_URL": f"{product.base_url}/clicktocall/"}
    tag = Template("{% load clicktocall %}{% click_to_call endpoint contact=user.phone %}")
    countries = ["GB", "US"]
    known = {
        "endpoint": Endpoint(pk=endpoint, allowed_countries=countries),
        "user": {"phone": "+1 (202) 555-0101"},
    }
    button = opened(tag.render(Context(known)))
    expect(number_of(button)).to_have_value("+12025550101")
    expect(button.get_by_label("Country")).to_have_value("US")  # the browser is British
    assert wishes == []
    shoot(page, "visitor-known-number")
    button.get_by_role("button", name="Ring me now").click()
    expect(button).to_contain_text("You are connected", timeout=10_000)
    expect(button).to_contain_text("+12025550101")
    assert [(wish["contact"], wish["country"]) for wish in wishes] == [("+12025550101", "US")]


def test_the_visitor_can_give_another_number(
    opened: Any, page: Any, product: Any, endpoint: str, wishes: Any
) -> None:
    element = f'<click-to-call endpoint="{endpoint}" contact="+442079460001"></click-to-call>'
    button = opened(by_hand(product, element))
    expect(number_of(button)).to_have_value("+442079460001")
    number_of(button).fill("")
    page.keyboard.press("Escape")
    button.get_by_role("button").first.click()
    expect(number_of(button)).to_have_value("")  # what the visitor did stays done
    button.get_by_role("button", name="Ring me now").click()
    expect(number_of(button)).to_have_attribute("aria-invalid", "true")
    assert wishes == []
    number_of(button).fill("020 7946 0002")
    button.get_by_role("button", name="Ring me now").click()
    expect(button).to_contain_text("Our team is on other calls.")
    assert [wish["contact"] for wish in wishes] == ["020 7946 0002"]


def test_a_page_that_holds_no_element_says_it_on_the_script(
    opened: Any, product: Any, endpoint: str
) -> None:
    script = by_hand(product, "").replace(
        "></script>", f' data-endpoint="{endpoint}" data-contact="+442079460001"></script>'
    )
    assert "data-contact" in script
    expect(number_of(opened(script))).to_have_value("+442079460001")


def test_markup_in_it_stays_text(opened: Any, page: Any, product: Any, endpoint: str) -> None:
    hostile = "&quot;&gt;&lt;img src=x onerror=&quot;document.title='taken'&quot;&gt;"
    element = f'<click-to-call endpoint="{endpoint}" contact="{hostile}"></click-to-call>'
    button = opened(by_hand(product, element))
    expect(number_of(button)).to_have_value('"><img src=x onerror="document.title=\'taken\'">')
    assert page.locator("img").count() == 0
    button.get_by_role("button", name="Ring me now").click()
    expect(button).to_contain_text("That does not look like a phone number we can call.")
    assert page.title() == "Your orders"
