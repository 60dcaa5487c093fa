from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clicktocall.calls.brakes import resume_calls, stop_calls
from clicktocall.models import Account, Brake
from clicktocall.providers import provider_aliases


class Command(BaseCommand):
    help = (
        "Stops calls at once: new requests are refused and what waits in the queue is not dialled, "
        "until `stop_calls --resume` with the same options. Calls that have been handed to a "
        "provider go on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--account", metavar="ID", help="only the calls of this account")
        scope.add_argument(
            "--provider", metavar="ALIAS", default="", help="only calls through this provider"
        )
        parser.add_argument("--reason", default="", help="for those who ask why")
        does = parser.add_mutually_exclusive_group()
        does.add_argument("--resume", action="store_true", help="let calls be placed again")
        does.add_argument("--list", action="store_true", help="show what is stopped, and why")

    def handle(
        self,
        *args: Any,
        account: str | None = None,
        provider: str = "",
        reason: str = "",
        resume: bool = False,
        list: bool = False,  # noqa: A002 - the option's name
        **options: Any,
    ) -> None:
        if list:
            self._list()
            return
        whose = self._account(account) if account else None
        if resume:
            if not resume_calls(account=whose, provider=provider, by="command"):
                raise CommandError(f"Nothing of the kind is stopped. {self._stopped()}")
            self.stdout.write(self.style.SUCCESS("Calls are placed again."))
            return
        if provider and provider not in provider_aliases():
            known = ", ".join(provider_aliases()) or "none"
            raise CommandError(f"There is no provider {provider!r}; configured are: {known}.")
        brake = stop_calls(account=whose, provider=provider, reason=reason, by="command")
        self.stdout.write(self.style.SUCCESS(f"Stopped: {brake}."))

    def _stopped(self) -> str:
        brakes = [str(brake) for brake in Brake.objects.select_related("account")]
        return f"Stopped are: {', '.join(brakes)}." if brakes else "Nothing is stopped at all."

    def _list(self) -> None:
        for brake in Brake.objects.select_related("account"):
            told = f" by {brake.pulled_by}" if brake.pulled_by else ""
            why = f": {brake.reason}" if brake.reason else ""
            self.stdout.write(f"{brake}, since {brake.pulled_at:%Y-%m-%d %H:%M} UTC{told}{why}")
        if not Brake.objects.exists():
            self.stdout.write("Nothing is stopped.")

    def _account(self, account: str) -> Account:
        found = Account.objects.filter(pk=account).first()
        if found is None:
            raise CommandError(
                f"There is no account {account!r}; its page in the admin shows its id."
            )
        return found
