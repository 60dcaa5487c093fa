"""Walking pages: every row once, newest first, whatever else happens meanwhile."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clicktocall.models import Call
from tests.api.server import Server, problem
from tests.factories import make_call, make_endpoint, make_owned_number

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

# Few different times, so that many rows share one.
moments = st.lists(st.integers(0, 3), max_size=14)
sizes = st.integers(1, 7)
walks = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class History:
    """Calls of one endpoint, requested some seconds after noon."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.endpoint = make_endpoint(server.account)

    def add(self, seconds: int) -> str:
        call = make_call(self.endpoint)
        at = NOON + timedelta(seconds=seconds)
        Call.objects.filter(pk=call.pk).update(created_at=at)
        return call.pk

    def newest_first(self) -> list[str]:
        return list(Call.objects.order_by("-created_at", "-id").values_list("pk", flat=True))


@pytest.fixture
def history(server: Server) -> History:
    return History(server)


def page(server: Server, address: str) -> dict[str, Any]:
    answer = server.get(address)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def ids(told: dict[str, Any]) -> list[str]:
    return [row["id"] for row in told["results"]]


def walk(server: Server, address: str | None, towards: str = "next") -> list[list[str]]:
    """The ids of each page from this address on."""
    pages = []
    while address is not None:
        told = page(server, address)
        pages.append(ids(told))
        address = told[towards]
        assert len(pages) < 100, "the pages do not end"
    return pages


@walks
@given(seconds=moments, size=sizes)
def test_every_row_is_met_once_newest_first(
    history: History, seconds: list[int], size: int
) -> None:
    with transaction.atomic():
        for each in seconds:
            history.add(each)
        expected = history.newest_first()

        pages = walk(history.server, f"calls/?page_size={size}")

        assert [pk for rows in pages for pk in rows] == expected
        assert all(len(rows) == size for rows in pages[:-1])
        transaction.set_rollback(True)


@walks
@given(seconds=moments.filter(bool), size=sizes)
def test_the_way_back_shows_the_same_pages(history: History, seconds: list[int], size: int) -> None:
    with transaction.atomic():
        for each in seconds:
            history.add(each)
        server = history.server
        there, address = [], f"calls/?page_size={size}"
        while True:
            told = page(server, address)
            there.append(ids(told))
            if told["next"] is None:
                break
            address = told["next"]
            back = page(server, page(server, address)["previous"])
            assert ids(back) == there[-1], "next, then previous, is another page"

        assert walk(server, address, "previous") == there[::-1]
        transaction.set_rollback(True)


@walks
@given(seconds=moments.filter(bool), size=sizes, later=st.lists(st.integers(0, 4), max_size=6))
def test_rows_that_come_meanwhile_neither_repeat_nor_drop_any(
    history: History, seconds: list[int], size: int, later: list[int]
) -> None:
    """Before each page but the first another row comes in, often at a time that others have."""
    with transaction.atomic():
        for each in seconds:
            history.add(each)
        expected = history.newest_first()
        added: set[str] = set()
        coming = iter(later)
        met: list[str] = []
        address: str | None = f"calls/?page_size={size}"
        while address is not None:
            told = page(history.server, address)
            met += ids(told)
            address = told["next"]
            if (moment := next(coming, None)) is not None:
                added.add(history.add(moment))

        assert [pk for pk in met if pk not in added] == expected
        assert len(set(met)) == len(met)
        transaction.set_rollback(True)


def test_rows_without_a_time_are_walked_by_their_number(server: Server) -> None:
    numbers: list[Any] = [make_owned_number(server.account).pk for _ in range(7)]

    pages = walk(server, "numbers/?page_size=3")

    assert [pk for rows in pages for pk in rows] == numbers[::-1]
    whole = page(server, "numbers/?page_size=7")
    assert (whole["next"], whole["previous"]) == (None, None)


def test_more_rows_of_one_moment_than_any_page_holds(history: History) -> None:
    """As many as one bulk may bring, and more."""
    columns = _columns(make_call(history.endpoint))
    rows = [Call(**{**columns, "id": f"{number:032x}"}) for number in range(1_300)]
    Call.objects.bulk_create(rows)
    Call.objects.update(created_at=NOON)

    pages = walk(history.server, "calls/?page_size=200")

    assert [pk for rows in pages for pk in rows] == history.newest_first()


