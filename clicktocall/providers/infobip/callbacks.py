"""What Infobip reports: whether it is Infobip's, and the facts in it."""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from ipaddress import ip_address

from clicktocall.dialects.infobip.documents import NotUnderstood
from clicktocall.dialects.infobip.events import events_of
from clicktocall.dialects.infobip.reports import read_reports
from clicktocall.orders import ReportedEvent
from clicktocall.providers.base import CallbackNotUnderstood, CallbackRequest
from clicktocall.providers.infobip.options import AccountOptions


def is_authentic(request: CallbackRequest, account: AccountOptions) -> bool:
    """Whether it comes from where Infobip's callbacks come from, with the login agreed upon."""
    return _from_a_network(request, account) and _with_the_login(request, account)


def parse(request: CallbackRequest, base_url: str) -> list[ReportedEvent]:
    """The facts in a push or in pulled reports.

    Raises:
        CallbackNotUnderstood: naming the part that cannot be read.
    """
    try:
        reports = read_reports(request.body, request.content_type)
    except NotUnderstood as error:
        raise CallbackNotUnderstood(str(error)) from None
    return [event for report in reports for event in events_of(report, base_url=base_url)]


def _from_a_network(request: CallbackRequest, account: AccountOptions) -> bool:
    if not account.networks:
        return True
    try:
        peer = ip_address(request.peer_address or "")
    except ValueError:
        return False  # nobody knows where it came from
    mapped = getattr(peer, "ipv4_mapped", None)  # how a dual-stack socket shows IPv4
    return any((mapped or peer) in network for network in account.networks)


def _with_the_login(request: CallbackRequest, account: AccountOptions) -> bool:
    if not account.login:
        return True
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = b64decode(presented.strip().encode("ascii"), validate=True)
    except (NotBase64, ValueError):
        return False
    return hmac.compare_digest(given, f"{account.login}:{account.password}".encode())
