"""The main job on a provider that reports once, at the end, and never tells of leg B."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.journeys.test_visitor import ask_for_a_call, open_panel, sign_in

expect = pytest.importorskip("playwright.sync_api").expect

# What only a report of the second phone could tell.
_WORDS_OF_LEG_B = re.compile(
    r"connected|busy|no answer|not rung|declined|reach your phone|Your phone rings now",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The whole product on Infobip's simulator, a little faster than life."""
    from tests.product_process import running

    folder = tmp_path_factory.mktemp("infobip")
    with running(folder, speed=2, provider="infobip") as started:
        yield started


# What only somebody could say who sees how the call goes on.
_GUESSES = re.compile(r"waiting|Starting your call|takes longer", re.IGNORECASE)


def line_of(button: Any, name: str) -> Any:
    """One of the lines of progress: that of "You" or that of "Our team"."""
    return button.get_by_role("listitem").filter(has_text=name)


def wait_until_the_provider_holds_it(button: Any) -> None:
    """The call is under way, and nobody can stop it any more."""
    expect(button).to_contain_text("Call in progress")
    expect(button.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(button).to_contain_text("Call in progress")


def messages_taken(product: Any) -> int:
    """How many messages the simulator has taken so far."""
    address = product.provider_url
    health = requests.get(f"{address}/health", timeout=5).json()
    taken: int = health["counts"]["accepted"]
    return taken


def open_latest_call(operator: Any, product: Any) -> Any:
    """The admin's page of the call that was asked for last; its content."""
    operator.goto(f"{product.base_url}/admin/clicktocall/call/")
    operator.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    return operator.locator("#content")


def test_a_visitor_is_called_and_nothing_is_said_of_leg_b(
    page: Any, product: Any, shoot: Any
) -> None:
    taken = messages_taken(product)
    button = open_panel(page, product)
    expect(button).to_contain_text("We ring our team first, then you, from +44 20 7946 0190.")
    ask_for_a_call(button, "020 7946 0001")
    wait_until_the_provider_holds_it(button)
    expect(button).to_contain_text("We ring our team, then you")
    expect(button.get_by_role("listitem")).to_have_count(0)
    shoot(page, "infobip-placed")
    expect(button).to_contain_text(re.compile("Call ended"), timeout=15_000)
    assert messages_taken(product) == taken + 1
    expect(button.get_by_role("button", name="Call again")).to_be_visible()
    expect(line_of(button, "Our team")).to_contain_text("ended")
    expect(button).not_to_contain_text("hung up")
    expect(line_of(button, "You")).to_have_count(0)
    expect(button.get_by_role("dialog")).not_to_contain_text(_WORDS_OF_LEG_B)
    shoot(page, "infobip-ended")

    operator = sign_in(page, product)
    operator.goto(f"{product.base_url}/admin/clicktocall/call/")
    row = operator.locator("#result_list tbody tr").first
    expect(row).to_contain_text("+44 20 7946 0001")
    expect(row).to_contain_text("completed")
    shoot(operator, "infobip-admin-calls")
    told = open_latest_call(operator, product)
    for word in ("ringing", "answered", "completed", "not reported"):
        expect(told).to_contain_text(re.compile(word, re.IGNORECASE))
    picture = told.get_by_role("img", name=re.compile("Attempt 1"))
    expect(picture).to_contain_text(re.compile(r"B\s*visitor\s*not reported"))
    expect(picture).to_contain_text(re.compile(r"our team: rang for .*, was on the line for \d+ s"))
    expect(told.locator("figcaption")).to_have_text(re.compile(r"^\s*ringing\s+on the line\s*$"))
    expect(told.get_by_role("cell", name="joined")).to_have_count(0)
    operator.screenshot(path=shoot(operator, "infobip-admin-call"), full_page=True)


@pytest.mark.slow
def test_what_nobody_sees_is_not_claimed_while_it_goes_on(
    page: Any, product: Any, shoot: Any
) -> None:
    """Both may talk by now: for all that was told, nobody has been rung."""
    page.clock.install()
    button = open_panel(page, product)
    panel = button.get_by_role("dialog")
    ask_for_a_call(button, "020 7946 0001")
    wait_until_the_provider_holds_it(button)
    with product.paused("simulate_provider"):
        expect(panel).to_contain_text("We ring our team, then you")
        expect(panel).not_to_contain_text(_GUESSES)
        page.clock.fast_forward(16_000)
        expect(panel).to_contain_text("If your phone has not rung yet, please give it a minute.")
        expect(panel).to_contain_text("Or ring us on 020 7946 0199")
        expect(panel).not_to_contain_text(_GUESSES)
        expect(button.get_by_role("listitem")).to_have_count(0)
        shoot(page, "infobip-slow")
        told = open_latest_call(sign_in(page, product), product)
        picture = told.get_by_role("img", name=re.compile("Attempt 1"))
        expect(picture).to_contain_text(re.compile(r"A\s*our team\s*not reported yet"))
        expect(picture).to_contain_text(re.compile(r"B\s*visitor\s*not reported yet"))
        told.page.screenshot(path=shoot(told.page, "infobip-admin-live"), full_page=True)
    expect(button).to_contain_text("Call ended", timeout=15_000)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["020 7946 0005", "020 7946 0006"], ids=["busy", "no-answer"])
