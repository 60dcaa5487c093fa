"""Until when what is asked of a provider may leave this machine.

Between the decision to place a call and its first byte lies time: a name to look up, a connection
to open, a process that was stopped. An order that leaves too late may cross with the judgement of
somebody else, who took its dispatcher for dead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_of_this = threading.local()


def steady_now() -> float:
    """Seconds on a clock that also runs while the machine is suspended, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@contextmanager
def not_after(until: float) -> Iterator[None]:
    """Let nothing be sent by this thread after `until` (`steady_now`)."""
    _of_this.thread = until
    try:
        yield
    finally:
        _of_this.thread = None


def is_over() -> bool:
    """Whether this thread may begin to send no more; a client asks just before its first byte."""
    until = getattr(_of_this, "thread", None)
    return until is not None and steady_now() > until
