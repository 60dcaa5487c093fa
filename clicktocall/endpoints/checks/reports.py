"""Where the report of a call goes."""

from __future__ import annotations

from clicktocall.endpoints.checks.common import Problems
from clicktocall.models import Endpoint
from clicktocall.outbound import AddressRefused, check_public_url


def check_notify_url(endpoint: Endpoint) -> Problems:
    if not endpoint.notify_url:
        return
    try:
        check_public_url(endpoint.notify_url)
    except AddressRefused as error:
        yield "notify_url", str(error)
