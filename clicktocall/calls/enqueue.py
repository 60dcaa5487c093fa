"""Writing a requested call: one INSERT, timed by the database's clock.

This is what every click costs, and building it anew takes the ORM longer than the database needs
to carry it out, so the statement is put together once per process. It sends no model signals;
`clicktocall.signals.call_requested` tells of the call.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connections, router, transaction
from django.utils import timezone

from clicktocall.models import Call

_NOW_PLUS = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %s || ' seconds')",
    "postgresql": "statement_timestamp() + make_interval(secs => %s)",
}


@dataclass(frozen=True, slots=True)
class ReadyCall:
    """A call that nothing speaks against, due at `due` or at once, dialled within `validity`.

    One that is `paced` is due when its bulk releases it.
    """

    call: Call
    due: datetime | None
    validity: timedelta
    paced: bool = False


@dataclass(frozen=True, slots=True)
class Insertion:
    """The statement that writes a call."""

    call: Call
    sql: str
    values: list[Any]


def enqueue(ready: ReadyCall) -> Call:
    """Insert the call; within the host's transaction it may fail without spoiling that.

    Raises:
        django.db.IntegrityError: its idempotency key or token has already been used.
    """
    insertion = insertion_of(ready)
    with _savepoint_inside_a_transaction(router.db_for_write(Call)):
        insert([insertion])
    return ready.call


def insertion_of(ready: ReadyCall) -> Insertion:
    """What `insert` carries out. Putting it together takes longer, and needs no lock."""
    connection = connections[router.db_for_write(Call)]
    call, due, validity = ready.call, ready.due, ready.validity
    # "At once" is said in seconds from the database's own now: its clock times the queue.
    at_once = due is None and not ready.paced
    from_now = {"due_at": 0.0, "expires_at": validity.total_seconds()} if at_once else {}
    earliest = due or timezone.now()
    call.due_at = None if ready.paced else earliest
    call.expires_at = earliest + validity
    values = [
        from_now[field.name]
        if field.name in from_now
        else field.get_db_prep_save(field.pre_save(call, add=True), connection)
        for field in Call._meta.concrete_fields
    ]
    return Insertion(call, _statement(connection.vendor, frozenset(from_now)), values)


def insert(insertions: Iterable[Insertion]) -> None:
    """Write the calls in this order; together only inside a transaction of the caller's.

    Raises:
        django.db.IntegrityError: an idempotency key or token has already been used.
    """
    using = router.db_for_write(Call)
    with connections[using].cursor() as cursor:
        for insertion in insertions:
            cursor.execute(insertion.sql, insertion.values)
            insertion.call._state.adding = False
            insertion.call._state.db = using


@cache
def _statement(vendor: str, from_now: frozenset[str]) -> str:
    fields = Call._meta.concrete_fields
    columns = ", ".join(str(field.column) for field in fields)
    places = ", ".join(_NOW_PLUS[vendor] if field.name in from_now else "%s" for field in fields)
    return f"INSERT INTO {Call._meta.db_table} ({columns}) VALUES ({places})"


def _savepoint_inside_a_transaction(using: str) -> AbstractContextManager[Any]:
    """A failed insert must not spoil the host's transaction; alone it needs none of its own."""
    if connections[using].in_atomic_block:
        return transaction.atomic(using=using)
    return nullcontext()
