from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from demo_site.info import demo_info


class Command(BaseCommand):
    help = "Prints the addresses and buttons of the demo, and the numbers that choose a story."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs instead of people")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            info = demo_info()
        except DatabaseError as error:
            raise CommandError("The demo has no data yet; start it with `make run`.") from error
        if options["json"]:
            self.stdout.write(json.dumps(info, indent=2))
        else:
            self.stdout.write("\n".join(_readable(info)))


def _readable(info: dict[str, Any]) -> Iterator[str]:
    yield f"Address   {info['base_url']}"
    yield f"Admin     {info['admin_url']}"
    yield f"Widget    {info['widget_url']}"
    yield f"Account   {info['account_id']}"
    yield f"Provider  {info['provider']}"
    yield f"Numbers to show   {', '.join(info['caller_ids'])}"
    yield ""
    yield "Buttons"
    for endpoint in info["endpoints"]:
        yield f"  {endpoint['id']}  {endpoint['name']}  ({endpoint['origin']})"
    yield ""
    yield "Numbers that choose a story"
    for story, contact in info["numbers"].items():
        yield f"  {story:<12} {contact}"
