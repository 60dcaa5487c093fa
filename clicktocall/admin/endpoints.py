"""Endpoints: the button's settings, whom it may call, and what to paste into a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.db import connections, models, transaction
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clicktocall.accounts.access import accounts_of
from clicktocall.admin import display
from clicktocall.admin.endpoint_form import EndpointForm, WhitelistForm
from clicktocall.admin.endpoint_notices import notices_for
from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.admin.fields import zone_names
from clicktocall.admin.scope import ScopedAdmin, ScopedInline, VisibleFilter
from clicktocall.endpoints.audio import Heard, hearing_first
from clicktocall.endpoints.save import MOST_PATTERNS, save_endpoint
from clicktocall.endpoints.snippets import Snippets, snippets_for, telephone_of
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Endpoint, Refusal, RefusalCount, Role, WhitelistEntry
from clicktocall.numbers import region_name
from clicktocall.orders import ExtensionKind
from clicktocall.providers import provider_aliases

View = TypeVar("View", bound=Callable[..., Any])

WHO_MAY_BE_CALLED = "ctc-who-may-be-called"  # the fieldset that the whitelist belongs to
_OWNED_NUMBERS = {"caller_id_a": "for_leg_a", "caller_id_b": "for_leg_b", "bridge": "for_bridge"}


_HEARD = "_clicktocall_heard"  # of recorded messages, kept on the request


def _heard_by(request: HttpRequest) -> Heard | None:
    heard: Heard | None = request.__dict__.get(_HEARD)
    return heard


def _outside_transactions(view: View) -> View:
    """Out of the host's `ATOMIC_REQUESTS`: the view begins a transaction where it saves."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


class WhitelistInline(ScopedInline):
    model = WhitelistEntry
    form = WhitelistForm
    extra = 0
    max_num = MOST_PATTERNS
    verbose_name_plural = _("whitelist: patterns of numbers that may be called")


