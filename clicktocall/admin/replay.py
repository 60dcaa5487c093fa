"""Replaying kept callbacks from their list."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clicktocall.accounts.access import accounts_of
from clicktocall.admin.scope import ModelAdmin, may
from clicktocall.calls.replay import replay
from clicktocall.exceptions import ConfigurationError
from clicktocall.history.receipts import may_read_bodies
from clicktocall.models import CallbackReceipt, ReceiptStatus, Role

# What one click may take on: a request of the admin must end in time.
MOST_AT_ONCE = 200

_TROUBLE = {ReceiptStatus.NOT_UNDERSTOOD, ReceiptStatus.FAILED}


class _NotReplayed(Exception):
    """Why a callback was left as it was, in words for the operator."""


class ReplayAction(ModelAdmin):
    """The action “Replay” on callback receipts, which are otherwise never changed."""

    actions = ("replay_selected",)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Django's permission to change receipts, and an editor's role in some account."""
        user: Any = request.user
        changes = user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")
        return bool(changes) and may(request, Role.EDITOR)

    @admin.action(
        description=gettext_lazy("Replay: understand and apply again"), permissions=["replay"]
    )
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[CallbackReceipt]) -> None:
        chosen = list(queryset.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            self.message_user(request, _too_many(), messages.ERROR)
            return
        became: Counter[ReceiptStatus] = Counter()
        problems: dict[str, None] = {}  # each once, in the order in which they came up
        for pk in chosen:
            try:
                became[self._replay(request, queryset.get(pk=pk))] += 1
            except _NotReplayed as problem:
                problems[str(problem)] = None
            except (OperationalError, InterfaceError):
                problems[_database_busy()] = None
                break
        self._tell(request, became, problems)

    def _replay(self, request: HttpRequest, receipt: CallbackReceipt) -> ReceiptStatus:
        if not self._may_replay(request, receipt):
            raise _NotReplayed(_not_yours(receipt.provider))
        try:
            status = replay(receipt)
        except ConfigurationError:
            raise _NotReplayed(_not_configured(receipt.provider)) from None
        self.log_change(request, receipt, _("Replayed: %(status)s") % {"status": status.label})
        return status

    def _may_replay(self, request: HttpRequest, receipt: CallbackReceipt) -> bool:
        """One callback may tell of every account that uses its provider: an editor of them all."""
        user: Any = request.user
        if user.is_superuser:
            return True
        edited = accounts_of(user, Role.EDITOR).values_list("pk", flat=True)
        return may_read_bodies(receipt.provider, edited)

    def _tell(
        self, request: HttpRequest, became: Counter[ReceiptStatus], problems: dict[str, None]
    ) -> None:
        if became:
            level = messages.WARNING if _TROUBLE & became.keys() else messages.SUCCESS
            self.message_user(request, _told_of(became), level)
        for problem in problems:
            self.message_user(request, problem, messages.ERROR)


def _told_of(became: Counter[ReceiptStatus]) -> str:
    count = became.total()
    replayed = ngettext("%d callback was replayed", "%d callbacks were replayed", count) % count
    statuses = ", ".join(f"{number} {status.label}" for status, number in sorted(became.items()))
    return f"{replayed}: {statuses}."


def _too_many() -> str:
    return _(
        "Nothing was replayed: select at most %(count)d callbacks at once. For more there is "
        "“manage.py reprocess_callbacks”."
    ) % {"count": MOST_AT_ONCE}


def _not_yours(alias: str) -> str:
    return _(
        "Callbacks of “%(provider)s” were not replayed: other accounts use it too, so only an "
        "administrator of the site may do it."
    ) % {"provider": alias}


def _not_configured(alias: str) -> str:
    return _(
        "Callbacks of “%(provider)s” were not replayed, because nobody can read them without it. "
        "Configure it in CLICKTOCALL['PROVIDERS'], then replay them again."
    ) % {"provider": alias}


def _database_busy() -> str:
    return _(
        "The database was busy, so not everything was replayed. Replay the same callbacks again: "
        "nothing is applied twice."
    )
