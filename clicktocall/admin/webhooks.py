"""Webhooks: made here, their secret shown once, replaced when it has to be."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from clicktocall.admin import display
from clicktocall.admin.explained import ExplainedAdmin
from clicktocall.admin.fields import ModelForm, TicksField
from clicktocall.admin.scope import ScopedAdmin, VisibleFilter
from clicktocall.calls.reports.subscribe import (
    check_webhook,
    rotate_webhook_secret,
    save_webhook,
)
from clicktocall.models import Role, Told, Webhook

SECRET_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class WebhookForm(ModelForm):
    events = TicksField(
        label=gettext_lazy("Told of"),
        choices=Told.choices,
        required=False,
        help_text=gettext_lazy("None ticked: everything."),
    )

    class Meta:
        model = Webhook
        fields = ("account", "url", "description", "events", "active")
        widgets = {"url": forms.TextInput(attrs={"class": "vLargeTextField"})}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            check_webhook(self.instance)
        except ValidationError as error:
            self.add_error(None, error)


@admin.register(Webhook)
class WebhookAdmin(ExplainedAdmin, ScopedAdmin):
    when_empty = gettext_lazy(
        "Addresses of your servers that are told of every call will stand here. Add one: its "
        "secret is shown once, directly after saving."
    )

    role_to_change = Role.MANAGER
    form = WebhookForm
    list_display = ("name", "account", "told_of", "status", "created")
    list_filter = ("active", ("account", VisibleFilter))
    list_select_related = ("account",)
    search_fields = ("url", "description")
    change_form_template = "admin/clicktocall/webhook/change_form.html"
    fields = ("account", "url", "description", "events", "active")
    shown_fields = ("status", "disabled_why", "created")

    def get_fields(self, request: HttpRequest, obj: Webhook | None = None) -> Any:
        return (*self.fields, *self.shown_fields) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Webhook | None = None) -> Any:
        return ("account", *self.shown_fields) if obj else ()

    @sensitive_variables("secret")
    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        secret = save_webhook(obj)
        if not change:
            # Only for this answer: the request is forgotten with it.
            request.__dict__["_clicktocall_new_secret"] = secret

    @sensitive_variables("secret")
    def response_add(
        self, request: HttpRequest, obj: Webhook, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The one page that shows the secret. It is answered directly, so nothing stores it."""
        secret = request.__dict__.pop("_clicktocall_new_secret")
        return self._shown_once(request, obj, secret, _("New webhook"))

    def get_urls(self) -> list[URLPattern]:
        rotate = path(
            "<path:object_id>/rotate/",
            self.admin_site.admin_view(self.rotate_view),
            name="clicktocall_webhook_rotate",
        )
        return [rotate, *super().get_urls()]

    @sensitive_variables("secret")
    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks, then replaces the secret and shows the new one."""
        webhook: Any = self.get_object(request, object_id)
        if webhook is None:
            raise Http404
        if not self.has_change_permission(request, webhook):
            raise PermissionDenied
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "title": _("Replace the secret?"),
                "opts": self.opts,
                "original": webhook,
                "media": self.media,
            }
            return TemplateResponse(request, "admin/clicktocall/webhook/rotate.html", context)
        secret = rotate_webhook_secret(webhook).secret
        self.log_change(request, webhook, _("Secret replaced."))
        self.message_user(
            request, _("The old secret signs beside the new one for 24 hours."), messages.SUCCESS
        )
        return self._shown_once(request, webhook, secret, _("New secret"))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        webhook = context.get("original")
        context["may_rotate"] = bool(webhook and self.has_change_permission(request, webhook))
        return super().render_change_form(request, context, *args, **kwargs)

    def _shown_once(
        self, request: HttpRequest, webhook: Webhook, secret: str, title: str
    ) -> TemplateResponse:
        return TemplateResponse(
            request,
            "admin/clicktocall/webhook/secret.html",
            {
                **self.admin_site.each_context(request),
                "title": title,
                "opts": self.opts,
                "original": webhook,
                "secret": secret,
                "media": self.media + forms.Media(js=("admin/clicktocall/copy.js",)),
            },
            headers=SECRET_HEADERS,
        )

    @admin.display(description=gettext_lazy("webhook"), ordering="description")
    def name(self, webhook: Webhook) -> str:
        return str(webhook)

    @admin.display(description=gettext_lazy("told of"))
    def told_of(self, webhook: Webhook) -> str:
        words = [str(Told(word).label) for word in webhook.events if word in Told.values]
        return ", ".join(words) or _("everything")

    @admin.display(description=gettext_lazy("state"), ordering="active")
    def status(self, webhook: Webhook) -> SafeString:
        if webhook.active:
            return display.badge(_("in force"), "good", "tick")
        return display.badge(_("switched off"), "bad", "octagon")

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created(self, webhook: Webhook) -> SafeString | str:
        return display.moment(webhook.created_at)
