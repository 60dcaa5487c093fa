"""Which options of a single call a client may change, by the scopes it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clicktocall.accounts.rights import Rights
from clicktocall.exceptions import NotAllowed
from clicktocall.models import Endpoint, Scope

# Whose number is shown, what is recorded, what it may cost, and who else is dialled: whoever may
# only place calls keeps to what the endpoint says.
MANAGED_OPTIONS = frozenset(
    {
        "caller_id_a",
        "caller_id_b",
        "bridge",
        "anonymization",
        "callee_id_name",
        "callee_id_number",
        "record",
        "max_duration",
        "retry_min_period",
        "retry_max_period",
        "retry_max_count",
        "transfers",
        "custom_sip_headers",
    }
)


def check_overrides(rights: Rights, endpoint: Endpoint, options: Mapping[str, Any]) -> None:
    """Refuse options that whoever asks may not change; a shorter call is always allowed.

    Raises:
        NotAllowed: naming the options.
    """
    if rights.has(Scope.MANAGE):
        return
    wanted = {name for name in options if name in MANAGED_OPTIONS}
    if _is_shorter(endpoint, options.get("max_duration")):
        wanted.discard("max_duration")
    if wanted:
        listed = [f"options.{name}" for name in sorted(wanted)]
        why = f"Changing this takes the scope “{Scope.MANAGE}”."
        raise NotAllowed(f"{', '.join(listed)}: {why}", {name: [why] for name in listed})


def _is_shorter(endpoint: Endpoint, wanted: int | None) -> bool:
    # Without a limit of the endpoint's own, the site's holds, which no option can exceed.
    return wanted is not None and (endpoint.max_duration is None or wanted <= endpoint.max_duration)
