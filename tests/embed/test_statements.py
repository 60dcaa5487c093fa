"""What a click costs the database: counted, so that it cannot grow unnoticed."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from clicktocall.models import Call
from tests.embed.visitor import Browser
from tests.factories import make_account, make_endpoint, make_owned_number

# With committed transactions, as outside of tests: no savepoint is counted.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("patterns", [0, 1, 50])
def test_a_click_is_one_look_and_one_insert(
    django_assert_num_queries: DjangoAssertNumQueries, patterns: int
) -> None:
    account = make_account()
    visitor = Browser(
        make_endpoint(
            account,
            whitelist=[rf"\+44{n:04}" for n in range(1, patterns)] + [r"\+44"][:patterns],
            caller_id_a=make_owned_number(account),
            caller_id_b=make_owned_number(account),
        )
    )
    wish = visitor.wish()

    with django_assert_num_queries(2, info=f"{patterns} whitelist patterns") as captured:
        answer = visitor.post(visitor.address("embed-calls"), wish)

    assert answer.status_code == 202, answer.content
    kinds = [query["sql"].split()[0] for query in captured.captured_queries]
    assert kinds == ["SELECT", "INSERT"]


def test_configuration_token_and_status_are_one_look_each(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    visitor = Browser(make_endpoint(whitelist=[r"\+44"]))
    told = visitor.connect().json()

    with django_assert_num_queries(1):
        assert visitor.config().status_code == 200
    with django_assert_num_queries(1):
        visitor.token()
    with django_assert_num_queries(1):
        assert visitor.get(told["status_url"]).status_code == 200


def test_a_forged_token_or_a_hostile_body_costs_no_write() -> None:
    visitor = Browser(make_endpoint())
    call_address = f"/clicktocall/embed/calls/{'A' * 43}/"

    with CaptureQueriesContext(connection) as captured:
        assert visitor.get(call_address).status_code == 404
        assert visitor.post(visitor.address("embed-calls"), b"[").status_code == 400
        assert visitor.post(visitor.address("embed-calls"), b" " * 70_000).status_code == 413

    assert {query["sql"].split()[0] for query in captured} <= {"SELECT"}
    assert not Call.objects.exists()
