"""Writing a requested call: one INSERT, timed by the database's clock.

This is what every click costs, and building it anew takes the ORM longer than the database needs
to carry it out, so the statement is put together once per process. It sends no model signals;
`clicktocall.signals.call_requested` tells of the call.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
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


def enqueue(call: Call, *, due: datetime | None, validity: timedelta) -> None:
    """Insert `call`, due at `due` or at once, and not to be dialled later than `validity` after.

    Raises:
        django.db.IntegrityError: its idempotency key or token has already been used.
    """
    using = router.db_for_write(Call)
    connection = connections[using]
    # "At once" is said in seconds from the database's own now: its clock times the queue.
    from_now = {"due_at": 0.0, "expires_at": validity.total_seconds()} if due is None else {}
    call.due_at = due or timezone.now()
    call.expires_at = call.due_at + validity
    values = [
        from_now[field.name]
        if field.name in from_now
        else field.get_db_prep_save(field.pre_save(call, add=True), connection)
        for field in Call._meta.concrete_fields
    ]
    with _savepoint_inside_a_transaction(using), connection.cursor() as cursor:
        cursor.execute(_statement(connection.vendor, frozenset(from_now)), values)
    call._state.adding = False
    call._state.db = using


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
