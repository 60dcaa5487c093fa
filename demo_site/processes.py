"""A few processes that live and die together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Child:
    """A running process; `name` is what people call it."""

    name: str
    process: subprocess.Popen[bytes]

    @property
    def end(self) -> str | None:
        """How it ended, in words; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return f"exit code {code}" if code >= 0 else f"killed by {_signal_name(-code)}"


@dataclass(slots=True)
class Family:
    """Processes each in a session of its own, so that only we decide when they stop."""

    children: list[Child] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start `command`. On Linux it is told to stop when we are killed without a chance to."""
        parent = os.getpid()

        def stop_with_parent() -> None:
            end_with_parent(expected_parent=parent)

        process = subprocess.Popen(  # noqa: S603  (our own commands)
            command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=stop_with_parent if _libc else None,  # noqa: PLW1509  (we have no threads)
        )
        self.children.append(Child(name, process))

    def first_dead(self) -> Child | None:
        """A child that has ended, if any has."""
        return next((child for child in self.children if child.end is not None), None)

    def stop(self, grace: float) -> None:
        """Ask all to stop, wait `grace` seconds, and kill what is left, with its descendants."""
        for child in self.children:
            if child.end is None:
                child.process.terminate()
        deadline = time.monotonic() + grace
        for child in self.children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
        for child in self.children:
            # Also after a clean end: a leader that was killed leaves workers behind.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()


def end_with_parent(expected_parent: int) -> None:
    """Have this process get SIGTERM when its parent ends, or end now if that is gone already.

    Does nothing where the system cannot (only Linux can).
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != expected_parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
