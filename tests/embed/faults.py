"""A database that fails on cue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def failing(statement: str, error: Exception) -> Iterator[list[str]]:
    """Every statement of this kind (its first word) fails; gives those that did."""
    failed: list[str] = []

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(statement):
            failed.append(sql)
            raise error
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        yield failed
    assert failed, f"no {statement} was tried, so nothing was shown"
