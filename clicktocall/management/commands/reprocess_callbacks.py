from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, connections, router
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from clicktocall.calls.replay import OPEN_STATUSES, preview, replay, replayable
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import CallbackReceipt, ReceiptStatus
from clicktocall.providers import get_provider, provider_aliases

_AT_A_TIME = 100  # receipts in memory
_UNREADABLE = (ReceiptStatus.NOT_UNDERSTOOD, ReceiptStatus.FAILED)
_AWAY = (OperationalError, InterfaceError)
_TRY_AGAIN_AFTER = 1.0  # seconds
_MOST_LOST_IN_A_ROW = 3
_STOPPED_BY_HAND = 130  # as a shell says it of Ctrl-C

# What became of the receipts: how many went from one status to another.
Tally = Counter[tuple[str, str]]


class Command(BaseCommand):
    help = (
        "Replays kept callbacks, after a parser was mended or a process was killed: by default "
        "those not_understood, failed or unmatched, and those still received after a minute. "
        "A fact that is known already changes nothing, so replaying twice does no harm. "
        "Exits non-zero when some callback could not be read or replayed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--provider",
            action="append",
            dest="aliases",
            metavar="ALIAS",
            help="replay only this provider's callbacks (may be repeated); default: every one's",
        )
        parser.add_argument(
            "--status",
            action="append",
            dest="statuses",
            metavar="STATUS",
            help=f"replay these (may be repeated): {', '.join(ReceiptStatus.values)}",
        )
        parser.add_argument(
            "--since",
            metavar="TIME",
            help="received at or after this time: 2026-11-21, or 2026-11-21T09:30 (your TIME_ZONE "
            "unless it says another: 2026-11-21T09:30Z)",
        )
        parser.add_argument(
            "--until", metavar="TIME", help="received before this time; a day is meant whole"
        )
        parser.add_argument(
            "--id",
            action="append",
            type=int,
            dest="ids",
            metavar="ID",
            help="replay this callback, whatever its status (may be repeated)",
        )
        parser.add_argument("--limit", type=int, metavar="N", help="at most so many, oldest first")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="only say how many can be read now; nothing is applied or changed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        receipts = _selected(options)
        unusable = _without_a_provider(receipts)
        usable = receipts.exclude(provider__in=list(unusable))
        self._total = _limited(usable.count(), options["limit"])
        self._lost: list[int] = []
        self._tally: Tally = Counter()
        for problem in unusable.values():
            self.stderr.write(self.style.WARNING(problem))
        if not self._total and not unusable:
            self._say(_nothing_to_do(options))
            return
        self._replay_all(usable, dry_run=options["dry_run"], verbose=options["verbosity"] > 0)
        self._sum_up(dry_run=options["dry_run"])
        _complain(self._tally, self._lost, list(unusable))

    def _replay_all(
        self, receipts: QuerySet[CallbackReceipt], *, dry_run: bool, verbose: bool
    ) -> None:
        do = preview if dry_run else replay
        lost_in_a_row = 0
        try:
            for receipt in _each(receipts, self._total):
                before = receipt.status
                after = _patiently(do, receipt)
                lost_in_a_row = 0 if after else lost_in_a_row + 1
                if after:
                    self._tally[before, after] += 1
                else:
                    self._lost.append(receipt.pk)
                if lost_in_a_row == _MOST_LOST_IN_A_ROW:
                    raise CommandError(self._stopped("The database is not available"))
                if verbose and self._done % _AT_A_TIME == 0:
                    self._say(f"{self._done} of {self._total} …")
        except KeyboardInterrupt:
            self._sum_up(dry_run=dry_run)
            raise CommandError(self._stopped("Stopped"), returncode=_STOPPED_BY_HAND) from None

    @property
    def _done(self) -> int:
        return self._tally.total()

    def _stopped(self, why: str) -> str:
        return (
            f"{why}: {self._done} of {self._total} callbacks are done, the others are as they "
            "were. Run the same command again; nothing is applied twice."
        )

    def _sum_up(self, *, dry_run: bool) -> None:
        did = "would be replayed (dry run: nothing was changed)" if dry_run else "replayed"
        self._say(f"{_callbacks(self._done)} {did}.")
        width = max((len(f"{before} → {after}") for before, after in self._tally), default=0)
        for (before, after), count in sorted(self._tally.items()):
            self._say(f"  {f'{before} → {after}':<{width}}  {count:>6}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)


def _selected(options: dict[str, Any]) -> QuerySet[CallbackReceipt]:
    """The receipts that were asked for.

    Raises:
        CommandError: an option cannot be meant so.
    """
    if options["limit"] is not None and options["limit"] < 1:
        raise CommandError("--limit: write a number of at least 1, or leave it out.")
    _check_aliases(options["aliases"] or [])
    receipts = _with_status(options["statuses"] or [], options["ids"])
    if options["aliases"]:
        receipts = receipts.filter(provider__in=options["aliases"])
    if options["since"]:
        receipts = receipts.filter(received_at__gte=_moment("--since", options["since"]))
    if options["until"]:
        receipts = receipts.filter(received_at__lt=_moment("--until", options["until"], end=True))
    return receipts


def _with_status(statuses: list[str], ids: list[int] | None) -> QuerySet[CallbackReceipt]:
    for status in statuses:
        if status not in ReceiptStatus.values:
            known = ", ".join(ReceiptStatus.values)
            raise CommandError(f"--status: there is no status {status!r}; write one of {known}.")
    if ids is None:
        return replayable(statuses or OPEN_STATUSES)
    receipts = CallbackReceipt.objects.filter(pk__in=ids).order_by("pk")
    missing = sorted(set(ids) - set(receipts.values_list("pk", flat=True)))
    if missing:
        raise CommandError(
            f"--id: there is no callback {', '.join(map(str, missing))}. The number stands in the "
            "address of a callback's page in the admin."
        )
    return receipts.filter(status__in=statuses) if statuses else receipts


def _check_aliases(aliases: list[str]) -> None:
    known = provider_aliases()
    for alias in aliases:
        if alias not in known and not CallbackReceipt.objects.filter(provider=alias).exists():
            raise CommandError(
                f"There is no provider {alias!r}, and it never sent a callback; configured are: "
                f"{', '.join(known) or 'none'}."
            )


def _moment(option: str, written: str, *, end: bool = False) -> datetime:
    """The time that `written` means; the end of the day, for a day, when `end`."""
    try:
        day, moment = parse_date(written), parse_datetime(written)
        if day is not None:
            moment = datetime.combine(day + timedelta(days=end), datetime.min.time())
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise CommandError(
            f"{option}: {written!r} is no time; write 2026-11-21 or 2026-11-21T09:30."
        )
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _without_a_provider(receipts: QuerySet[CallbackReceipt]) -> dict[str, str]:
    """The aliases among these receipts that nobody can read, each with what to do about it."""
    counts = receipts.order_by().values_list("provider").annotate(count=Count("pk"))
    problems = {}
    for alias, count in counts:
        try:
            get_provider(alias)
        except ConfigurationError as error:
            problems[alias] = (
                f"{_callbacks(count)} of {alias!r} cannot be read without it: {error} Configure "
                "it (again) and run this command once more; the callbacks stay until then."
            )
    return problems


def _limited(count: int, limit: int | None) -> int:
    return count if limit is None else min(count, limit)


def _each(receipts: QuerySet[CallbackReceipt], most: int) -> Iterator[CallbackReceipt]:
    """The receipts in the order of their keys, a few in memory at a time; each once.

    A receipt leaves the selection when its status changes, so the next ones are found by the key.
    """
    last, left = 0, most
    while left > 0:
        chunk = list(receipts.filter(pk__gt=last)[: min(left, _AT_A_TIME)])
        if not chunk:
            return
        yield from chunk
        last, left = chunk[-1].pk, left - len(chunk)


def _patiently(do: Callable[[CallbackReceipt], str], receipt: CallbackReceipt) -> str | None:
    """What became of it; None when the database left twice in a row."""
    for pause in (_TRY_AGAIN_AFTER, 0.0):
        try:
            return str(do(receipt))
        except _AWAY:
            _leave_a_dead_connection()
            time.sleep(pause)
    return None


def _leave_a_dead_connection() -> None:
    connection = connections[router.db_for_write(CallbackReceipt)]
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _nothing_to_do(options: dict[str, Any]) -> str:
    wanted = options["statuses"] or ([] if options["ids"] else list(OPEN_STATUSES))
    described = f" is {' or '.join(wanted)}" if wanted else " is left"
    return (
        f"Nothing to do: no callback that was asked for{described}. "
        f"“--status {ReceiptStatus.APPLIED}” replays what was applied already."
    )


def _complain(tally: Tally, lost: list[int], unusable: list[str]) -> None:
    """End the command with what is left to do.

    Raises:
        CommandError: something is.
    """
    unreadable = sum(count for (_, after), count in tally.items() if after in _UNREADABLE)
    problems = []
    if unreadable:
        problems.append(
            f"{_callbacks(unreadable)} cannot be read. Each says why on its page in the admin; "
            "mend the provider's parser and run this command again."
        )
    if lost:
        shown = " ".join(f"--id {pk}" for pk in lost[:10])
        problems.append(
            f"{_callbacks(len(lost))} could not be written to the database. Try again: {shown}"
        )
    if unusable:
        problems.append(f"Skipped, because they are not configured: {', '.join(unusable)}.")
    if problems:
        raise CommandError("\n".join(problems))


def _callbacks(count: int) -> str:
    return f"{count} callback" if count == 1 else f"{count} callbacks"
