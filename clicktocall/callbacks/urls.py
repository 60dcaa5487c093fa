from django.urls import path

from clicktocall.callbacks.views import callback, nothing_here

urlpatterns = [
    path("<str:alias>/<str:secret>/", callback, name="callback"),
    # An address that is almost right holds the secret too, so it is answered, and logged, by us.
    path("<path:rest>", nothing_here),
]
