"""The operator's screens in Django's own admin, one file per family of tables.

A superuser sees everything. Other staff see the accounts they are members of, and change what
their role there allows; both on top of Django's model permissions (`scope.py`).
"""

from clicktocall.admin.accounts import AccountAdmin
from clicktocall.admin.api_keys import ApiKeyAdmin
from clicktocall.admin.brakes import BrakeAdmin, CircuitAdmin
from clicktocall.admin.calls import CallAdmin
from clicktocall.admin.deliveries import DeliveryAdmin
from clicktocall.admin.dispatchers import DispatcherAdmin
from clicktocall.admin.endpoints import EndpointAdmin
from clicktocall.admin.receipts import CallbackReceiptAdmin
from clicktocall.admin.refusals import RefusalAdmin, RefusalCountAdmin
from clicktocall.admin.webhooks import WebhookAdmin

__all__ = [
    "AccountAdmin",
    "ApiKeyAdmin",
    "BrakeAdmin",
    "CallAdmin",
    "CallbackReceiptAdmin",
    "CircuitAdmin",
    "DeliveryAdmin",
    "DispatcherAdmin",
    "EndpointAdmin",
    "RefusalAdmin",
    "RefusalCountAdmin",
    "WebhookAdmin",
]
