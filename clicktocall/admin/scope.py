"""Who sees and changes what: accounts and roles on top of Django's model permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest

from clicktocall.accounts.access import accounts_of
from clicktocall.models import Account, Endpoint, OwnedNumber, Role

# Django's own classes take type parameters only in its stubs.
if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline

# From a model that stands in a dropdown or a filter to the account it belongs to.
ACCOUNT_LOOKUPS: Mapping[type[Model], str] = {
    Account: "pk",
    Endpoint: "account",
    OwnedNumber: "account",
}


def visible(
    queryset: QuerySet[Any], request: HttpRequest, lookup: str, role: Role = Role.VIEWER
) -> QuerySet[Any]:
    """The rows whose account, found by `lookup`, the user belongs to with at least `role`."""
    user: Any = request.user
    if user.is_superuser:
        return queryset
    return queryset.filter(**{f"{lookup}__in": accounts_of(user, role)})


def may(request: HttpRequest, role: Role, account_id: str | None = None) -> bool:
    """Whether the user has at least `role` in this account, or in any when none is named.

    The roles are read once per request.
    """
    user: Any = request.user
    if user.is_superuser:
        return True
    known: dict[Role, frozenset[str]] = request.__dict__.setdefault("_clicktocall_roles", {})
    if role not in known:
        known[role] = frozenset(accounts_of(user, role).values_list("pk", flat=True))
    return account_id in known[role] if account_id is not None else bool(known[role])


class ScopedDropdowns:
    """Foreign keys offer only what belongs to accounts where the user may change things."""

    role_to_change: Role = Role.EDITOR

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        lookup = ACCOUNT_LOOKUPS.get(db_field.related_model)
        if lookup:
            rows = kwargs.get("queryset", db_field.related_model._default_manager.all())
            kwargs["queryset"] = visible(rows, request, lookup, self.role_to_change)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field and db_field.is_relation:
            # No way from here to other forms: what a dropdown offers is looked after elsewhere.
            for way in ("add", "change", "delete", "view"):
                setattr(field.widget, f"can_{way}_related", False)
        return field


class ScopedAdmin(ScopedDropdowns, ModelAdmin):
    """Shows the rows of the user's accounts; changing them takes `role_to_change` there.

    `account_lookup` leads from the model to its account. Objects of other accounts do not
    exist for the user: lists, pages, search, filters, autocomplete and actions start from
    `get_queryset`.
    """

    account_lookup = "account"

    def account_id_of(self, obj: Any) -> str:
        return str(obj.account_id)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(super().get_queryset(request), request, self.account_lookup)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and self._allowed(
            request, Role.VIEWER, obj
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._allowed(
            request, self.role_to_change, obj
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._allowed(
            request, self.role_to_change, obj
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and may(request, self.role_to_change)

    def _allowed(self, request: HttpRequest, role: Role, obj: Any) -> bool:
        # Without an object an empty list is the answer to a user without an account.
        if obj is None:
            return role == Role.VIEWER or may(request, role)
        return may(request, role, self.account_id_of(obj))


class ScopedInline(ScopedDropdowns, TabularInline):
    """Rows of a parent that belongs to an account; changing them takes `role_to_change` there."""

    def account_id_of_parent(self, parent: Any) -> str:
        return str(parent.account_id)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and self._allowed(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._allowed(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._allowed(request, obj)

    def _allowed(self, request: HttpRequest, parent: Any) -> bool:
        account_id = None if parent is None else self.account_id_of_parent(parent)
        return may(request, self.role_to_change, account_id)


class ReadOnlyAdmin(ScopedAdmin):
    """History and evidence: looked at, never changed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VisibleFilter(admin.RelatedFieldListFilter):
    """A filter that names only what the user may see."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Any:
        model: Any = field.remote_field.model
        rows = visible(model._default_manager.all(), request, ACCOUNT_LOOKUPS[model])
        return field.get_choices(
            include_blank=False,
            ordering=self.field_admin_ordering(field, request, model_admin),
            limit_choices_to={"pk__in": rows.values("pk")},
        )
