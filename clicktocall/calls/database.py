"""Transactions on the database that holds the calls, wherever a router has put them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.db import connections, router, transaction
from django.db.models import Model

from clicktocall.models import Call


def atomic() -> AbstractContextManager[Any]:
    """All or nothing, as `django.db.transaction.atomic`."""
    return transaction.atomic(using=router.db_for_write(Call))


def on_commit(tell: Callable[[], Any]) -> None:
    """Do `tell` once what has been written is there for everybody."""
    transaction.on_commit(tell, using=router.db_for_write(Call))


def was_written(row: Model) -> bool:
    """Whether the row is there after all, though writing it failed: its answer may have been lost.

    Asked over a new connection. Inside a transaction of the host's nothing can be known.

    Raises:
        django.db.OperationalError: the database cannot be asked.
    """
    using = router.db_for_write(type(row))
    if connections[using].in_atomic_block:
        return False
    connections[using].close()
    return type(row)._base_manager.using(using).filter(pk=row.pk).exists()
