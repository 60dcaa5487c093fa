"""Stopping calls at once, everywhere: the whole site, one account, or one provider.

A brake holds what is requested from now on and everything that waits in the queue; a call that
has been claimed already is placed. Calls that wait too long expire.
"""

from __future__ import annotations

import logging

from django.db.models import Q

from clicktocall.calls.database import on_commit
from clicktocall.models import Account, Brake, BrakeScope, Call, Endpoint
from clicktocall.signals import calls_resumed, calls_stopped

logger = logging.getLogger(__name__)

_LONGEST_REASON = 500


def stop_calls(
    *,
    account: Account | None = None,
    provider: str = "",
    reason: str = "",
    by: str = "",
) -> Brake:
    """Stop the calls of an account, or through a provider (its alias), or, with neither, all.

    Stopping twice leaves the first brake as it is.

    Raises:
        ValueError: an account and a provider were given.
    """
    brake, is_new = Brake.objects.get_or_create(
        scope=_scope(account, provider),
        account=account,
        provider=provider,
        defaults={"reason": reason[:_LONGEST_REASON], "pulled_by": by[:150]},
    )
    if is_new:
        logger.error("calls stopped: %s reason=%s by=%s", brake, brake.reason, brake.pulled_by)
        on_commit(lambda: calls_stopped.send_robust(Brake, brake=brake))
    return brake


def resume_calls(*, account: Account | None = None, provider: str = "", by: str = "") -> bool:
    """Let go of the brake on an account, a provider or the site; whether there was one.

    Raises:
        ValueError: an account and a provider were given.
    """
    brake = Brake.objects.filter(
        scope=_scope(account, provider), account=account, provider=provider
    ).first()
    if brake is None:
        return False
    brake.delete()
    logger.warning("calls resumed: %s by=%s", brake, by)
    on_commit(lambda: calls_resumed.send_robust(Brake, brake=brake))
    return True


def is_stopped(call: Call) -> bool:
    """Whether a brake holds this very call, or its endpoint is switched off."""
    pulled = Brake.objects.filter(
        Q(scope=BrakeScope.SITE)
        | Q(scope=BrakeScope.ACCOUNT, account=call.account_id)
        | Q(scope=BrakeScope.PROVIDER, provider=call.provider)
    )
    return pulled.exists() or not Endpoint.objects.filter(pk=call.endpoint_id, active=True).exists()


def _scope(account: Account | None, provider: str) -> BrakeScope:
    if account is not None and provider:
        raise ValueError("Give an account or a provider, not both.")
    if account is not None:
        return BrakeScope.ACCOUNT
    return BrakeScope.PROVIDER if provider else BrakeScope.SITE
