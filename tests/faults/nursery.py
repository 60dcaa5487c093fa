"""Dispatchers to be killed: forked from one process, so that each starts within milliseconds.

`python -m tests.faults.nursery` reads a line of JSON for each, `{"alias", "point", "passing"}`,
and answers with the number of the signal that ended it, or with 0 if it was still alive.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import django

_PATIENCE = 20.0  # seconds: for a point that is never passed


def main() -> None:
    django.setup()
    from clicktocall.calls.dispatch import CallDispatcher  # noqa: F401 - before the fork

    _say("ready")
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _dispatch(asked["alias"], asked["point"], asked["passing"])
        _say(str(_end_of(child)))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _dispatch(alias: str, point: str, passing: int) -> None:
    from clicktocall.calls import dispatch
    from tests.faults.points import POINTS, arm

    arm(POINTS[point], passing)
    try:
        dispatch.CallDispatcher([alias]).run()
    finally:
        os._exit(1)


def _end_of(child: int) -> int:
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -1
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 0


if __name__ == "__main__":
    main()
