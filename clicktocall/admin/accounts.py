"""Accounts with their members and the numbers they own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.admin.fields import ModelForm, TicksField
from clicktocall.admin.report_secret import ReportSecret
from clicktocall.admin.scope import ScopedAdmin, ScopedInline
from clicktocall.exceptions import InvalidNumber
from clicktocall.models import Account, ApiKey, Membership, OwnedNumber, Role
from clicktocall.numbers import LONGEST_SPELLING, parse_number
from clicktocall.providers import provider_aliases


class UserField(forms.CharField):
    """A user by name, typed: a list of users would show people of other accounts."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int) or (value and not isinstance(value, str)):
            user = get_user_model()._default_manager.filter(pk=value).first()
            return user.get_username() if user else ""
        return value

    def clean(self, value: Any) -> Any:
        name = super().clean(value)
        users = get_user_model()
        try:
            return users._default_manager.get_by_natural_key(name)
        except users.DoesNotExist:
            raise ValidationError(_("There is no user with this name.")) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class MembershipForm(ModelForm):
    user = UserField(label=gettext_lazy("user name"), max_length=254)

    class Meta:
        model = Membership
        fields = ("user", "role")


class OwnedNumberForm(ModelForm):
    # Longer than the column, and put right here: no spelling of a number is cut off.
    number = forms.CharField(
        label=OwnedNumber._meta.get_field("number").verbose_name,
        max_length=LONGEST_SPELLING,
        widget=forms.TextInput(attrs={"size": 18}),
        help_text=OwnedNumber._meta.get_field("number").help_text,
    )
    provider_aliases = TicksField(
        label=gettext_lazy("providers"),
        required=False,
        help_text=gettext_lazy("Those that may use it; none means all of them."),
    )

    class Meta:
        model = OwnedNumber
        fields = (
            "number",
            "label",
            "for_leg_a",
            "for_leg_b",
            "for_bridge",
            "provider_aliases",
        )
        widgets = {
            "label": forms.TextInput(attrs={"size": 18}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [*provider_aliases(self.instance.account_id)]
        stored = [alias for alias in self.instance.provider_aliases if alias not in known]
        offered: Any = self.fields["provider_aliases"]
        offered.offer((*known, *stored))

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"]
        try:
            return parse_number(number).e164
        except InvalidNumber:  # a sender id, or the model says what is wrong
            return number


class OfThisAccount(ScopedInline):
    role_to_change = Role.MANAGER
    extra = 0

    def account_id_of_parent(self, parent: Account) -> str:
        return parent.pk


class MembershipInline(OfThisAccount):
    model = Membership
    form = MembershipForm


class OwnedNumberInline(OfThisAccount):
    model = OwnedNumber
    form = OwnedNumberForm
    verbose_name_plural = gettext_lazy("owned numbers: what callers may be shown")


@admin.register(Account)
class AccountAdmin(ReportSecret, ExplainedAdmin, ScopedAdmin):
    """Only superusers open and close accounts; managers look after theirs."""

    when_empty = gettext_lazy(
        "The accounts you are a member of will stand here. A manager of an account, or an "
        "administrator of the site, adds you."
    )

    account_lookup = "pk"
    role_to_change = Role.MANAGER
    list_display = ("name", "id")
    search_fields = ("name", "id")
    readonly_fields = ("id", "created_at")
    fields = ("name", "id", "created_at")
    inlines = (MembershipInline, OwnedNumberInline)

    def account_id_of(self, obj: Account) -> str:
        return obj.pk

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and _is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_superuser(request)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        listed, counts, lacking, protected = super().get_deleted_objects(objs, request)
        # Keys are revoked, never deleted, except with their account.
        return listed, counts, lacking - {ApiKey._meta.verbose_name}, protected


def _is_superuser(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.is_superuser)
