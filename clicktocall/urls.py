"""Mount with `path("clicktocall/", include("clicktocall.urls"))`."""

from django.urls import include, path

app_name = "clicktocall"

urlpatterns = [
    path("api/v1/", include("clicktocall.api.urls")),
    path("embed/", include("clicktocall.embed.urls")),
    path("callbacks/", include("clicktocall.callbacks.urls")),
    path("recordings/", include("clicktocall.recordings.urls")),
    path("health/", include("clicktocall.health")),
]
