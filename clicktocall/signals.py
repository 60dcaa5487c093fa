"""Signals for the host's own code. All are sent after the transaction has been committed.

`call_requested(sender, call)`: a call was accepted and stands in the queue.
`call_refused(sender, endpoint, refusal, contact)`: a rule refused a request; `refusal` is a
`clicktocall.rules.Refusal`, `contact` the E.164 number or None.
`call_updated(sender, call, event)`: something new is known of the call; `event` is the
`CallEvent`. After the event that ends the call it comes later than `call_ended`.
`call_ended(sender, call)`: the call came to its outcome; sent once per call.
`calls_stopped(sender, brake)`, `calls_resumed(sender, brake)`: calls of the site, an account or a
provider (`clicktocall.models.Brake`) are stopped, by hand or because a provider no longer accepts
its credentials; or placed again.
"""

from django.dispatch import Signal

call_requested = Signal()
call_refused = Signal()
call_updated = Signal()
call_ended = Signal()
calls_stopped = Signal()
calls_resumed = Signal()
