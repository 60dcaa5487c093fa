"""The secret that reports to `notify_url`s are signed with, on the page of its account."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clicktocall.admin import display
from clicktocall.admin.scope import ModelAdmin
from clicktocall.calls.reports.secrets import account_secrets, rotate_account_secret
from clicktocall.models import Account, SigningSecret


class ReportSecret(ModelAdmin):
    """Shows it to those who may change the account, and lets them replace it."""

    change_form_template = "admin/clicktocall/account/change_form.html"

    def get_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        fields = super().get_fields(request, obj)
        may_see = obj is not None and self.has_change_permission(request, obj)
        return (*fields, "report_secret") if may_see else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "report_secret")

    def get_urls(self) -> list[URLPattern]:
        rotate = path(
            "<path:object_id>/rotate-report-secret/",
            self.admin_site.admin_view(self.rotate_report_secret),
            name="clicktocall_account_rotate_report_secret",
        )
        return [rotate, *super().get_urls()]

    def rotate_report_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks, then replaces the secret."""
        account: Any = self.get_object(request, object_id)
        if account is None:
            raise Http404
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "title": _("Replace the secret of reports?"),
                "opts": self.opts,
                "original": account,
                "media": self.media,
            }
            return TemplateResponse(request, "admin/clicktocall/webhook/rotate.html", context)
        rotate_account_secret(account)
        self.log_change(request, account, _("Secret of reports replaced."))
        self.message_user(
            request, _("The old secret signs beside the new one for 24 hours."), messages.SUCCESS
        )
        address = reverse("admin:clicktocall_account_change", args=(account.pk,))
        return HttpResponseRedirect(address)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = super().change_view(request, *args, **kwargs)
        answer["Cache-Control"] = "no-store"  # it shows a secret
        return answer

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account = context.get("original")
        context["may_rotate"] = bool(account and self.has_change_permission(request, account))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=gettext_lazy("secret of reports"))
    def report_secret(self, account: Account) -> SafeString:
        """Reports to the account's `notify_url`s are verified with it."""
        rows = ((row.secret, _until(row)) for row in account_secrets(account))
        return format_html_join("", "<p><code>{}</code> {}</p>", rows)


def _until(secret: SigningSecret) -> SafeString | str:
    if secret.retires_at is None:
        return ""
    return format_html(_("signs until {}"), display.moment(secret.retires_at))
