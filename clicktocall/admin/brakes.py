"""Stopping calls and letting them be placed again; providers that are left alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clicktocall.accounts.access import accounts_of
from clicktocall.admin import display
from clicktocall.admin.endpoint_form import provider_label
from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.admin.fields import ModelForm
from clicktocall.admin.held import aliases_known_to
from clicktocall.admin.scope import ScopedAdmin
from clicktocall.calls.brakes import resume_calls, stop_calls
from clicktocall.models import Brake, BrakeScope, Circuit, Role
from clicktocall.providers import provider_aliases


class BrakeForm(ModelForm):
    provider = forms.ChoiceField(label=gettext_lazy("provider"), required=False)

    class Meta:
        model = Brake
        fields = ("scope", "account", "provider", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "provider" in self.fields:
            offered: Any = self.fields["provider"]
            labels = [(alias, provider_label(alias)) for alias in provider_aliases()]
            offered.choices = [("", "---------"), *labels]

    def clean(self) -> dict[str, Any]:
        """Nobody who means one account stops the whole site."""
        told: dict[str, Any] = {"scope": BrakeScope.ACCOUNT, "provider": "", **self.cleaned_data}
        for scope in (BrakeScope.ACCOUNT, BrakeScope.PROVIDER):
            if scope in self.errors or "scope" in self.errors:
                continue
            named, wanted = bool(told.get(scope)), told["scope"] == scope
            if wanted and not named:
                self.add_error(scope.value, _("Choose what is to stop."))
            if named and not wanted:
                self.add_error(scope.value, _("Leave this empty, or stop only this one."))
        if not self.errors:
            self._refuse_a_second(told)
        self.instance.scope = told["scope"]
        return told

    def _refuse_a_second(self, told: dict[str, Any]) -> None:
        pulled = Brake.objects.filter(
            scope=told["scope"], account=told.get("account"), provider=told["provider"]
        )
        if pulled.exists():
            raise ValidationError(_("These calls are stopped already."))


@admin.register(Brake)
class BrakeAdmin(ExplainedAdmin, ScopedAdmin):
    """Managers stop and resume the calls of their accounts, superusers all of them."""

    when_empty = gettext_lazy(
        "Nothing is stopped. If calls must not be placed any more, add a brake: from the next "
        "request on they are refused, and what waits in the queue is not dialled until you "
        "remove it."
    )

    role_to_change = Role.MANAGER
    form = BrakeForm
    change_form_template = "admin/clicktocall/brake/change_form.html"
    delete_confirmation_template = "admin/clicktocall/brake/resume.html"
    list_display = ("stops", "since", "pulled_by", "reason")
    list_display_links = ("stops",)
    list_select_related = ("account",)
    shown_fields = ("stops", "since", "pulled_by", "reason")

    def account_id_of(self, obj: Brake) -> str:
        return obj.account_id or ""  # no account: nobody but a superuser has a role there

    def get_fields(self, request: HttpRequest, obj: Brake | None = None) -> tuple[str, ...]:
        if obj:
            return self.shown_fields
        user: Any = request.user
        only_theirs = ("account", "reason")
        return ("scope", "account", "provider", "reason") if user.is_superuser else only_theirs

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        user: Any = request.user
        accounts = list(accounts_of(user, Role.MANAGER).values_list("pk", flat=True)[:2])
        if len(accounts) == 1 and not user.is_superuser:  # who may mean the whole site
            initial.setdefault("account", accounts[0])
        return initial

    def get_readonly_fields(
        self, request: HttpRequest, obj: Brake | None = None
    ) -> tuple[str, ...]:
        return self.shown_fields if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Brake | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Brake, form: Any, change: bool) -> None:
        brake = stop_calls(
            account=obj.account, provider=obj.provider, reason=obj.reason, by=_name_of(request)
        )
        obj.pk, obj._state.adding = brake.pk, False

    def delete_model(self, request: HttpRequest, obj: Brake) -> None:
        resume_calls(account=obj.account, provider=obj.provider, by=_name_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Brake]) -> None:
        for brake in queryset:
            self.delete_model(request, brake)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return super().add_view(
            request, form_url, {"title": _("Stop calls"), **(extra_context or {})}
        )

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().delete_view(
            request, object_id, {"title": _("Place calls again?"), **(extra_context or {})}
        )

    @admin.display(description=gettext_lazy("stops"), ordering="scope")
    def stops(self, brake: Brake) -> str:
        return str(brake)

    @admin.display(description=gettext_lazy("since"), ordering="pulled_at")
    def since(self, brake: Brake) -> SafeString | str:
        return display.moment(brake.pulled_at)


def _name_of(request: HttpRequest) -> str:
    user: Any = request.user
    return str(user.get_username())


@admin.register(Circuit)
class CircuitAdmin(ExplainedAdmin):
    """Belongs to no account: whoever may view it sees the providers that they may use."""

    when_empty = gettext_lazy(
        "Every provider answers. One that fails again and again will stand here; it is left alone "
        "for a while, and then one call is tried."
    )

    list_display = ("provider", "status", "failures", "until", "words")
    fields = ("provider", "status", "failures", "until", "words")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        user: Any = request.user
        known = Q() if user.is_superuser else Q(provider__in=aliases_known_to(user))
        return super().get_queryset(request).filter(known)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Circuit | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Circuit | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("state"))
    def status(self, circuit: Circuit) -> SafeString:
        if circuit.open_until is None:
            return display.badge(_("asked all the same"), "missed", "square")
        if circuit.open_until > timezone.now():
            return display.badge(_("left alone"), "bad", "octagon")
        return display.badge(_("one call is tried"), "unsure", "question")

    @admin.display(description=gettext_lazy("until"), ordering="open_until")
    def until(self, circuit: Circuit) -> SafeString | str:
        return display.moment(circuit.open_until)
