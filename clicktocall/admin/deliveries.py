"""What was sent to whom, how every try went, and sending it once more."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clicktocall.admin import display
from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.admin.scope import ReadOnlyAdmin, may
from clicktocall.calls.reports.subscribe import replay
from clicktocall.exceptions import InvalidOption
from clicktocall.models import Delivery, DeliveryState, Role

# What one click may take on: a request of the admin must end in time.
MOST_AT_ONCE = 1000

_BADGES = {
    DeliveryState.PENDING: ("live", "clock"),
    DeliveryState.DELIVERED: ("good", "tick"),
    DeliveryState.DEAD: ("bad", "octagon"),
}


@admin.register(Delivery)
class DeliveryAdmin(ExplainedAdmin, ReadOnlyAdmin):
    when_empty = gettext_lazy(
        "Every message to a webhook or a notify_url will stand here, with each try. Nothing "
        "comes? Calls are only told of after somebody has asked for it."
    )

    list_display = ("when", "event", "to", "status", "tries", "result", "next_try")
    list_filter = ("state",)
    list_select_related = ("webhook",)
    search_fields = ("id", "receiver")
    list_per_page = 50
    show_full_result_count = False
    actions = ("replay_selected",)
    fields = (
        "id",
        "event",
        "status",
        "call_link",
        "webhook",
        "address",
        "when",
        "next_try",
        "done",
        "content_type",
        "body_shown",
        "log_shown",
    )

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Django's permission to change deliveries, and an editor's role in some account."""
        user: Any = request.user
        changes = user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")
        return bool(changes) and may(request, Role.EDITOR)

    @admin.action(description=gettext_lazy("Replay: send once more"), permissions=["replay"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        chosen = list(queryset.select_related("webhook").defer("body")[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            message = _("Nothing was replayed: select at most %d deliveries at once.")
            self.message_user(request, message % MOST_AT_ONCE, messages.ERROR)
            return
        replayed, problems = 0, dict[str, None]()  # each problem once, in order
        for delivery in chosen:
            if not may(request, Role.EDITOR, delivery.account_id):
                problems[_("Your role in its account does not allow to replay it.")] = None
                continue
            try:
                replay(delivery)
            except InvalidOption as error:
                problems[error.message] = None
                continue
            self.log_change(request, delivery, _("Replayed."))
            replayed += 1
        if replayed:
            told = ngettext(
                "%d delivery is sent once more.", "%d deliveries are sent once more.", replayed
            )
            self.message_user(request, told % replayed, messages.SUCCESS)
        for problem in problems:
            self.message_user(request, problem, messages.ERROR)

    @admin.display(description=gettext_lazy("written"), ordering="created_at")
    def when(self, delivery: Delivery) -> SafeString | str:
        return display.moment(delivery.created_at)

    @admin.display(description=gettext_lazy("to"), ordering="receiver")
    def to(self, delivery: Delivery) -> str:
        return str(delivery.webhook or delivery.receiver)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def status(self, delivery: Delivery) -> SafeString:
        state = DeliveryState(delivery.state)
        return display.badge(state.label, *_BADGES[state])

    @admin.display(description=gettext_lazy("last result"))
    def result(self, delivery: Delivery) -> str:
        parts = (str(delivery.last_status or ""), delivery.last_words)
        return " ".join(part for part in parts if part) or display.NOTHING

    @admin.display(description=gettext_lazy("next try"), ordering="next_try_at")
    def next_try(self, delivery: Delivery) -> SafeString | str:
        return display.moment(delivery.next_try_at)

    @admin.display(description=gettext_lazy("delivered or given up"))
    def done(self, delivery: Delivery) -> SafeString | str:
        return display.moment(delivery.done_at)

    @admin.display(description=gettext_lazy("call"))
    def call_link(self, delivery: Delivery) -> SafeString:
        address = reverse("admin:clicktocall_call_change", args=(delivery.call_id,))
        return format_html('<a href="{}">{}</a>', address, _("call"))

    @admin.display(description=gettext_lazy("address"))
    def address(self, delivery: Delivery) -> str:
        return delivery.address

    @admin.display(description=gettext_lazy("body"))
    def body_shown(self, delivery: Delivery) -> SafeString:
        text = bytes(delivery.body).decode()
        return format_html('<pre class="ctc-body" tabindex="0">{}</pre>', text)

    @admin.display(description=gettext_lazy("tries"))
    def log_shown(self, delivery: Delivery) -> SafeString | str:
        rows = [
            (display.moment(row.at), row.status or "", row.words, row.milliseconds)
            for row in delivery.log.all()
        ]
        if not rows:
            return display.NOTHING
        items = format_html_join("", "<li>{} – {} {} ({} ms)</li>", rows)
        return format_html('<ul class="ctc-list">{}</ul>', items)
