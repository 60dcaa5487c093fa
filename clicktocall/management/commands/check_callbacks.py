from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clicktocall.conf import public_url
from clicktocall.providers.reachability import callback_problem, is_reported_to


class Command(BaseCommand):
    help = (
        "Says whether providers can reach this site: asks CLICKTOCALL['PUBLIC_URL'] for its health "
        "and exits non-zero when callbacks cannot arrive."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--timeout", type=float, default=5.0, help="seconds to wait (5)")

    def handle(self, *args: Any, timeout: float = 5.0, **options: Any) -> None:
        if not is_reported_to():
            self.stdout.write("No provider reports by itself: their reports are fetched.")
            return
        problem = callback_problem(timeout)
        if problem:
            raise CommandError(problem)
        self.stdout.write(self.style.SUCCESS(f"{public_url('health/')} answers as it should."))
