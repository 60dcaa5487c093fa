"""The heart: a call is requested, dispatched, reported, redialled, cancelled, recovered.

`request_call` is also the entry for the host's own Python code.
"""

from clicktocall.calls.cancel import cancel_call, is_cancellable
from clicktocall.calls.request import Visitor, request_call

__all__ = ["Visitor", "cancel_call", "is_cancellable", "request_call"]
