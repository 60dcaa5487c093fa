"""The tables, one file per family."""

from clicktocall.models.accounts import Account, ApiKey, Membership, OwnedNumber, Role, Scope
from clicktocall.models.calls import Attempt, Bulk, Call, CallEvent, Source
from clicktocall.models.dispatchers import Dispatcher
from clicktocall.models.endpoints import Endpoint, WhitelistEntry
from clicktocall.models.receipts import CallbackReceipt, ReceiptStatus, WaitingReport
from clicktocall.models.refusals import Refusal, RefusalCount

__all__ = [
    "Account",
    "ApiKey",
    "Attempt",
    "Bulk",
    "Call",
    "CallEvent",
    "CallbackReceipt",
    "Dispatcher",
    "Endpoint",
    "Membership",
    "OwnedNumber",
    "ReceiptStatus",
    "Refusal",
    "RefusalCount",
    "Role",
    "Scope",
    "Source",
    "WaitingReport",
    "WhitelistEntry",
]
