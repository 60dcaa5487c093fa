"""API keys: made here, shown once, revoked, never changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from clicktocall.accounts.keys import new_secret, revoke_key, seal
from clicktocall.admin import display
from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.admin.fields import ModelForm, TicksField
from clicktocall.admin.scope import ScopedAdmin, VisibleFilter
from clicktocall.models import ApiKey, Role, Scope


class ApiKeyForm(ModelForm):
    # The model says what is missing, so that every door says the same.
    scopes = TicksField(
        label=gettext_lazy("Scopes"),
        choices=Scope.choices,
        initial=[Scope.READ],
        required=False,
    )

    class Meta:
        model = ApiKey
        fields = ("account", "name", "scopes", "default_endpoint", "expires_at")

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at and expires_at <= timezone.now():
            raise forms.ValidationError(_("This time has passed; the key would never work."))
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(ExplainedAdmin, ScopedAdmin):
    when_empty = gettext_lazy(
        "Keys for servers that use the API will stand here. Add one: its secret is shown once, "
        "directly after saving."
    )

    role_to_change = Role.MANAGER
    form = ApiKeyForm
    list_display = ("name", "begins_with", "account", "scopes_shown", "status", "last_used")
    list_filter = (("account", VisibleFilter),)
    list_select_related = ("account",)
    search_fields = ("name", "prefix")
    change_form_template = "admin/clicktocall/apikey/change_form.html"

    add_fields = ("account", "name", "scopes", "default_endpoint", "expires_at")
    shown_fields = (
        "name",
        "account",
        "begins_with",
        "status",
        "scopes_shown",
        "default_endpoint",
        "created",
        "expires",
        "last_used",
    )

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return self.shown_fields if obj else self.add_fields

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Django's permission to change keys, and the role of a manager."""
        return super().has_change_permission(request, obj)

    @sensitive_variables("secret")
    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        secret = new_secret()
        seal(obj, secret)
        super().save_model(request, obj, form, change)
        # Only for this answer: the request is forgotten with it.
        request.__dict__["_clicktocall_new_secret"] = secret

    @sensitive_variables("secret")
    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The one page that shows the secret. It is answered directly, so nothing stores it."""
        secret = request.__dict__.pop("_clicktocall_new_secret")
        return TemplateResponse(
            request,
            "admin/clicktocall/apikey/created.html",
            {
                **self.admin_site.each_context(request),
                "title": _("New API key"),
                "opts": self.opts,
                "original": obj,
                "secret": secret,
                "media": self.media + forms.Media(js=("admin/clicktocall/copy.js",)),
            },
            headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
        )

    def get_urls(self) -> list[URLPattern]:
        revoke = path(
            "<path:object_id>/revoke/",
            self.admin_site.admin_view(self.revoke_view),
            name="clicktocall_apikey_revoke",
        )
        return [revoke, *super().get_urls()]

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks, then revokes the key."""
        key: Any = self.get_object(request, object_id)
        if key is None:
            raise Http404
        if not self.has_revoke_permission(request, key):
            raise PermissionDenied
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "title": _("Revoke this key?"),
                "opts": self.opts,
                "original": key,
                "media": self.media,
            }
            return TemplateResponse(request, "admin/clicktocall/apikey/revoke.html", context)
        self._revoke(request, key)
        self.message_user(request, _("The key “%s” is revoked.") % key, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:clicktocall_apikey_change", args=(key.pk,)))

    def _revoke(self, request: HttpRequest, key: ApiKey) -> None:
        if key.revoked_at is None:
            revoke_key(key)
            self.log_change(request, key, _("Revoked."))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        key = context.get("original")
        context["may_revoke"] = bool(
            key and key.revoked_at is None and self.has_revoke_permission(request, key)
        )
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=gettext_lazy("begins with"))
    def begins_with(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @admin.display(description=gettext_lazy("scopes"))
    def scopes_shown(self, key: ApiKey) -> str:
        return ", ".join(
            str(Scope(scope).label) if scope in Scope.values else str(scope) for scope in key.scopes
        )

    @admin.display(description=gettext_lazy("state"))
    def status(self, key: ApiKey) -> SafeString:
        if key.revoked_at:
            return display.badge(_("revoked"), "bad", "octagon")
        if key.expires_at and key.expires_at <= timezone.now():
            return display.badge(_("expired"), "quiet", "hourglass")
        return display.badge(_("in force"), "good", "tick")

    @admin.display(description=gettext_lazy("created"))
    def created(self, key: ApiKey) -> SafeString | str:
        return display.moment(key.created_at)

    @admin.display(description=gettext_lazy("expires"))
    def expires(self, key: ApiKey) -> SafeString | str:
        return display.moment(key.expires_at)

    @admin.display(description=gettext_lazy("last used"), ordering="last_used_at")
    def last_used(self, key: ApiKey) -> SafeString | str:
        return display.moment(key.last_used_at)
