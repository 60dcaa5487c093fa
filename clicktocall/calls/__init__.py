"""The heart: a call is requested, dispatched, reported, redialled, cancelled, recovered.

`request_call`, and `request_bulk` for many, are also the entries for the host's own Python code.
"""

from clicktocall.calls.bulk import BulkAnswer, RefusedEntry, WantedCall, request_bulk
from clicktocall.calls.cancel import cancel_call, is_cancellable
from clicktocall.calls.request import Visitor, request_call

__all__ = [
    "BulkAnswer",
    "RefusedEntry",
    "Visitor",
    "WantedCall",
    "cancel_call",
    "is_cancellable",
    "request_bulk",
    "request_call",
]
