"""Transactions on the database that holds the calls, wherever a router has put them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from django.db import router, transaction

from clicktocall.models import Call


def atomic() -> AbstractContextManager[Any]:
    """All or nothing, as `django.db.transaction.atomic`."""
    return transaction.atomic(using=router.db_for_write(Call))


def on_commit(tell: Callable[[], Any]) -> None:
    """Do `tell` once what has been written is there for everybody."""
    transaction.on_commit(tell, using=router.db_for_write(Call))
