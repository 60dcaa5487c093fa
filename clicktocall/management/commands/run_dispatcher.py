from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clicktocall.calls.dispatch import CallDispatcher
from clicktocall.calls.reports.deliver import delivering
from clicktocall.exceptions import ConfigurationError
from clicktocall.providers import provider_aliases
from clicktocall.providers.reachability import callback_problem

logger = logging.getLogger(__name__)

_TIME_FOR_THE_WEB_SERVER = 10.0  # seconds: it may be starting at the same moment


class Command(BaseCommand):
    help = (
        "Places queued calls and delivers reports until it is stopped (SIGTERM or Ctrl-C finish "
        "what is under way). Run one or more, on any machine; no call is placed twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--provider",
            action="append",
            dest="aliases",
            metavar="ALIAS",
            help="place only for this provider (may be repeated); default: every one configured",
        )

    def handle(self, *args: Any, aliases: list[str] | None = None, **options: Any) -> None:
        known = provider_aliases()
        for alias in aliases or []:
            if alias not in known:
                raise CommandError(
                    f"There is no provider {alias!r}; configured are: {', '.join(known) or 'none'}."
                )
        try:
            dispatcher = CallDispatcher(aliases)
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: dispatcher.stop())
        self.stdout.write(f"Dispatcher {dispatcher.name} is placing calls.")
        self._warn_when_callbacks_cannot_arrive()
        with delivering():
            dispatcher.run()
        self.stdout.write("Dispatcher stopped; nothing is left half done.")

    def _warn_when_callbacks_cannot_arrive(self) -> None:
        def look() -> None:
            problem = callback_problem()
            if problem:
                logger.warning(problem)

        timer = threading.Timer(_TIME_FOR_THE_WEB_SERVER, look)
        timer.daemon = True
        timer.start()
