from __future__ import annotations

from typing import Any

import requests
from django.core.management.base import BaseCommand, CommandError, CommandParser

from clicktocall.conf import public_url
from clicktocall.exceptions import ConfigurationError


class Command(BaseCommand):
    help = (
        "Says whether providers can reach this site: asks CLICKTOCALL['PUBLIC_URL'] for its health "
        "and exits non-zero when callbacks cannot arrive."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--timeout", type=float, default=5.0, help="seconds to wait (5)")

    def handle(self, *args: Any, timeout: float = 5.0, **options: Any) -> None:
        try:
            address = public_url("health/")
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        try:
            answer = requests.get(address, timeout=timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise CommandError(
                f"{address} does not answer ({type(error).__name__}): callbacks cannot arrive. "
                "Check PUBLIC_URL, the proxy and the firewall."
            ) from error
        if answer.status_code != 200 or "dispatcher_beat_seconds" not in answer.text:
            raise CommandError(
                f"{address} answers {answer.status_code}, which is not this app: callbacks cannot "
                "arrive. Check that PUBLIC_URL ends with the prefix the app is mounted under."
            )
        self.stdout.write(self.style.SUCCESS(f"{address} answers: callbacks can arrive."))
