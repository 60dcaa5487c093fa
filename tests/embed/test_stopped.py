"""While calls are stopped a visitor is told to come back later, from the next click on."""

from __future__ import annotations

import pytest

from clicktocall.calls.brakes import resume_calls, stop_calls
from clicktocall.models import Account, Call, Endpoint, Refusal
from tests.embed.visitor import Browser, assert_refused
from tests.factories import ORIGIN, make_account


def test_a_click_is_refused_from_the_next_one_on_until_calls_are_resumed(
    visitor: Browser, endpoint: Endpoint
) -> None:
    scopes: list[tuple[Account | None, str]] = [
        (None, ""),
        (endpoint.account, ""),
        (None, "sandbox"),
    ]
    for account, provider in scopes:
        wish = visitor.wish()  # the panel was open already
        stop_calls(account=account, provider=provider, reason="fraud")

        answer = visitor.post(visitor.address("embed-calls"), wish)

        error = assert_refused(answer, 503, "unavailable")
        assert "fraud" not in error["message"]
        assert int(answer["Retry-After"]) > 0
        assert answer["Access-Control-Allow-Origin"] == ORIGIN
        assert "Retry-After" in answer["Access-Control-Expose-Headers"]
        assert not Call.objects.exists()
        resume_calls(account=account, provider=provider)
        assert visitor.post(visitor.address("embed-calls"), wish).status_code == 202, "same wish"
        Call.objects.all().delete()
    assert set(Refusal.objects.values_list("rule", "code", "door")) == {
        ("stopped", "unavailable", "embed")
    }
    assert Refusal.objects.count() == len(scopes)


def test_what_is_stopped_elsewhere_stops_nothing_here(visitor: Browser) -> None:
    stop_calls(account=make_account())
    stop_calls(provider="another")
    assert visitor.connect().status_code == 202


def test_a_repeat_of_a_click_before_the_stop_is_told_of_its_call(visitor: Browser) -> None:
    wish = visitor.wish()
    first = visitor.post(visitor.address("embed-calls"), wish).json()
    stop_calls()
    again = visitor.post(visitor.address("embed-calls"), wish)
    assert (again.status_code, again.json()["id"]) == (202, first["id"])


@pytest.mark.parametrize("foreign", ["https://elsewhere.example", ""])
def test_a_foreign_page_learns_nothing_of_it(endpoint: Endpoint, foreign: str) -> None:
    token = Browser(endpoint).token()
    stop_calls()
    stranger = Browser(endpoint, foreign or None)
    assert_refused(stranger.connect(token=token), 403, "not_available")
