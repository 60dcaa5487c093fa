"""The account's page: numbers in any spelling, stored in one."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from clicktocall.models import Account, OwnedNumber
from tests.admin.conftest import page_of
from tests.admin.forms import filled_form
from tests.factories import make_account

pytestmark = pytest.mark.django_db


def add_numbers(client: Client, account: Account, *numbers: str) -> Any:
    page = page_of(account)
    rows = {f"numbers-{row}-number": number for row, number in enumerate(numbers)}
    total = {"numbers-TOTAL_FORMS": len(numbers)}
    return client.post(page, filled_form(client.get(page), **rows, **total))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("+44 20 7946 0160", "+442079460160"),
        (" +44 (0)20 7946-0160 ", "+442079460160"),
        ("+1 (202) 555-0123", "+12025550123"),
        ("+442079460160", "+442079460160"),
        ("Workshop", "Workshop"),
        ("72345", "72345"),
    ],
)
def test_an_owned_number_is_stored_in_one_spelling(
    superuser: Client, typed: str, stored: str
) -> None:
    account = make_account()
    assert add_numbers(superuser, account, typed).status_code == 302
    assert list(account.numbers.values_list("number", flat=True)) == [stored]


@pytest.mark.parametrize("typed", ["+44 20", "020 7946 0160", "Bicycle shop", "+44 20 7946 016 x1"])
def test_what_is_no_number_and_no_sender_id_is_refused(superuser: Client, typed: str) -> None:
    account = make_account()
    answer = add_numbers(superuser, account, typed)
    assert answer.status_code == 200
    assert "Write a number in international form" in answer.content.decode()
    assert not account.numbers.exists()


def test_two_spellings_of_one_number_are_one_number(superuser: Client) -> None:
    account = make_account()
    answer = add_numbers(superuser, account, "+44 20 7946 0160", "+442079460160")
    assert answer.status_code == 200
    assert not account.numbers.exists()


def test_the_model_reads_spellings_too() -> None:
    number = OwnedNumber(account=make_account(), number="+44 20 7946 0160")
    number.full_clean()
    assert number.number == "+442079460160"
    with pytest.raises(ValidationError):
        OwnedNumber(account=number.account, number="no number").full_clean()
