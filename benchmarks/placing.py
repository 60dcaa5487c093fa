"""How many calls one dispatcher places a second, with a provider that answers after 300 ms."""

from __future__ import annotations

import time

from benchmarks.site import process

ANSWERS_AFTER = 0.3  # seconds
FLOORS = {"slow": 250, "slow_batched": 1000}  # calls a second: one by one, and many in one request


def compare(slow_port: int, endpoint_id: str, calls: int) -> bool:
    """Print the rates; whether all of them are at least their floor."""
    print(f"placing {calls} queued calls, the provider answers after {ANSWERS_AFTER * 1000:.0f} ms")
    fast_enough = True
    with process("benchmarks.slow", str(slow_port), str(ANSWERS_AFTER), ready=slow_port):
        for alias, floor in FLOORS.items():
            rate = _rate(alias, endpoint_id, calls)
            print(f"  {alias:<14}{rate:6.0f} calls a second (floor {floor})")
            fast_enough = fast_enough and rate >= floor
    return fast_enough


def _rate(alias: str, endpoint_id: str, calls: int) -> float:
    from clicktocall.models import Attempt, Call
    from clicktocall.states import CallState

    Call.objects.all().delete()
    _queue(alias, endpoint_id, calls)
    placed = Call.objects.filter(state=CallState.PLACED)
    with process("django", "run_dispatcher", "--provider", alias):
        deadline = time.monotonic() + 120
        while placed.count() < calls:
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {placed.count()} of {calls} calls were placed")
            time.sleep(0.05)
    began = Attempt.objects.earliest("created_at").created_at
    ended = placed.latest("updated_at").updated_at
    return calls / (ended - began).total_seconds()


def _queue(alias: str, endpoint_id: str, calls: int) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from clicktocall.models import Call, Endpoint
    from clicktocall.states import CallState

    endpoint = Endpoint.objects.get(pk=endpoint_id)
    now = timezone.now()
    Call.objects.bulk_create(
        Call(
            account_id=endpoint.account_id,
            endpoint=endpoint,
            contact=f"+44207946{number % 10000:04}",
            extension_kind=endpoint.extension_kind,
            extension=endpoint.extension,
            options=endpoint.call_options().to_json(),
            provider=alias,
            door="api",
            state=CallState.QUEUED,
            due_at=now,
            expires_at=now + timedelta(hours=1),
        )
        for number in range(calls)
    )
