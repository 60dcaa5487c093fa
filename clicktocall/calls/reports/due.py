"""Taking deliveries that are due, receiver by receiver, so that nobody else takes them too.

As in `calls.claim`: one conditional UPDATE … RETURNING by the database's own clock. Whoever takes
a delivery has it for a while; of a process that dies meanwhile others take it afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connections, router

from clicktocall.calls.database import atomic
from clicktocall.models import Delivery, DeliveryState

LEASE = timedelta(minutes=2)

_NOW = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
    "postgresql": "statement_timestamp()",
}
_AFTER = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '+{seconds} seconds')",
    "postgresql": "statement_timestamp() + interval '{seconds} seconds'",
}
# SQLite uses a partial index only for a condition spelled exactly as the index has it.
_PENDING = f"\"state\" = '{DeliveryState.PENDING}'"

# From one receiver to the next by the index: what waits for one of them, however much it is, is
# not read through.
_DUE_RECEIVERS = (
    "WITH RECURSIVE receivers(receiver) AS ("
    "SELECT min(receiver) FROM {deliveries} WHERE {pending} UNION ALL "
    "SELECT (SELECT min(receiver) FROM {deliveries} WHERE {pending} "
    "AND receiver > receivers.receiver) FROM receivers WHERE receivers.receiver IS NOT NULL) "
    "SELECT receiver FROM (SELECT receivers.receiver AS receiver, "
    "(SELECT min(next_try_at) FROM {deliveries} WHERE {pending} "
    "AND receiver = receivers.receiver) AS due FROM receivers) AS dues "
    "WHERE due <= {now} ORDER BY due"
)
# Materialized: PostgreSQL may otherwise look for rows again and again, and take more than asked.
_TAKE = (
    "WITH taken AS MATERIALIZED (SELECT id FROM {deliveries} WHERE {pending} AND receiver = %s "
    "AND next_try_at <= {now} ORDER BY next_try_at LIMIT %s {skip_locked}) "
    "UPDATE {deliveries} SET next_try_at = {lease} WHERE {pending} AND next_try_at <= {now} "
    "AND id IN (SELECT id FROM taken) RETURNING id"
)


def due_receivers() -> list[str]:
    """The receivers for whom something is due, the one that waits longest first; takes no lock."""
    return _run(_DUE_RECEIVERS, [])


def take_due(wanted: Mapping[str, int], lease: timedelta = LEASE) -> list[str]:
    """Up to so many due deliveries for each of these receivers; their ids.

    Args:
        lease: for how long they are ours, in whole seconds.
    """
    if not wanted:
        return []
    with atomic():
        return [
            taken
            for receiver, limit in wanted.items()
            for taken in _run(_TAKE, [receiver, limit], lease)
        ]


def _run(sql: str, params: list[Any], lease: timedelta = LEASE) -> list[Any]:
    connection = connections[router.db_for_write(Delivery)]
    vendor = connection.vendor
    statement = sql.format(
        deliveries=f'"{Delivery._meta.db_table}"',
        pending=_PENDING,
        now=_NOW[vendor],
        lease=_AFTER[vendor].format(seconds=int(lease.total_seconds())),
        skip_locked="FOR UPDATE SKIP LOCKED" if vendor == "postgresql" else "",
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [row[0] for row in cursor.fetchall()]