def test_a_second_phone_that_did_not_answer_is_not_invented(
    number: str, page: Any, product: Any
) -> None:
    """Whether the visitor was reached nobody tells, so neither do we: the call is over."""
    button = open_panel(page, product)
    ask_for_a_call(button, number)
    expect(button).to_contain_text("Call ended", timeout=15_000)
    expect(line_of(button, "You")).to_have_count(0)
    expect(button.get_by_role("dialog")).not_to_contain_text(_WORDS_OF_LEG_B)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("020 7946 0002", "Our team is on other calls."),
        ("020 7946 0010", "We cannot place this call from the website."),
        ("020 7946 0012", "Call ended"),
    ],
    ids=["a-busy", "provider-refuses", "late-and-twice"],
)
def test_how_it_ended_is_said_in_plain_words(
    number: str, words: str, page: Any, product: Any, shoot: Any, request: Any
) -> None:
    button = open_panel(page, product)
    ask_for_a_call(button, number)
    expect(button).to_contain_text(words, timeout=20_000)
    expect(button.get_by_role("button", name="Call again")).to_be_visible()
    shoot(page, f"infobip-{request.node.callspec.id}")


def test_cancel_is_offered_until_the_provider_holds_the_call(
    page: Any, product: Any, shoot: Any
) -> None:
    button = open_panel(page, product)
    cancel = button.get_by_role("button", name="Cancel")
    with product.paused("run_dispatcher"):
        ask_for_a_call(button, "020 7946 0001")
        expect(button).to_contain_text("We ring our team, then you")
        expect(cancel).to_be_visible()
        shoot(page, "infobip-queued")
    wait_until_the_provider_holds_it(button)
    expect(button.get_by_role("button", name="Hang up")).to_be_hidden()
    expect(button).to_contain_text("Call ended", timeout=15_000)


@pytest.mark.slow
def test_a_call_cancelled_in_time_rings_nobody(page: Any, product: Any, shoot: Any) -> None:
    taken = messages_taken(product)
    button = open_panel(page, product)
    with product.paused("run_dispatcher"):
        ask_for_a_call(button, "020 7946 0001")
        button.get_by_role("button", name="Cancel").click()
        expect(button).to_contain_text("The call was cancelled.")
        shoot(page, "infobip-cancelled")
    ask_again(button)
    expect(button).to_contain_text("Our team is on other calls.")  # the dispatcher is at work
    assert messages_taken(product) == taken + 1


@pytest.mark.slow
def test_a_cancel_that_comes_too_late_is_answered(page: Any, product: Any, shoot: Any) -> None:
    taken = messages_taken(product)
    button = open_panel(page, product)
    with product.paused("run_dispatcher"):
        ask_for_a_call(button, "020 7946 0001")
        expect(button.get_by_role("button", name="Cancel")).to_be_visible()
        page.route("**/embed/calls/*/", lambda route: route.abort())  # the page hears no more
    wait_for_message(product, taken + 1)
    page.unroute("**/embed/calls/*/")
    button.get_by_role("button", name="Cancel").click()
    expect(button).to_contain_text("This call can no longer be cancelled. You need not answer it.")
    expect(button.get_by_role("button", name="Cancel")).to_be_hidden()
    shoot(page, "infobip-too-late")
    expect(button).to_contain_text("Call ended", timeout=15_000)
    expect(button).not_to_contain_text("no longer be cancelled")
    ask_again(button)
    expect(button).to_contain_text("Our team is on other calls.", timeout=15_000)
    expect(button).not_to_contain_text("no longer be cancelled")


def wait_for_message(product: Any, count: int) -> None:
    """Until the provider has taken so many messages."""
    give_up = time.monotonic() + 15
    while messages_taken(product) < count:
        assert time.monotonic() < give_up, "the call was never placed"
        time.sleep(0.1)


def ask_again(button: Any) -> None:
    button.get_by_role("button", name="Call again").click()
    ask_for_a_call(button, "020 7946 0002")


@pytest.mark.slow
def test_a_visitor_rung_first_is_leg_a(page: Any, product: Any, shoot: Any) -> None:
    page.goto(product.shop_url)
    button = page.locator("click-to-call").nth(1)
    button.get_by_role("button").first.click()
    expect(button).to_contain_text("Your phone rings first, from +44 20 7946 0190")
    button.get_by_label("Your phone number").fill("020 7946 0001")
    button.get_by_role("checkbox").check()
    button.get_by_role("button", name="Ring me now").click()
    expect(button).to_contain_text("We ring you, then our team")
    expect(button).to_contain_text("Call ended", timeout=15_000)
    expect(line_of(button, "You")).to_contain_text("ended")
    expect(line_of(button, "Our team")).to_have_count(0)
    shoot(page, "infobip-visitor-first")


@pytest.mark.slow
@pytest.mark.parametrize("label", ["Hear our opening hours", "Ask the service menu"])
def test_what_is_played_to_the_visitor_alone(
    label: str, page: Any, product: Any, shoot: Any
) -> None:
    page.goto(product.shop_url)
    button = page.locator(f'click-to-call[label="{label}"]')
    button.get_by_role("button").first.click()
    expect(button).to_contain_text("Your phone rings, from +44 20 7946 0190")
    ask_for_a_call(button, "020 7946 0001")
    expect(button).to_contain_text("Your call is on its way")
    expect(button).to_contain_text(re.compile(r"Call ended after \d+ s"), timeout=15_000)
    expect(line_of(button, "You")).to_contain_text("ended")
    expect(line_of(button, "Our team")).to_have_count(0)
    shoot(page, f"infobip-{label.rsplit(maxsplit=1)[-1]}")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(browser: Any, product: Any, shoot: Any, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=scheme, device_scale_factor=2
    )
    page = context.new_page()
    button = open_panel(page, product)
    ask_for_a_call(button, "020 7946 0001")
    wait_until_the_provider_holds_it(button)
    shoot(page, f"infobip-phone-{scheme}-placed")
    expect(button).to_contain_text("Call ended", timeout=15_000)
    shoot(page, f"infobip-phone-{scheme}-ended")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
