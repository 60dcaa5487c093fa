"""Lists that say, while they are empty, what will appear in them and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from clicktocall.admin.scope import ModelAdmin

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

STYLES = {"all": ("admin/clicktocall/admin.css",)}
TIMES = "admin/clicktocall/times.js"


class ExplainedAdmin(ModelAdmin):
    """An admin with our style sheet, times in the viewer's zone and a helpful empty list."""

    when_empty: StrOrPromise = ""

    class Media:
        css = STYLES
        js = (TIMES,)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {**(extra_context or {}), "when_empty": self.when_empty}
        )