def _columns(call: Call) -> dict[str, Any]:
    return {field.attname: getattr(call, field.attname) for field in Call._meta.concrete_fields}


def test_a_filter_goes_with_the_pages(history: History) -> None:
    wanted = [history.add(second) for second in (3, 2, 1)]
    Call.objects.filter(pk__in=wanted).update(client_reference="order-7")
    for second in (3, 2, 1):
        history.add(second)

    pages = walk(history.server, "calls/?page_size=1&client_reference=order-7")

    assert pages == [[pk] for pk in wanted]


def hidden(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


_PK = "0" * 32
FORGED = {
    "nothing": "",
    "no base64": "!!",
    "not ASCII": "é",
    "cut off": hidden(f"after,2026-11-20T12:00:00+00:00,{_PK}")[:-3],
    "random text": hidden("nonsense"),
    "no time": hidden(f"after,yesterday,{_PK}"),
    "a time alone": hidden("after,2026-11-20T12:00:00+00:00"),
    "a time without a zone": hidden(f"after,2026-11-20T12:00:00,{_PK}"),
    "a time before all times": hidden(f"after,0001-01-01T00:00:00+14:00,{_PK}"),
    "a time after all times": hidden(f"before,9999-12-31T23:59:59-14:00,{_PK}"),
    "an offset no database knows": hidden(f"after,2026-11-21T14:00:00+23:59,{_PK}"),
    "no side": hidden(f"beside,2026-11-20T12:00:00+00:00,{_PK}"),
    "no row": hidden("after,2026-11-20T12:00:00+00:00,"),
    "a NUL": hidden("after,2026-11-20T12:00:00+00:00,\x00"),
    "not ASCII inside": hidden("after,2026-11-20T12:00:00+00:00,é"),
    "SQL": hidden("after,2026-11-20T12:00:00+00:00,' OR 1=1 --"),
    "a huge number": hidden("after," + "9" * 5000),
    "too much": hidden(f"after,2026-11-20T12:00:00+00:00,{_PK},{_PK}"),
}


@pytest.mark.parametrize("what", FORGED)
@pytest.mark.parametrize("path", ["calls/", "numbers/", "endpoints/", "refusals/"])
def test_a_forged_cursor_is_refused(server: Server, path: str, what: str) -> None:
    answer = server.get(f"{path}?cursor={quote(FORGED[what])}")

    assert set(problem(answer, 400, "invalid_request")["fields"]) == {"cursor"}


@pytest.mark.parametrize(
    "size", ["", "0", "-1", "201", "0000000000201", "1.0", "x", "٣", "9" * 5000]
)
def test_a_page_size_that_is_none_is_refused(server: Server, size: str) -> None:
    answer = server.get(f"calls/?page_size={quote(size)}")

    assert set(problem(answer, 400, "invalid_request")["fields"]) == {"page_size"}


@pytest.mark.parametrize("path", ["calls/", "endpoints/{endpoint}/history/"])
def test_a_deep_page_begins_where_the_index_says(
    history: History, on_postgresql: bool, path: str
) -> None:
    for second in range(4):
        history.add(second)
    here = path.format(endpoint=history.endpoint.pk)
    second_page = page(history.server, f"{here}?page_size=1")["next"]
    with CaptureQueriesContext(connection) as captured:
        page(history.server, second_page)
    (sql,) = (q["sql"] for q in captured if "LIMIT" in q["sql"] and "contact" in q["sql"])

    plan = plan_of(sql, on_postgresql)

    assert "ctc_call_" in plan, plan
    assert "created_at" in plan, f"every newer row is read too: {plan}"
    assert "TEMP B-TREE" not in plan, plan
    assert "Sort" not in plan, plan


def plan_of(sql: str, on_postgresql: bool) -> str:
    """As it would be for many rows."""
    with connection.cursor() as cursor:
        if on_postgresql:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {'' if on_postgresql else 'QUERY PLAN '}{sql}")
        rows = [str(row[-1]) for row in cursor.fetchall()]
    conditions = [row for row in rows if "Filter" not in row]
    return "\n".join(conditions)
