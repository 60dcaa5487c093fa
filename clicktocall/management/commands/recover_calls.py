from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from clicktocall.calls.recover import recover


class Command(BaseCommand):
    help = (
        "Brings forgotten calls further, once: claims of dispatchers that died, calls whose "
        "provider never reported the end, reports that came too early. Every dispatcher does the "
        "same every few seconds; nothing is dialled by it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        total = 0
        while found := recover():
            total += found
            self.stdout.write(f"{total} brought further …")
        self.stdout.write(self.style.SUCCESS(f"{total} calls and reports were brought further."))
