"""Saving an endpoint or one of its whitelist entries: the same judgement whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from clicktocall.endpoints.audio import Heard, check_recorded_message
from clicktocall.endpoints.numbers import NUMBER_OPTIONS, owned_number
from clicktocall.endpoints.validate import check_endpoint
from clicktocall.exceptions import InUse, InvalidOption, InvalidPattern
from clicktocall.models import Endpoint, WhitelistEntry
from clicktocall.patterns import compile_pattern

# Every call is compared with all of them.
MOST_PATTERNS = 500

# Rows that stand behind the endpoint already; looking for each of them again costs a statement.
_KNOWN_TO_EXIST = NUMBER_OPTIONS | {"account"}


def save_endpoint(
    endpoint: Endpoint, changes: Mapping[str, Any] | None = None, *, heard: Heard | None = None
) -> Endpoint:
    """Judge the endpoint with `changes` (field name to value) and write it, new or not.

    Caller ids and bridge may be given as numbers; they must belong to the endpoint's account. A new
    recorded message is fetched, which takes up to `audio.LONGEST_CHECK` seconds; not inside a
    transaction of the caller's, who calls `audio.check_audio` before it begins.

    Args:
        heard: given by `audio.hearing_first`, which the doors save with.

    Raises:
        ValidationError: a dictionary of field name to messages; nothing was written.
        NotHeardYet: `heard` was given, and nobody has asked about the recorded message.
    """
    problems = _assign(endpoint, changes or {})
    try:
        endpoint.clean_fields(exclude=_KNOWN_TO_EXIST.union(problems))
    except ValidationError as error:
        problems |= error.message_dict
    if problems:
        raise ValidationError(problems)
    check_endpoint(endpoint)
    check_recorded_message(endpoint, heard)
    endpoint.save(force_insert=endpoint._state.adding)
    return endpoint


def delete_endpoint(endpoint: Endpoint) -> None:
    """Remove an endpoint that no call was made with; one with a history stays.

    Raises:
        InUse: it has calls; say `active: false` instead.
    """
    has_calls = InUse(_("This endpoint has calls in its history. Switch it off instead."))
    if endpoint.calls.exists():  # rather than have all of them read in order to be protected
        raise has_calls
    try:
        endpoint.delete()
    except ProtectedError as error:  # one came in just now
        raise has_calls from error


def check_pattern(pattern: str) -> None:
    """Refuse a whitelist pattern that cannot be used.

    Raises:
        ValidationError: `pattern` and why.
    """
    try:
        compile_pattern(pattern)
    except InvalidPattern as error:
        raise ValidationError({"pattern": [str(error)]}) from error


def save_whitelist_entry(
    entry: WhitelistEntry, changes: Mapping[str, Any] | None = None
) -> WhitelistEntry:
    """Judge the entry with `changes` and write it, new or not.

    Raises:
        ValidationError: a dictionary of field name to messages; nothing was written.
    """
    for name, value in (changes or {}).items():
        setattr(entry, name, value)
    entry.clean_fields(exclude=("endpoint",))
    check_pattern(entry.pattern)
    if entry._state.adding and entry.endpoint.whitelist.count() >= MOST_PATTERNS:
        message = _("A whitelist holds at most %d patterns; join some with a bar, |.")
        raise ValidationError({"pattern": [message % MOST_PATTERNS]})
    known = ValidationError({"pattern": [_("This pattern is on the whitelist already.")]})
    same = WhitelistEntry.objects.filter(endpoint_id=entry.endpoint_id, pattern=entry.pattern)
    if same.exclude(pk=entry.pk).exists():
        raise known
    try:
        with transaction.atomic(using=router.db_for_write(WhitelistEntry)):
            entry.save(force_insert=entry._state.adding)
    except IntegrityError as error:  # somebody else was quicker
        raise known from error
    return entry


def _assign(endpoint: Endpoint, changes: Mapping[str, Any]) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    for name, value in changes.items():
        try:
            if name in NUMBER_OPTIONS and isinstance(value, str):
                value = owned_number(endpoint.account_id, name, value)  # noqa: PLW2901
        except InvalidOption as error:
            problems[name] = [error.message]
            continue
        setattr(endpoint, name, value)
    return problems
