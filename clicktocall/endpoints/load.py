"""Reading an endpoint for a click: everything the rules and the call need, in one statement.

The ORM takes longer to put this statement together than the database takes to answer it, so
it is written out here, once per process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connections, router

from clicktocall.models import Brake, BrakeScope, Endpoint, OwnedNumber, WhitelistEntry

_NUMBERS = ("caller_id_a", "caller_id_b", "bridge")
_FIELDS = Endpoint._meta.concrete_fields
_AGGREGATE = {"sqlite": "json_group_array", "postgresql": "json_agg"}

Converter = Callable[..., Any]


def load_endpoint(endpoint_id: str) -> Endpoint | None:
    """The endpoint as it stands now, with its numbers, its whitelist and what stops its calls.

    None if there is none.
    """
    using = router.db_for_read(Endpoint)
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.vendor), [endpoint_id])
        row = cursor.fetchone()
    if row is None:
        return None
    values = list(row[: len(_FIELDS)])
    for place, expression, converters in _converters(using):
        for convert in converters:
            values[place] = convert(values[place], expression, connection)
    endpoint = Endpoint.from_db(using, [field.attname for field in _FIELDS], values)
    *numbers, patterns, brakes = row[len(_FIELDS) :]
    _attach_numbers(endpoint, numbers)
    endpoint.whitelist_patterns = _listed(patterns)
    endpoint.stopped_by = endpoint.stopped_by_these(map(_scope_and_provider, _listed(brakes)))
    return endpoint


def _scope_and_provider(brake: str) -> tuple[str, str]:
    scope, _space, provider = brake.partition(" ")
    return scope, provider


def _listed(aggregate: Any) -> list[str]:
    """An aggregate as a list: SQLite has it as a text, and PostgreSQL none of no rows."""
    listed: list[str] = json.loads(aggregate) if isinstance(aggregate, str) else aggregate or []
    return listed


@cache
def _statement(vendor: str) -> str:
    columns = ", ".join(f"e.{field.column}" for field in _FIELDS)
    numbers = ", ".join(f"{name}.number" for name in _NUMBERS)
    joins = " ".join(
        f"LEFT JOIN {OwnedNumber._meta.db_table} {name} ON {name}.id = e.{name}_id"
        for name in _NUMBERS
    )
    together = _AGGREGATE[vendor]
    return (
        f"SELECT {columns}, {numbers}, (SELECT {together}(w.pattern) "
        f"FROM {WhitelistEntry._meta.db_table} w WHERE w.endpoint_id = e.id), "
        f"(SELECT {together}(b.scope || ' ' || b.provider) FROM {Brake._meta.db_table} b "
        f"WHERE b.scope <> '{BrakeScope.ACCOUNT}' OR b.account_id = e.account_id) "
        f"FROM {Endpoint._meta.db_table} e {joins} WHERE e.id = %s"
    )


@cache
def _converters(using: str) -> list[tuple[int, Any, list[Converter]]]:
    """What turns a column's value into the field's, for the columns that need it."""
    connection = connections[using]
    needed = []
    for place, field in enumerate(_FIELDS):
        column = field.get_col(Endpoint._meta.db_table)
        converters = [
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        ]
        if converters:
            needed.append((place, column, converters))
    return needed


def _attach_numbers(endpoint: Endpoint, numbers: list[str | None]) -> None:
    for name, number in zip(_NUMBERS, numbers, strict=True):
        if number is not None:
            owned = OwnedNumber(
                pk=getattr(endpoint, f"{name}_id"), account_id=endpoint.account_id, number=number
            )
            setattr(endpoint, name, owned)
