from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from demo_site.data import ADMIN, WrongApiKey, create_demo


class Command(BaseCommand):
    help = (
        "Creates the demo's account, numbers, buttons, operator and API key where missing. "
        "DEMO_ADMIN_PASSWORD and DEMO_API_KEY are honoured; what is made up is printed once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        environ = os.environ
        try:
            created = create_demo(
                environ.get("DEMO_ADMIN_PASSWORD", ""), environ.get("DEMO_API_KEY", "")
            )
        except WrongApiKey as error:
            raise CommandError(f"DEMO_API_KEY: {error}") from error
        if created.password:
            self.stdout.write(f"Password of {ADMIN} (shown once): {created.password}")
        if created.api_key:
            self.stdout.write(f"API key (shown once): {created.api_key}")
