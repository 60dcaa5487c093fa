"""Taking work from the queue so that nobody else can take it too.

One conditional UPDATE … RETURNING, timed by the database's own clock; on PostgreSQL rows that
another dispatcher is just taking are skipped. This is the only raw SQL of the app: the ORM has
no UPDATE … RETURNING.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, router
from django.db.models import F, Model
from django.db.models.functions import Now
from django.utils import timezone

from clicktocall.calls.database import atomic
from clicktocall.calls.schedule import first_due
from clicktocall.conf import settings
from clicktocall.models import Attempt, Brake, BrakeScope, Bulk, Call, Endpoint
from clicktocall.models.fields import hex_id
from clicktocall.states import WAITING_STATES, WITH_PROVIDER_STATES, CallState, Outcome

_NOW = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
    "postgresql": "statement_timestamp()",
}
_AFTER = {
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '+{seconds} seconds')",
    "postgresql": "statement_timestamp() + interval '{seconds} seconds'",
}
# PostgreSQL may carry out a subquery with a LIMIT more than once, and then takes more than that.
_ONCE = "MATERIALIZED"
# Longer than a provider may take to answer a hang-up (seconds).
_CANCEL_LEASE = 20


def _state_in(states: Iterable[CallState]) -> str:
    # SQLite uses a partial index only for a condition spelled exactly as the index has it.
    named = ", ".join(f"'{state}'" for state in states)
    return f'"state" IN ({named})'


_WAITING = _state_in(WAITING_STATES)


def _not_held() -> str:
    """No brake is pulled, its bulk is not paused, and the endpoint is switched on."""
    return (
        f"NOT EXISTS (SELECT 1 FROM {_of(Brake)} b WHERE b.scope = '{BrakeScope.SITE}' "
        f"OR (b.scope = '{BrakeScope.ACCOUNT}' AND b.account_id = {_table()}.account_id) "
        f"OR (b.scope = '{BrakeScope.PROVIDER}' AND b.provider = {_table()}.provider)) "
        f"AND NOT EXISTS (SELECT 1 FROM {_of(Bulk)} k "
        f"WHERE k.id = {_table()}.bulk_id AND k.paused_at IS NOT NULL) "
        f"AND EXISTS (SELECT 1 FROM {_of(Endpoint)} e "
        f"WHERE e.id = {_table()}.endpoint_id AND e.active)"
    )


_WITH_PROVIDER = _state_in(WITH_PROVIDER_STATES)


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that is ours to place, and the call it belongs to."""

    call: Call
    attempt: Attempt


def anything_due() -> bool:
    """Whether some call is to be placed, expired, cancelled or asked after; takes no lock."""
    sql = (
        f"SELECT 1 FROM {_table()} WHERE {_WAITING} AND due_at <= {{now}} "
        f"UNION ALL SELECT 1 FROM {_table()} WHERE cancel_due_at <= {{now}} "
        f"UNION ALL SELECT 1 FROM {_attempts()} WHERE follow_up_at <= {{now}} "
        f"UNION ALL SELECT 1 FROM {_of(Bulk)} WHERE next_call_at <= {{now}} "
        "AND paused_at IS NULL LIMIT 1"
    )
    return bool(_run(sql, []))


def claim_due(alias: str, dispatcher: str, limit: int) -> list[Claim]:
    """Up to `limit` due calls of provider `alias`, each with a committed attempt of its own.

    Those whose delivery time window has closed meanwhile wait for its next opening.
    """
    with atomic():
        ids = _run(
            f"WITH taken AS {_ONCE} (SELECT id FROM {_table()} WHERE {_WAITING} "
            "AND provider = %s AND due_at <= {now} AND expires_at > {now} "
            f"AND cancel_requested_at IS NULL AND {_not_held()} "
            "ORDER BY due_at LIMIT %s {skip_locked}) "
            f"UPDATE {_table()} SET state = '{CallState.PLACING}', due_at = NULL, "
            "attempt_count = attempt_count + 1, claimed_by = %s, claimed_until = {lease}, "
            f"updated_at = {{now}} WHERE {_WAITING} AND id IN (SELECT id FROM taken) "
            "RETURNING id",
            [alias, limit, dispatcher],
        )
        calls = Call.objects.in_bulk(ids)
        now = timezone.now()
        claims = [
            _claim(calls[call_id], dispatcher)
            for call_id in ids
            if not _postponed(calls[call_id], now)
        ]
        Attempt.objects.bulk_create([claim.attempt for claim in claims])
    return claims


def expire_late() -> list[str]:
    """End the waiting calls whose time has passed; their ids."""
    return _run(
        f"UPDATE {_table()} SET state = '{CallState.ENDED}', outcome = '{Outcome.EXPIRED}', "
        "outcome_words = CASE WHEN outcome_words = '' THEN %s ELSE outcome_words END, "
        "ended_at = {now}, due_at = NULL, updated_at = {now} "
        f"WHERE {_WAITING} AND due_at <= {{now}} AND expires_at <= {{now}} "
        f"AND NOT EXISTS (SELECT 1 FROM {_of(Bulk)} k "
        f"WHERE k.id = {_table()}.bulk_id AND k.paused_at IS NOT NULL) RETURNING id",
        ["Nobody could place the call in time."],
    )


