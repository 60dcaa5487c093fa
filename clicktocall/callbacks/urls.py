from django.urls import path

from clicktocall.callbacks.views import callback

urlpatterns = [path("<str:alias>/<str:secret>/", callback, name="callback")]
