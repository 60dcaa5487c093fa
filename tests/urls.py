"""What a host project has: the admin, and the app under the usual prefix."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("clicktocall/", include("clicktocall.urls")),
]