def claim_cancels(alias: str, limit: int) -> list[Call]:
    """Up to `limit` calls with provider `alias` that are to be hung up now.

    Each is taken for a while only: if this process dies before it has asked, another one will.
    """
    ids = _run(
        f"WITH taken AS {_ONCE} (SELECT id FROM {_table()} WHERE cancel_due_at <= {{now}} "
        f"AND provider = %s AND {_WITH_PROVIDER} LIMIT %s {{skip_locked}}) "
        f"UPDATE {_table()} SET cancel_due_at = {{cancel_lease}}, updated_at = {{now}} "
        "WHERE cancel_due_at <= {now} AND id IN (SELECT id FROM taken) RETURNING id",
        [alias, limit],
    )
    return list(Call.objects.filter(pk__in=ids))


def claims_of_the_dead(limit: int) -> list[Attempt]:
    """Attempts whose dispatcher has not come back to them within the life of a claim."""
    ids = _run(
        f"SELECT id FROM {_table()} WHERE state = '{CallState.PLACING}' "
        "AND claimed_until <= {now} LIMIT %s",
        [limit],
    )
    return _latest_attempts(ids)


def doubts_overdue(after: timedelta, limit: int) -> list[Attempt]:
    """Attempts that have been in doubt for longer than `after`, whoever was to find out."""
    calls = Call.objects.filter(
        state=CallState.PLACING, claimed_until=None, updated_at__lte=Now() - after
    )
    return _latest_attempts(list(calls.values_list("pk", flat=True)[:limit]))


def reports_overdue(limit: int) -> list[Attempt]:
    """Attempts whose provider should have reported the end by now."""
    ids = _run(
        f"SELECT id FROM {_table()} WHERE report_due_at <= {{now}} LIMIT %s",
        [limit],
    )
    return _latest_attempts(ids)


def claim_follow_ups(alias: str, limit: int) -> list[Attempt]:
    """Up to `limit` attempts with provider `alias` whose fate is to be asked after now.

    Each is taken for as long as a call is claimed; what comes of it sets the next time.
    """
    ids = _run(
        f"WITH taken AS {_ONCE} (SELECT id FROM {_attempts()} WHERE follow_up_at <= {{now}} "
        "AND provider = %s ORDER BY follow_up_at LIMIT %s {skip_locked}) "
        f"UPDATE {_attempts()} SET follow_up_at = {{lease}}, follow_ups = follow_ups + 1 "
        "WHERE follow_up_at <= {now} AND id IN (SELECT id FROM taken) RETURNING id",
        [alias, limit],
    )
    return list(Attempt.objects.filter(pk__in=ids).select_related("call"))


def _postponed(call: Call, now: datetime) -> bool:
    """Put the call back until its delivery time window opens; whether that was needed."""
    try:
        opens = first_due(call.call_options, now)
    except ValueError:
        return False  # hours that nobody can read: the order cannot be written, and says so
    if opens is None:
        return False
    Call.objects.filter(pk=call.pk).update(
        state=CallState.SCHEDULED,
        due_at=min(opens, call.expires_at),  # by then it is over, and said to be
        attempt_count=F("attempt_count") - 1,
        claimed_until=None,
    )
    return True


def _claim(call: Call, dispatcher: str) -> Claim:
    attempt = Attempt(
        call=call,
        number=call.attempt_count,
        reference=hex_id(),
        provider=call.provider,
        dispatcher=dispatcher,
        state=CallState.PLACING,
    )
    if call.one_leg:
        attempt.leg_b = None
    return Claim(call, attempt)


def _latest_attempts(call_ids: list[str]) -> list[Attempt]:
    attempts = Attempt.objects.filter(call_id__in=call_ids).select_related("call")
    return [attempt for attempt in attempts if attempt.number == attempt.call.attempt_count]


def _table() -> str:
    return _of(Call)


def _attempts() -> str:
    return _of(Attempt)


def _of(model: type[Model]) -> str:
    return f'"{model._meta.db_table}"'


def _run(sql: str, params: list[Any]) -> list[Any]:
    connection = connections[router.db_for_write(Call)]
    vendor = connection.vendor
    statement = sql.format(
        now=_NOW[vendor],
        lease=_AFTER[vendor].format(seconds=int(settings.CLAIM_LIFETIME)),
        cancel_lease=_AFTER[vendor].format(seconds=_CANCEL_LEASE),
        skip_locked="FOR UPDATE SKIP LOCKED" if vendor == "postgresql" else "",
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return [row[0] for row in cursor.fetchall()]
