"""The history of calls: a list to search, and each call leg by leg."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clicktocall.admin import display
from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.admin.held import held_for
from clicktocall.admin.scope import ReadOnlyAdmin, VisibleFilter, visible
from clicktocall.admin.timeline import Picture, picture_of
from clicktocall.calls.watching import legs_as_told
from clicktocall.history.search import regions_of, search_calls
from clicktocall.history.timeline import timeline_of
from clicktocall.models import Attempt, Call, CallbackReceipt, CallEvent, Endpoint
from clicktocall.numbers import group
from clicktocall.orders import CallOptions, DialFirst, ExtensionKind
from clicktocall.states import Leg, Outcome


@admin.register(Call)
class CallAdmin(ExplainedAdmin, ReadOnlyAdmin):
    when_empty = gettext_lazy(
        "Every call that a visitor or a server asks for will stand here, from the moment it is "
        "requested. Put a button on a page and press it, or place a call through the API. "
        "Requests that a rule refused are kept under “Refused requests”."
    )

    list_display = ("asked", "status", "legs", "talked", "button")
    list_filter = ("outcome", "state", ("endpoint", VisibleFilter), ("account", VisibleFilter))
    list_select_related = ("endpoint", "account")
    list_per_page = 50
    date_hierarchy = "created_at"
    search_fields = ("contact",)  # shows the box; `history.search` decides what it finds
    search_help_text = gettext_lazy("Number in any spelling, reference, name or e-mail")
    show_full_result_count = False

    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("status", "in_their_words"),
                    ("contact_number", "extension_shown"),
                    ("endpoint", "account"),
                    ("when", "due"),
                    ("joined", "ended"),
                    ("talked", "cost"),
                    "recording",
                    "answers_shown",
                )
            },
        ),
        (
            gettext_lazy("The visitor"),
            {
                "fields": (
                    ("visitor_name", "visitor_email"),
                    "visitor_question",
                    ("page", "origin"),
                    "context_shown",
                    ("consent_version", "consent_text"),
                )
            },
        ),
        (
            gettext_lazy("How it came in"),
            {"fields": (("door", "requester"), ("id", "client_reference"), "bulk_shown")},
        ),
        (
            gettext_lazy("Options it was placed with"),
            {"classes": ("collapse",), "fields": ("provider", "caller_id_name", "options_shown")},
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        endpoints = visible(Endpoint.objects.all(), request, "account")
        return search_calls(queryset, search_term, regions_of(endpoints)), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {**(extra_context or {}), "notices": held_for(request)}
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        call = self.get_object(request, object_id)
        told = _told(call, receipts=self._may_see_receipts(request)) if call else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **told})

    def _may_see_receipts(self, request: HttpRequest) -> bool:
        receipts = self.admin_site._registry.get(CallbackReceipt)
        return receipts is not None and receipts.has_view_permission(request)

    @admin.display(description=gettext_lazy("requested"), ordering="created_at")
    def asked(self, call: Call) -> SafeString:
        return display.two_lines(self.contact_number(call), self.when(call))

    @admin.display(description=gettext_lazy("requested"), ordering="created_at")
    def when(self, call: Call) -> SafeString | str:
        return display.moment(call.created_at)

    @admin.display(description=gettext_lazy("contact"), ordering="contact")
    def contact_number(self, call: Call) -> SafeString | str:
        return display.phone(call.contact)

    @admin.display(description=gettext_lazy("outcome"), ordering="outcome")
    def status(self, call: Call) -> SafeString | str:
        shown = display.outcome_badge(call)
        if not (call.outcome and call.outcome_leg):
            return shown
        return display.two_lines(shown, _ended_by(call, Leg(call.outcome_leg)))

    @admin.display(description=gettext_lazy("endpoint"), ordering="endpoint__name")
    def button(self, call: Call) -> SafeString:
        return display.two_lines(call.endpoint, call.account)

    @admin.display(description=gettext_lazy("legs"))
    def legs(self, call: Call) -> SafeString:
        sides = sides_of(call)
        return format_html_join(
            "",
            '<div class="ctc-leg-line"><abbr title="{}">{}</abbr> {}</div>',
            (
                (sides[leg], leg.value.upper(), display.leg_badge(state, over=call.is_over))
                for leg, state in _legs_of(call)
                if state is not None
            ),
        )

    @admin.display(description=gettext_lazy("talked"), ordering="talk_seconds")
    def talked(self, call: Call) -> str:
        return display.seconds(call.talk_seconds)

    @admin.display(description=gettext_lazy("reason given"))
    def in_their_words(self, call: Call) -> str:
        return call.outcome_words or display.NOTHING

    @admin.display(description=gettext_lazy("our side"))
    def extension_shown(self, call: Call) -> SafeString | str:
        kind = ExtensionKind(call.extension_kind)
        if not call.extension:
            return str(kind.label)
        return format_html("{} – {}", display.phone(call.extension), kind.label)

    @admin.display(description=gettext_lazy("due"))
    def due(self, call: Call) -> SafeString | str:
        return display.moment(call.due_at)

    @admin.display(description=gettext_lazy("joined"))
    def joined(self, call: Call) -> SafeString | str:
        return display.moment(call.joined_at)

    @admin.display(description=gettext_lazy("ended"))
    def ended(self, call: Call) -> SafeString | str:
        return display.moment(call.ended_at)

    @admin.display(description=gettext_lazy("price"))
    def cost(self, call: Call) -> str:
        if call.price is None:
            return display.NOTHING
        return f"{call.price.normalize():f} {call.currency}".strip()

    @admin.display(description=gettext_lazy("recording"))
    def recording(self, call: Call) -> SafeString | str:
        if not call.recording_url:
            return display.NOTHING
        address = reverse("clicktocall:api-call-recording", args=(call.pk,))
        return format_html('<a href="{}">{}</a>', address, _("Listen"))

    @admin.display(description=gettext_lazy("keyed or said"))
    def answers_shown(self, call: Call) -> SafeString | str:
        return _pairs(sorted(call.answers.items())) if call.answers else display.NOTHING

    @admin.display(description=gettext_lazy("context"))
    def context_shown(self, call: Call) -> SafeString | str:
        return _pairs(call.context.items()) if call.context else display.NOTHING

    @admin.display(description=gettext_lazy("bulk"))
    def bulk_shown(self, call: Call) -> str:
        return str(call.bulk) if call.bulk else display.NOTHING

    @admin.display(description=gettext_lazy("options"))
    def options_shown(self, call: Call) -> SafeString:
        usual = CallOptions().to_json()
        chosen = {name: value for name, value in call.options.items() if value != usual.get(name)}
        rest = [option_label(name) for name in call.options if name not in chosen]
        return format_html(
            '{}<p class="ctc-quiet">{}</p>',
            _pairs((option_label(name), value) for name, value in chosen.items()),
            _("Left as usual: %(options)s.") % {"options": ", ".join(rest)} if rest else "",
        )


def sides_of(call: Call) -> dict[Leg, str]:
    """Who is on which leg."""
    team, visitor = _("our team"), _("visitor")
    if call.one_leg or call.dial_first == DialFirst.CONTACT:
        return {Leg.A: visitor, Leg.B: team}
    return {Leg.A: team, Leg.B: visitor}


def _ended_by(call: Call, leg: Leg) -> str:
    """The side that the outcome speaks of; who hung up, where that is what ended the call."""
    side = sides_of(call)[leg]
    if call.outcome in (Outcome.COMPLETED, Outcome.CANCELED):
        return _("%(side)s hung up") % {"side": side}
    return side


def option_label(name: str) -> str:
    try:
        return str(Endpoint._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    except FieldDoesNotExist:  # an option of an earlier version
        return name


def _pairs(pairs: Iterable[tuple[Any, Any]]) -> SafeString:
    rows = format_html_join("", "<dt>{}</dt><dd>{}</dd>", pairs)
    return format_html('<dl class="ctc-pairs">{}</dl>', rows)


def _told(call: Call, *, receipts: bool) -> dict[str, Any]:
    """What the page of a call shows besides its fields."""
    sides = sides_of(call)
    legs = [Leg.A] if call.one_leg else [Leg.A, Leg.B]
    attempts = list(call.attempts.order_by("number"))
    events = call.events.select_related("attempt").order_by("occurred_at", "id")
    return {
        "subtitle": group(str(call.contact.as_e164)),
        "call_sides": [(leg.value.upper(), sides[leg]) for leg in legs],
        "call_attempts": [_attempt_row(attempt, sides, legs) for attempt in attempts],
        "call_events": [_event_row(event, sides, receipts) for event in events],
    }


def _attempt_row(attempt: Attempt, sides: dict[Leg, str], legs: list[Leg]) -> dict[str, Any]:
    return {
        "attempt": attempt,
        "picture": _picture(attempt, sides),
        "status": display.outcome_badge(attempt),
        "began": display.moment(attempt.created_at),
        "legs": [
            display.leg_badge(state, over=attempt.is_over)
            for leg, state in _legs_of(attempt)
            if leg in legs
        ],
        "talked": display.seconds(attempt.talk_seconds),
    }


def _legs_of(row: Any) -> list[tuple[Leg, str | None]]:
    """The state of each leg of a call or an attempt, as far as anybody can know it."""
    return [(Leg(leg), state) for leg, state in legs_as_told(row).items()]


def _picture(attempt: Attempt, sides: dict[Leg, str]) -> Picture:
    return picture_of(
        timeline_of(attempt, timezone.now()),
        id=f"ctc-attempt-{attempt.number}",
        title=_("Attempt %(number)s by %(provider)s")
        % {"number": attempt.number, "provider": attempt.provider},
        sides=sides,
    )


def _event_row(event: CallEvent, sides: dict[Leg, str], receipts: bool) -> dict[str, Any]:
    receipt = ""
    if receipts and event.receipt_id:
        receipt = reverse("admin:clicktocall_callbackreceipt_change", args=(event.receipt_id,))
    return {
        "event": event,
        "when": display.moment(event.occurred_at),
        "side": sides[Leg(event.leg)] if event.leg else "",
        "detail": event.get_outcome_display() or event.get_leg_state_display() or "",
        "answers": _pairs(sorted(event.answers.items())) if event.answers else "",
        "receipt": receipt,
    }
