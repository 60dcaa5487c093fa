"""The heart: a call is requested, dispatched, reported, redialled, cancelled, recovered.

`request_call`, and `request_bulk` for many, are also the entries for the host's own Python code.
"""

from clicktocall.calls.bulk import (
    BulkAnswer,
    RefusedEntry,
    SendingSpeed,
    WantedCall,
    request_bulk,
)
from clicktocall.calls.bulk_control import cancel_bulk, pause_bulk, reschedule_bulk, resume_bulk
from clicktocall.calls.cancel import cancel_call
from clicktocall.calls.cancellable import is_cancellable
from clicktocall.calls.request import Visitor, request_call

__all__ = [
    "BulkAnswer",
    "RefusedEntry",
    "SendingSpeed",
    "Visitor",
    "WantedCall",
    "cancel_bulk",
    "cancel_call",
    "is_cancellable",
    "pause_bulk",
    "request_bulk",
    "request_call",
    "reschedule_bulk",
    "resume_bulk",
]
