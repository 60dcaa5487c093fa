"""Addresses of the demo site: shop, strictest page, admin, and the app where hosts mount it."""

from django.contrib import admin
from django.urls import include, path

from demo_site import views

urlpatterns = [
    path("", views.shop, name="shop"),
    path("strict-csp/", views.strict_csp, name="strict-csp"),
    path("admin/", admin.site.urls),
    path("clicktocall/", include("clicktocall.urls")),
]
