from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ClicktocallConfig(AppConfig):
    name = "clicktocall"
    verbose_name = _("Click to call")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from clicktocall import checks  # noqa: F401  (registers the system checks)
