"""`api/v1/`: the API, and its contract beside it."""

from django.urls import path, re_path

from clicktocall.api.routes import routes
from clicktocall.api.views.base import NothingHereView
from clicktocall.api.views.contract import DocsView, SchemaView

urlpatterns = [
    *routes,
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    re_path("", NothingHereView.as_view()),
]
