"""The options of one call: the endpoint's, with what this request may change."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from clicktocall.endpoints.numbers import NUMBER_OPTIONS, owned_number
from clicktocall.endpoints.validate import check_endpoint
from clicktocall.exceptions import InvalidOption
from clicktocall.models import Endpoint
from clicktocall.orders import CallOptions


def options_for_call(endpoint: Endpoint, overrides: Mapping[str, Any] | None = None) -> CallOptions:
    """The options a call is placed with; overrides pass the same checks as the endpoint's own.

    Caller ids and bridge are given as numbers and must belong to the account.

    Raises:
        InvalidOption: naming the first option that is unknown or cannot be used.
    """
    if not overrides:
        return endpoint.call_options()
    changed = copy.copy(endpoint)
    for name, value in overrides.items():
        if name not in CallOptions.names():
            raise InvalidOption(name, "There is no such call option.")
        if name in NUMBER_OPTIONS:
            value = owned_number(endpoint.account_id, name, value)  # noqa: PLW2901
        setattr(changed, name, value)
    untouched = {f.name for f in Endpoint._meta.fields if f.name not in overrides}
    try:
        changed.clean_fields(exclude=untouched | NUMBER_OPTIONS)  # which were just looked up
        check_endpoint(changed)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidOption(field, messages[0]) from error
    return changed.call_options()
