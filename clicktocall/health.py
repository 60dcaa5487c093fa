"""Facts for whoever watches the site: database, oldest unplaced call, dispatcher, what is held."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import Error
from django.db.models import Max, Min, Q, Value
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from clicktocall.models import Brake, BrakeScope, Call, Circuit, Dispatcher
from clicktocall.models.dispatchers import BEAT_IS_FRESH
from clicktocall.states import WAITING_STATES

_WAIT_IS_LONG = 30.0


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 while the site can take calls (`status` says whether they are placed), 503 otherwise."""
    try:
        facts = _facts()
    except Error:
        return JsonResponse({"status": "down", "database": False}, status=503)
    return JsonResponse(facts)


def _facts() -> dict[str, Any]:
    now = timezone.now()
    oldest = Call.objects.filter(state__in=WAITING_STATES, due_at__lte=now).aggregate(
        oldest=Min("due_at")
    )["oldest"]
    beat = Dispatcher.objects.aggregate(beat=Max("beat_at"))["beat"]
    waiting, silent = _seconds(now, oldest), _seconds(now, beat)
    fresh = silent is not None and silent < BEAT_IS_FRESH.total_seconds()
    stopped, held = _held(now)
    placing = fresh and not stopped and not held and (waiting or 0) < _WAIT_IS_LONG
    return {
        "status": "ok" if placing else "degraded",
        "database": True,
        "oldest_unplaced_seconds": waiting,
        "dispatcher_beat_seconds": silent,
        "stopped": stopped,
        "providers_held": held,
    }


def _held(now: datetime) -> tuple[bool, int]:
    """Whether the whole site is stopped, and how many providers nothing goes to."""
    brakes = Brake.objects.exclude(scope=BrakeScope.ACCOUNT).values_list("scope", "provider")
    failing = Circuit.objects.filter(Q(open_until__gt=now) | Q(wait_until__gt=now))
    known = set(
        brakes.order_by().union(failing.values_list(Value(BrakeScope.PROVIDER), "provider"))
    )
    stopped = (BrakeScope.SITE, "") in known
    return stopped, len(known) - stopped


def _seconds(now: datetime, then: datetime | None) -> float | None:
    return None if then is None else round(max(0.0, (now - then).total_seconds()), 1)


urlpatterns = [path("", health, name="health")]
