"""`schema/` and `docs/`: the contract, for programs and for people. Open to everybody."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import HttpHeaders
from django.templatetags.static import static
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from clicktocall.api.contract.described import TITLE
from clicktocall.api.contract.document import as_json, as_yaml
from clicktocall.api.errors import error_answer
from clicktocall.rest.etags import answer_or_not_modified
from clicktocall.rest.views import JSONView, PlainRenderer

SIDECAR = "drf_spectacular_sidecar"


class _Writer(BaseRenderer):
    """Sends the text of the document as it is, and an error as JSON."""

    charset = "utf-8"

    def render(self, data: Any, media_type: Any = None, context: Any = None) -> Any:
        if isinstance(data, str):
            return data.encode()
        return PlainRenderer().render(data, PlainRenderer.media_type, context)


class _Json(_Writer):
    media_type = "application/json"
    format = "json"
    charset = None  # type: ignore[assignment]


class _OpenApiJson(_Json):
    media_type = "application/vnd.oai.openapi+json"


class _Yaml(_Writer):
    media_type = "application/yaml"  # RFC 9512
    format = "yaml"


class _OpenApiYaml(_Yaml):
    media_type = "application/vnd.oai.openapi"


class _ByParameterOrHeader(DefaultContentNegotiation):
    """`?format=` as everywhere, though the host's REST framework may call it otherwise."""

    class settings:  # noqa: N801 (the name the framework reads)
        URL_FORMAT_OVERRIDE = "format"


class SchemaView(JSONView):
    """The OpenAPI document, with the address that this API is really mounted at."""

    schema = None
    renderer_classes = (_Json, _Yaml, _OpenApiJson, _OpenApiYaml)
    content_negotiation_class = _ByParameterOrHeader

    def get(self, request: Request) -> Response:
        server = request.build_absolute_uri(request.path).removesuffix("/schema/")
        write = as_yaml if request.accepted_renderer.format == "yaml" else as_json
        answer = answer_or_not_modified(request, write(server))
        answer["Cache-Control"] = "no-cache"  # keep it, and ask whether it is still so
        return answer

    def get_exception_handler(self) -> Any:
        return error_answer


@method_decorator((login_not_required, transaction.non_atomic_requests), name="dispatch")
class DocsView(TemplateView):
    """The contract as a page; everything it loads comes from this site."""

    http_method_names = ["get", "head", "options"]

    def get_template_names(self) -> list[str]:
        name = "api_docs" if apps.is_installed(SIDECAR) else "api_docs_plain"
        return [f"clicktocall/{name}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            title=TITLE,
            swagger=f"{SIDECAR}/swagger-ui-dist",
            csrf_header=HttpHeaders.parse_header_name(settings.CSRF_HEADER_NAME),
            **kwargs,
        )

    def render_to_response(self, context: Any, **kwargs: Any) -> HttpResponse:
        answer = super().render_to_response(context, **kwargs)
        answer["Content-Security-Policy"] = policy(self.request)
        answer["Cache-Control"] = "no-store"  # it holds the visitor's own CSRF token
        return answer


def policy(request: HttpRequest) -> str:
    """What the page may load: its own files, wherever the site serves them from."""
    files = static("clicktocall/")
    origin = "/".join(files.split("/")[:3]) if "//" in files else ""
    own = f"'self' {origin}".strip()
    return (
        f"default-src 'none'; script-src {own}; style-src {own}; img-src {own} data:; "
        f"font-src {own}; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
