from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter

from clicktocall.embed.views import (
    CallsView,
    CallView,
    CancelView,
    ConfigView,
    NothingHereView,
    TokenView,
)
from clicktocall.rest import converters  # noqa: F401  (registers them)


class CallToken(StringConverter):
    regex = "[A-Za-z0-9_-]{43}"


register_converter(CallToken, "ctc_call_token")

urlpatterns = [
    path("<ctc_id:endpoint_id>/", ConfigView.as_view(), name="embed-config"),
    path("<ctc_id:endpoint_id>/token/", TokenView.as_view(), name="embed-token"),
    path("<ctc_id:endpoint_id>/calls/", CallsView.as_view(), name="embed-calls"),
    path("calls/<ctc_call_token:token>/", CallView.as_view(), name="embed-call"),
    path("calls/<ctc_call_token:token>/cancel/", CancelView.as_view(), name="embed-cancel"),
    re_path("", NothingHereView.as_view()),
]
