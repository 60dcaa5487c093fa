"""The tables, one file per family."""

from clicktocall.models.accounts import Account, ApiKey, Membership, OwnedNumber, Role, Scope
from clicktocall.models.brakes import Brake, BrakeScope, Circuit
from clicktocall.models.calls import Attempt, Bulk, Call, CallEvent, Source
from clicktocall.models.dispatchers import Dispatcher
from clicktocall.models.endpoints import Endpoint, WhitelistEntry
from clicktocall.models.receipts import CallbackReceipt, ReceiptStatus, WaitingReport
from clicktocall.models.refusals import Refusal, RefusalCount
from clicktocall.models.webhooks import (
    Delivery,
    DeliveryState,
    DeliveryTry,
    SigningSecret,
    Told,
    Webhook,
)

__all__ = [
    "Account",
    "ApiKey",
    "Attempt",
    "Brake",
    "BrakeScope",
    "Bulk",
    "Call",
    "CallEvent",
    "CallbackReceipt",
    "Circuit",
    "Delivery",
    "DeliveryState",
    "DeliveryTry",
    "Dispatcher",
    "Endpoint",
    "Membership",
    "OwnedNumber",
    "ReceiptStatus",
    "Refusal",
    "RefusalCount",
    "Role",
    "Scope",
    "SigningSecret",
    "Source",
    "Told",
    "WaitingReport",
    "Webhook",
    "WhitelistEntry",
]
