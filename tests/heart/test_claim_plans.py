"""The dispatcher looks at the queue thirty times a second: never by reading the whole history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clicktocall.calls import claim

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "look",
    [
        claim.anything_due,
        lambda: claim.claim_due("sandbox", "a dispatcher", 3),
        claim.expire_late,
        lambda: claim.claim_cancels("sandbox", 3),
        lambda: claim.claim_follow_ups("sandbox", 3),
        lambda: claim.claims_of_the_dead(3),
        lambda: claim.reports_overdue(3),
    ],
    ids=["due", "claim", "expire", "cancels", "follow-ups", "dead", "overdue"],
)
def test_every_look_at_the_queue_goes_by_an_index(look: Callable[[], Any]) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # The table is empty; what counts is whether an index can serve at all.
            cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as looked:
        look()
    statements = [
        query["sql"]
        for query in looked.captured_queries
        if "clicktocall_" in query["sql"] and not query["sql"].startswith("INSERT")
    ]
    assert statements
    for statement in statements[:1]:
        plan = explain(statement.replace("%%", "%"))
        for line in plan:
            for table in ("clicktocall_call", "clicktocall_attempt"):
                assert f"Seq Scan on {table}" not in line, plan
                assert line != f"SCAN {table}", plan


def explain(statement: str) -> list[str]:
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN' if sqlite else ''} {statement}")
        return [str(row[-1]) for row in cursor.fetchall()]
