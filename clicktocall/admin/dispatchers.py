"""The processes that place calls, and whether they are alive."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from clicktocall.admin import display
from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.models import Dispatcher


@admin.register(Dispatcher)
class DispatcherAdmin(ExplainedAdmin):
    """Belongs to no account: whoever may view dispatchers sees all of them."""

    when_empty = _(
        "No dispatcher is running, so no call is placed. Start one with "
        "“manage.py run_dispatcher”; it will stand here while it runs."
    )

    list_display = ("name", "status", "beat", "started")
    fields = ("name", "status", "beat", "started")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Dispatcher | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Dispatcher | None = None) -> bool:
        return False

    @admin.display(description=_("state"))
    def status(self, dispatcher: Dispatcher) -> SafeString:
        return display.alive_badge(dispatcher.is_alive)

    @admin.display(description=_("last beat"), ordering="beat_at")
    def beat(self, dispatcher: Dispatcher) -> SafeString:
        return format_html(
            "{} ({})",
            display.ago(dispatcher.beat_at, timezone.now()),
            display.moment(dispatcher.beat_at),
        )

    @admin.display(description=_("started"), ordering="started_at")
    def started(self, dispatcher: Dispatcher) -> SafeString | str:
        return display.moment(dispatcher.started_at)
