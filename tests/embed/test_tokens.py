"""The visitor's token admits one call; the call's token names it and nobody can make one up."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from clicktocall.embed.tokens import call_token, issue_token, read_call_token, read_token
from clicktocall.models import Call, Endpoint, Refusal
from clicktocall.models.fields import hex_id
from tests.embed.visitor import Browser, assert_refused
from tests.factories import ORIGIN, make_endpoint

LETTERS = string.ascii_letters + string.digits + string.punctuation + " "


def one_character_off(text: str, seed: int) -> Iterator[str]:
    """Every position changed a few times, left out, doubled and swapped with its neighbour."""
    choose = random.Random(seed)
    for place, character in enumerate(text):
        before, after = text[:place], text[place + 1 :]
        for other in {*choose.sample(LETTERS, 24), character.swapcase()} - {character}:
            yield before + other + after
        yield before + after
        yield before + character + character + after
        if after and after[0] != character:
            yield before + after[0] + character + after[1:]
    yield text + "\n"
    yield " " + text
    yield ""


def test_the_token_answer(endpoint: Endpoint, visitor: Browser) -> None:
    answer = visitor.post(visitor.address("embed-token"))

    assert answer.status_code == 200
    assert set(answer.json()) == {"token", "expires_in"}
    assert answer.json()["expires_in"] == 300
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["token"] != visitor.token(), "two tokens are the same"


@pytest.mark.parametrize(("wanted", "granted"), [(60, 60), (300, 300), (86_400, 300)])
def test_a_token_never_lives_longer_than_five_minutes(
    visitor: Browser, settings: Settings, wanted: int, granted: int
) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "TOKEN_LIFETIME": wanted}

    assert visitor.post(visitor.address("embed-token")).json()["expires_in"] == granted


@pytest.mark.parametrize(("age", "status"), [(0, 202), (299, 202), (301, 403), (86_400, 403)])
def test_a_token_expires(visitor: Browser, age: int, status: int) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        token = visitor.token()
    with time_machine.travel(start + timedelta(seconds=age), tick=False):
        answer = visitor.connect(token=token)

    assert answer.status_code == status
    assert Call.objects.count() == (status == 202)
    if status == 403:
        assert_refused(answer, 403, "token_invalid")
        assert Refusal.objects.get().rule == "token_invalid"


def test_a_token_is_for_one_endpoint(endpoint: Endpoint) -> None:
    other = make_endpoint(endpoint.account)

    assert_refused(Browser(other).connect(token=Browser(endpoint).token()), 403, "token_invalid")
    assert not Call.objects.exists()


@pytest.mark.django_db
def test_a_token_is_for_one_origin() -> None:
    endpoint = make_endpoint(allowed_origins=[ORIGIN, "https://blog.example"])
    token = Browser(endpoint, ORIGIN).token()

    answer = Browser(endpoint, "https://blog.example").connect(token=token)

    assert_refused(answer, 403, "token_invalid")
    assert not Call.objects.exists()


def test_a_token_of_another_secret_key_is_forged(
    endpoint: Endpoint, visitor: Browser, settings: Settings
) -> None:
    ours = settings.SECRET_KEY
    settings.SECRET_KEY = "somebody-else-has-this-secret-key-and-signs-with-it"
    forged = issue_token(endpoint.id, ORIGIN)
    settings.SECRET_KEY = ours

    assert_refused(visitor.connect(token=forged), 403, "token_invalid")


def test_no_mutated_token_is_accepted() -> None:
    endpoint_id = hex_id()
    token = issue_token(endpoint_id, ORIGIN)
    assert read_token(token, endpoint_id, ORIGIN), "the genuine token is refused"

    tried = 0
    for forged in one_character_off(token, seed=27):
        tried += 1
        assert read_token(forged, endpoint_id, ORIGIN) == "", f"accepted {forged!r} for {token!r}"
    assert tried > 2000


def test_parts_of_two_tokens_do_not_make_a_third() -> None:
    endpoint_id = hex_id()
    one, other = (issue_token(endpoint_id, ORIGIN).split(":") for _ in range(2))

    for place in range(3):
        mixed = [*one]
        mixed[place] = other[place]
        if mixed not in (one, other):
            assert read_token(":".join(mixed), endpoint_id, ORIGIN) == ""


@pytest.mark.parametrize(
    "forged",
    ["", " ", ":", "::", "a:b:c", "0" * 300, "é" * 40, "null", "undefined", "0" * 32, "😀", "%00"],
)
def test_nonsense_is_no_token(visitor: Browser, forged: str) -> None:
    assert_refused(visitor.connect(token=forged), 403, "token_invalid")


def test_a_missing_token_is_no_token(visitor: Browser) -> None:
    body = visitor.wish(token="")
    del body["token"]

    assert_refused(visitor.post(visitor.address("embed-calls"), body), 403, "token_invalid")


def test_a_token_places_one_call(visitor: Browser) -> None:
    token = visitor.token()

    assert visitor.connect(token=token).status_code == 202
    assert_refused(visitor.connect(token=token), 403, "token_invalid")
    assert Call.objects.count() == 1
    assert Refusal.objects.get().rule == "token_used"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"contact": "12"}, 400),
        ({"contact": "+33123456789"}, 403),
        ({"contact": "09012345678"}, 403),
        ({"country": "XX"}, 400),
        ({"fields": {"email": "nowhere"}}, 400),
    ],
)
def test_a_refused_request_does_not_use_the_token_up(
    visitor: Browser, changes: dict[str, Any], status: int
) -> None:
    token = visitor.token()

    assert visitor.connect(token=token, **changes).status_code == status
    assert visitor.connect(token=token).status_code == 202


def test_a_closed_endpoint_does_not_use_the_token_up(endpoint: Endpoint, visitor: Browser) -> None:
    token = visitor.token()
    today = timezone.now()
    closed_today = (today + timedelta(days=3)).strftime("%A").lower()
    endpoint.opening_hours = {closed_today: [["09:00", "10:00"]]}
    endpoint.save()

    assert_refused(visitor.connect(token=token), 409, "closed")
    endpoint.opening_hours = {}
    endpoint.save()
    assert visitor.connect(token=token).status_code == 202


def test_a_call_token_names_its_call() -> None:
    call_id = hex_id()
    token = call_token(call_id)

    assert len(token) == 43
    assert call_id not in token
    assert read_call_token(token) == call_id


def test_no_mutated_call_token_is_accepted() -> None:
    token = call_token(hex_id())

    tried = 0
    for forged in one_character_off(token, seed=33):
        tried += 1
        assert read_call_token(forged) is None, f"accepted {forged!r} for {token!r}"
    assert tried > 1000


def test_every_other_spelling_of_the_last_character_is_another_token() -> None:
    token = call_token(hex_id())
    alphabet = string.ascii_letters + string.digits + "-_"

    accepted = [last for last in alphabet if read_call_token(token[:-1] + last)]
    assert accepted == [token[-1]]


def test_no_made_up_call_token_is_accepted() -> None:
    choose = random.Random(33)
    alphabet = string.ascii_letters + string.digits + "-_"

    for _ in range(5000):
        forged = "".join(choose.choices(alphabet, k=43))
        assert read_call_token(forged) is None, forged


@pytest.mark.parametrize("text", ["", "=", "====", "A", "A" * 42, "A" * 44, "é" * 43, "A\n" * 20])
def test_nonsense_is_no_call_token(text: str) -> None:
    assert read_call_token(text) is None
