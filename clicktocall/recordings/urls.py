from django.urls import path

from clicktocall.recordings.views import recording

urlpatterns = [
    path("<str:token>/", recording, name="recording"),
]
