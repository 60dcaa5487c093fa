"""The main job in a real browser: the whole product runs, a visitor clicks, the operator looks."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api").expect

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def open_panel(page: Any, product: Any) -> Any:
    """The shop with the first button's panel open; the button's element."""
    page.goto(product.shop_url)
    button = page.locator("click-to-call").first
    button.get_by_role("button").first.click()
    expect(button.get_by_role("dialog")).to_be_visible()
    return button


def ask_for_a_call(button: Any, number: str) -> None:
    button.get_by_label("Your phone number").fill(number)
    button.get_by_role("button", name="Ring me now").click()


def keep_as_documentation(file: Path, name: str) -> None:
    """With UPDATE_IMAGES=1 the picture becomes the one in the documentation."""
    if os.environ.get("UPDATE_IMAGES"):
        IMAGES.mkdir(exist_ok=True)
        shutil.copy(file, IMAGES / f"{name}.png")


def test_a_visitor_is_connected_and_the_operator_sees_it(
    page: Any, product: Any, shoot: Any
) -> None:
    button = open_panel(page, product)
    expect(button).to_contain_text("We ring our team first, then you, from +44 20 7946 0190.")
    shoot(page, "visitor-panel")
    ask_for_a_call(button, "020 7946 0001")
    expect(button).to_contain_text("Ringing our team")
    expect(button).to_contain_text("Our team is on the line. Your phone rings now.")
    expect(button).to_contain_text("You are connected", timeout=10_000)
    keep_as_documentation(shoot(page, "visitor-connected"), "visitor")
    expect(button).to_contain_text(re.compile(r"Call ended after \d+ s"), timeout=15_000)
    expect(button.get_by_role("button", name="Call again")).to_be_visible()
    expect(button.get_by_role("listitem")).to_have_text(
        [re.compile("^You.*ended$"), re.compile("^Our team.*ended$")]
    )
    shoot(page, "visitor-ended")

    operator = sign_in(page, product)
    operator.goto(f"{product.base_url}/admin/clicktocall/call/")
    shoot(operator, "admin-calls")
    row = operator.locator("#result_list tbody tr").first
    expect(row).to_contain_text("+44 20 7946 0001")
    expect(row).to_contain_text("completed")
    row.get_by_role("link").first.click()
    for word in ("ringing", "answered", "joined", "completed"):
        expect(operator.locator("#content")).to_contain_text(re.compile(word, re.IGNORECASE))
    keep_as_documentation(shoot(operator, "admin-call"), "operator")


def sign_in(page: Any, product: Any) -> Any:
    operator = page.context.new_page()
    operator.goto(f"{product.base_url}/admin/")
    operator.get_by_label("Username").fill("admin")
    operator.get_by_label("Password").fill(product.admin_password)
    operator.get_by_role("button", name="Log in").click()
    return operator


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("020 7946 0002", "Our team is on other calls."),
        ("020 7946 0006", "We could not reach your phone. Try again?"),
        ("020 7946 0005", "Your phone is busy. Try again?"),
        ("020 7946 0010", "We cannot place this call from the website."),
        ("020 7946 0012", "Call ended after"),
    ],
    ids=["a-busy", "b-no-answer", "b-busy", "provider-refuses", "disorder"],
)
def test_how_it_ended_is_said_in_plain_words(
    number: str, words: str, page: Any, product: Any, shoot: Any, request: Any
) -> None:
    button = open_panel(page, product)
    ask_for_a_call(button, number)
    expect(button).to_contain_text(words, timeout=20_000)
    expect(button.get_by_role("button", name="Call again")).to_be_visible()
    shoot(page, f"visitor-{request.node.callspec.id}")


def test_a_number_that_is_none_is_explained_with_an_example(
    page: Any, product: Any, shoot: Any
) -> None:
    button = open_panel(page, product)
    ask_for_a_call(button, "12345")
    expect(button).to_contain_text("That does not look like a phone number we can call.")
    expect(button).to_contain_text("020 7946 0101")
    shoot(page, "visitor-invalid")
    ask_for_a_call(button, "020 7946 0001")  # the panel takes another try at once
    expect(button).to_contain_text("Starting your call")


def test_a_number_that_may_not_be_called_gets_the_telephone_link(
    page: Any, product: Any, shoot: Any
) -> None:
    button = open_panel(page, product)
    ask_for_a_call(button, "+44 845 123 4567")
    expect(button).to_contain_text("We cannot place this call from the website.")
    expect(button.locator('a[href="tel:+442079460199"]').first).to_be_attached()
    shoot(page, "visitor-refused")
    operator = sign_in(page, product)
    operator.goto(f"{product.base_url}/admin/clicktocall/refusal/")
    expect(operator.locator("#result_list tbody tr").first).to_contain_text("number_kind")
    shoot(operator, "admin-refusals")


def test_a_visitor_hangs_up(page: Any, product: Any, shoot: Any) -> None:
    button = open_panel(page, product)
    ask_for_a_call(button, "020 7946 0001")
    expect(button).to_contain_text("Ringing our team")
    button.get_by_role("button", name="Cancel").click()
    expect(button).to_contain_text("The call was cancelled.")
    shoot(page, "visitor-cancelled")


def test_only_the_keyboard(page: Any, product: Any) -> None:
    page.goto(product.shop_url)
    button = page.locator("click-to-call").first
    expect(button.get_by_role("button").first).to_be_visible()
    button.get_by_role("button").first.focus()
    page.keyboard.press("Enter")
    expect(button.get_by_label("Your phone number")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button.get_by_role("dialog")).to_be_hidden()
    expect(button.get_by_role("button").first).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.type("020 7946 0002")
    page.keyboard.press("Enter")
    expect(button).to_contain_text("Our team is on other calls.")


def test_the_visitor_can_be_rung_first_and_must_agree(page: Any, product: Any, shoot: Any) -> None:
    page.goto(product.shop_url)
    button = page.locator("click-to-call").nth(1)
    button.get_by_role("button").first.click()
    expect(button).to_contain_text("Your phone rings first, from +44 20 7946 0190")
    button.get_by_label("Your phone number").fill("020 7946 0001")
    consent = button.get_by_role("checkbox")
    expect(consent).not_to_be_checked()
    button.get_by_role("button", name="Ring me now").click()
    expect(button).to_contain_text("Please tick the box")
    consent.check()
    button.get_by_role("button", name="Ring me now").click()
    expect(button).to_contain_text("Your phone is ringing. Please pick up.")
    shoot(page, "visitor-rung-first")
    expect(button).to_contain_text("You are connected", timeout=10_000)


def test_the_strictest_page(browser: Any, product: Any, shoot: Any) -> None:
    """No violation, no cookie, no storage, no error, and the call goes through."""
    context = browser.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.add_init_script(
        "window.violations = [];"
        "document.addEventListener('securitypolicyviolation',"
        " event => window.violations.push(event.violatedDirective + ' ' + event.blockedURI));"
    )
    answer = page.goto(f"{product.shop_url}strict-csp/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert policy == (
        f"default-src 'none'; script-src {product.base_url}; connect-src {product.base_url}"
    )
    button = page.locator("click-to-call").first
    button.get_by_role("button").first.click()
    ask_for_a_call(button, "020 7946 0001")
    expect(button).to_contain_text("You are connected", timeout=10_000)
    shoot(page, "visitor-strict-csp")
    expect(button).to_contain_text("Call ended after", timeout=15_000)
    assert page.evaluate("window.violations") == []
    # Chromium asks every page's server for its icon, which this page's policy forbids.
    assert [text for text in said if "favicon" not in text] == []
    assert context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    context.close()


def test_a_double_click_places_one_call(page: Any, product: Any) -> None:
    button = open_panel(page, product)
    posts: list[str] = []
    page.on(
        "request",
        lambda request: posts.append(request.url) if request.url.endswith("/calls/") else None,
    )
    button.get_by_label("Your phone number").fill("020 7946 0002")
    button.get_by_role("button", name="Ring me now").dblclick()
    expect(button).to_contain_text("Our team is on other calls.")
    assert len([url for url in posts if "/embed/" in url]) == 1


def test_without_javascript_the_telephone_link_works(browser: Any, product: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(product.shop_url)
    link = page.locator("click-to-call a").first
    expect(link).to_be_visible()
    expect(link).to_have_attribute("href", "tel:+442079460199")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(browser: Any, product: Any, shoot: Any, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=scheme, device_scale_factor=2
    )
    page = context.new_page()
    open_panel(page, product)
    shoot(page, f"visitor-phone-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
