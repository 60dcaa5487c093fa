"""Bringing reports that came too early to the calls they are of."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from itertools import islice

from django.db import InterfaceError, OperationalError

from clicktocall.calls.replay import replay, replayable
from clicktocall.calls.waiting import forget_old, receipts_that_fit, receipts_waiting_for
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import CallbackReceipt, ReceiptStatus
from clicktocall.providers import get_provider, provider_aliases

logger = logging.getLogger(__name__)

_AT_A_TIME = 100
_FORGOTTEN_AT_A_TIME = 1000


def match_reports(provider_alias: str, provider_references: Collection[str]) -> int:
    """Process again what waits for placements that were just stored.

    Call it after their commit: then no report is missed, however close it came. What goes wrong
    here is left to `match_waiting`.

    Args:
        provider_references: the provider's own, as they were stored.

    Returns:
        How many receipts were processed again.
    """
    wanted = iter({reference for reference in provider_references if reference})
    processed = 0
    while some := list(islice(wanted, _AT_A_TIME)):
        processed += _process_again(receipts_waiting_for(provider_alias, some))
    return processed


def match_waiting() -> int:
    """Process again what waits for a call that is there by now; forget what waited too long.

    At most 100 receipts at a time. Meant to be run every few seconds, by any number of processes.

    Returns:
        How many receipts were processed again.
    """
    forget_old(_FORGOTTEN_AT_A_TIME)
    return _process_again(receipts_that_fit(_readable_aliases(), _AT_A_TIME))


def take_up_left_behind() -> int:
    """Process what was kept by a process that died before it looked into it; how many."""
    left = replayable([ReceiptStatus.RECEIVED]).filter(provider__in=_readable_aliases())
    return _process_again(left.values_list("pk", flat=True)[:_AT_A_TIME])


def _readable_aliases() -> list[str]:
    """The providers whose reports can be read here."""
    return [alias for alias in provider_aliases() if _is_configured(alias)]


def _is_configured(alias: str) -> bool:
    try:
        get_provider(alias)
    except ConfigurationError:
        return False
    return True


def _process_again(receipts: Iterable[int]) -> int:
    """Replay these receipts; how many. A database that is away ends it, and loses nothing."""
    processed = 0
    for pk in receipts:
        receipt = CallbackReceipt.objects.filter(pk=pk).first()
        if receipt is None:
            continue
        try:
            replay(receipt)
        except (OperationalError, InterfaceError, ConfigurationError) as error:
            logger.warning("waiting callback=%s not processed: %s", pk, error)
            break  # the dispatcher has more to do than this; the next round tries again
        processed += 1
    return processed
