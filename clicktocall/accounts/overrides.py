"""Which options of a single call a client may change, by the scopes it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clicktocall.accounts.rights import Rights
from clicktocall.conf import settings
from clicktocall.exceptions import NotAllowed
from clicktocall.models import Endpoint, Scope

# Whose number is shown, what is recorded, what it may cost, when people are rung, who else is
# dialled, and who is told: whoever may only place calls keeps to what the endpoint says.
MANAGED_OPTIONS = frozenset(
    {
        "dial_first",
        "caller_id_a",
        "caller_id_b",
        "bridge",
        "anonymization",
        "withhold_caller_id",
        "callee_id_name",
        "callee_id_number",
        "record",
        "machine_detection",
        "max_duration",
        "validity_period",
        "delivery_time_window",
        "retry_min_period",
        "retry_max_period",
        "retry_max_count",
        "transfers",
        "custom_sip_headers",
        "notify_url",
        "notify_content_type",
    }
)

# And what holds where the endpoint sets none, in the option's own unit.
_LESS_IS_ALLOWED: Mapping[str, Callable[[], float]] = {
    "max_duration": lambda: float(settings.MAX_DURATION),
    "validity_period": lambda: settings.CALL_VALIDITY / 60,
}


def check_overrides(rights: Rights, endpoint: Endpoint, options: Mapping[str, Any]) -> None:
    """Refuse options that whoever asks may not change; less than the endpoint's is allowed.

    Raises:
        NotAllowed: naming the options.
    """
    if rights.has(Scope.MANAGE):
        return
    wanted = {name for name in options if name in MANAGED_OPTIONS}
    wanted -= {name for name in _LESS_IS_ALLOWED if _is_less(endpoint, name, options.get(name))}
    if wanted:
        listed = [f"options.{name}" for name in sorted(wanted)]
        why = f"Changing this takes the scope “{Scope.MANAGE}”."
        raise NotAllowed(f"{', '.join(listed)}: {why}", {name: [why] for name in listed})


def _is_less(endpoint: Endpoint, name: str, wanted: int | None) -> bool:
    """Whether a call with this would be shorter, or given up sooner, than the endpoint's."""
    own = getattr(endpoint, name)
    longest = _LESS_IS_ALLOWED[name]() if own is None else own
    return wanted is not None and wanted <= longest
