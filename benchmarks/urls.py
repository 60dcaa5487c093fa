from django.urls import include, path

from benchmarks.thin.views import ThinView

urlpatterns = [
    path("clicktocall/", include("clicktocall.urls")),
    path("thin/", ThinView.as_view()),
]