@admin.register(Endpoint)
class EndpointAdmin(ExplainedAdmin, ScopedAdmin):
    when_empty = _(
        "Each button you put on a page is an endpoint; yours will stand here. Add one: name it, "
        "say who rings and who may be called, and paste its snippet into your page."
    )

    form = EndpointForm
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    inlines = (WhitelistInline,)
    change_form_template = "admin/clicktocall/endpoint/change_form.html"
    list_display = ("name", "status", "account", "rings", "countries", "provider")
    list_filter = ("active", ("account", VisibleFilter), "provider")
    list_select_related = ("account",)
    search_fields = ("name", "id", "extension")
    search_help_text = _("Name, id or extension")
    actions = ("switch_on", "switch_off")

    class Media:
        js = ("admin/clicktocall/copy.js",)

    fieldsets = (
        (_("Button"), {"fields": ("account", "name", "active", "fallback_phone")}),
        (
            _("Who rings"),
            {"fields": (("extension_kind", "extension"), "dial_first", "timeout")},
        ),
        (
            _("Numbers shown"),
            {
                "fields": (
                    "caller_id_a",
                    "caller_id_b",
                    "anonymization",
                    "withhold_caller_id",
                    "bridge",
                )
            },
        ),
        (
            _("Who may be called"),
            {
                "classes": (WHO_MAY_BE_CALLED,),
                "fields": ("allowed_countries", "usual_country", "allow_any_number"),
            },
        ),
        (_("Where it may stand"), {"fields": ("allowed_origins",)}),
        (
            _("The conversation"),
            {
                "fields": (
                    "message_text",
                    ("message_language", "message_voice_name", "message_voice_gender"),
                    "message_audio_url",
                    "machine_detection",
                    ("max_duration", "warning_time"),
                    "record",
                )
            },
        ),
        (
            _("When"),
            {
                "fields": (
                    "opening_hours",
                    "validity_period",
                    ("retry_max_count", "retry_min_period", "retry_max_period"),
                    "delivery_time_window",
                )
            },
        ),
        (
            _("Consent and words"),
            {
                "fields": (
                    "consent_text",
                    "consent_version",
                    "privacy_url",
                    "visitor_fields",
                    "labels",
                )
            },
        ),
        (_("Look"), {"fields": ("theme",)}),
        (_("Provider"), {"fields": ("provider", "fallback_providers")}),
        (
            _("Advanced and SIP"),
            {
                "classes": ("collapse",),
                "fields": (
                    # One by one: a folded part opens for an error only in a line of its own.
                    "callee_id_name",
                    "callee_id_number",
                    "ringback",
                    "music_on_hold",
                    "ignore_early_media",
                    "bypass_media",
                    "presence_id",
                    "custom_sip_headers",
                    "custom_application_vars",
                    "parameters",
                    "callback_data",
                    "notify_url",
                    "notify_content_type",
                    "transfers",
                ),
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        # Calls, numbers and keys of the account hang on it: an endpoint never moves.
        return ("account",) if obj else ()

    def get_form(
        self, request: HttpRequest, obj: Endpoint | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.aliases = self._aliases(request, obj)
        form.heard = _heard_by(request)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        accounts = list(accounts_of(request.user, Role.EDITOR).values_list("pk", flat=True)[:2])
        if len(accounts) == 1:
            initial.setdefault("account", accounts[0])
        return initial

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        use = _OWNED_NUMBERS.get(db_field.name)
        if use and field:
            field.queryset = field.queryset.filter(**{use: True}).select_related("account")
            field.label_from_instance = _number_and_account
            account_id = self._account_of_page(request)
            if account_id:
                field.queryset = field.queryset.filter(account_id=account_id)
                field.label_from_instance = str
        return field

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        save_endpoint(obj, heard=_heard_by(request))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Django's, whose transaction does not wait for the server of a recorded message."""
        page = super().changeform_view

        def save(heard: Heard) -> Any:
            request.__dict__[_HEARD] = heard
            return page(request, object_id, form_url, extra_context)

        return hearing_first(save)

    @_outside_transactions
    def add_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().add_view(*args, **kwargs)

    @_outside_transactions
    def change_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().change_view(*args, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        listed, counts, lacking, protected = super().get_deleted_objects(objs, request)
        # An endpoint without calls takes what it refused along.
        refused = {Refusal._meta.verbose_name, RefusalCount._meta.verbose_name}
        return listed, counts, lacking - refused, protected

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        endpoint = context.get("original")
        if endpoint is not None:
            context |= {
                "notices": notices_for(endpoint),
                "has_calls": endpoint.calls.exists(),
                **_snippets(endpoint),
            }
        context["zones"] = zone_names()
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description=_("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        self._switch(request, queryset, active=True)

    @admin.action(description=_("Switch off: refuse every request"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        self._switch(request, queryset, active=False)

    def _switch(self, request: HttpRequest, endpoints: QuerySet[Endpoint], *, active: bool) -> None:
        changed = [
            endpoint
            for endpoint in endpoints
            if endpoint.active != active and self.has_change_permission(request, endpoint)
        ]
        for endpoint in changed:
            endpoint.active = active
            endpoint.save(update_fields=["active", "updated_at"])
            self.log_change(request, endpoint, [{"changed": {"fields": [str(_("active"))]}}])
        told = ngettext("%d endpoint was switched.", "%d endpoints were switched.", len(changed))
        self.message_user(request, told % len(changed), messages.SUCCESS)

    def _aliases(self, request: HttpRequest, obj: Endpoint | None) -> tuple[str, ...]:
        """What may be chosen: for a new endpoint, what any of the user's accounts may use."""
        user: Any = request.user
        if obj is not None:
            return tuple(provider_aliases(obj.account_id))
        if user.is_superuser:
            return tuple(provider_aliases())
        accounts = accounts_of(user, Role.EDITOR).values_list("pk", flat=True)
        return tuple(dict.fromkeys(alias for pk in accounts for alias in provider_aliases(pk)))

    def _account_of_page(self, request: HttpRequest) -> str | None:
        """The account of the endpoint whose page this is, or the only one a new one can have."""
        match = request.resolver_match
        object_id = match.kwargs.get("object_id") if match else None
        if object_id:
            pks = self.get_queryset(request).filter(pk=object_id).values_list("account", flat=True)
            return pks.first()
        accounts = list(accounts_of(request.user, Role.EDITOR).values_list("pk", flat=True)[:2])
        return accounts[0] if len(accounts) == 1 else None

    @admin.display(description=_("state"), ordering="active")
    def status(self, endpoint: Endpoint) -> SafeString:
        if endpoint.active:
            return display.badge(_("on"), "good", "tick")
        return display.badge(_("off"), "quiet", "cross")

    @admin.display(description=_("rings"), ordering="extension")
    def rings(self, endpoint: Endpoint) -> SafeString | str:
        if endpoint.extension_kind == ExtensionKind.NUMBER:
            return display.phone(endpoint.extension)
        kind = ExtensionKind(endpoint.extension_kind)
        if not endpoint.extension:
            return str(kind.label)
        return format_html("{} ({})", endpoint.extension, kind.label)

    @admin.display(description=_("countries"))
    def countries(self, endpoint: Endpoint) -> str:
        return ", ".join(map(str, endpoint.allowed_countries)) or display.NOTHING

    @admin.display(description=_("usual country"))
    def usual_country(self, endpoint: Endpoint) -> str:
        """For those who may only look: the form's own field is not there then."""
        usual = next(iter(endpoint.allowed_countries), "")
        return region_name(str(usual)) if usual else display.NOTHING


def _number_and_account(number: Any) -> str:
    return f"{number} – {number.account}"


def _snippets(endpoint: Endpoint) -> dict[str, Any]:
    try:
        snippets: Snippets | None = snippets_for(endpoint)
        why_not = ""
    except ConfigurationError as error:
        snippets, why_not = None, str(error)
    return {
        "snippets": snippets,
        "why_no_snippets": why_not,
        "without_telephone": not telephone_of(endpoint),
    }
