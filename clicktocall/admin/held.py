"""What keeps calls from being placed just now, in sentences for whoever wonders."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from clicktocall.accounts.access import accounts_of
from clicktocall.admin import display
from clicktocall.admin.endpoint_form import provider_label
from clicktocall.models import Brake, BrakeScope, Circuit, Endpoint
from clicktocall.providers import provider_aliases


def aliases_known_to(user: Any) -> list[str]:
    """The providers that any account of the user may use; all of them for a superuser."""
    if user.is_superuser:
        return provider_aliases()
    accounts = accounts_of(user).values_list("pk", flat=True)
    return list(dict.fromkeys(alias for pk in accounts for alias in provider_aliases(pk)))


def held_for(request: HttpRequest) -> list[SafeString]:
    """What holds calls that the user may see; empty when all are placed."""
    user: Any = request.user
    aliases = aliases_known_to(user)
    return [*_stopped(Q(account__in=accounts_of(user)), aliases), *_left_alone(aliases)]


def held_of(endpoint: Endpoint) -> list[SafeString]:
    """What holds the calls of this endpoint; empty when they are placed."""
    aliases = [endpoint.provider, *endpoint.fallback_providers]
    return [*_stopped(Q(account=endpoint.account_id), aliases), *_left_alone(aliases)]


def _stopped(of_accounts: Q, aliases: Collection[str]) -> Iterator[SafeString]:
    words = {
        BrakeScope.SITE: _(
            "All calls of this site are stopped since {since}: every request is refused, and what "
            "waits is not dialled."
        ),
        BrakeScope.ACCOUNT: _(
            "The calls of {what} are stopped since {since}: every request is refused, and what "
            "waits is not dialled."
        ),
        BrakeScope.PROVIDER: _(
            "Calls through {what} are stopped since {since}; they go to the next provider of "
            "their endpoint, where it has one."
        ),
    }
    pulled = Q(scope=BrakeScope.SITE) | of_accounts | Q(provider__in=aliases)
    for brake in Brake.objects.filter(pulled).select_related("account"):
        yield format_html(
            words[BrakeScope(brake.scope)],
            what=brake.account or provider_label(brake.provider),
            since=display.moment(brake.pulled_at),
        )


def _left_alone(aliases: Collection[str]) -> Iterator[SafeString]:
    now = timezone.now()
    failing = Circuit.objects.filter(provider__in=aliases, open_until__gt=now)
    for circuit in failing.order_by("provider"):
        yield format_html(
            _("{what} fails and is left alone until {until}; then one call is tried."),
            what=provider_label(circuit.provider),
            until=display.moment(circuit.open_until),
        )
