"""The moments in the life of a call at which a dispatcher is killed, by name."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Point:
    """Just before or just after a function of a module or class is called.

    `needs` says what must have happened before so that the moment comes at all: nothing, an order
    in doubt, or the claim of a dispatcher that died. `kinds` are the providers for which it comes.
    """

    place: str
    when: Literal["before", "after"]
    needs: Literal["", "doubt", "dead"] = ""
    kinds: tuple[str, ...] = ("none", "window", "lookup")


_DISPATCH = "clicktocall.calls.dispatch"
_RECORD = "clicktocall.calls.record"

POINTS = {
    "before the claim": Point(f"{_DISPATCH}.claim_due", "before"),
    "in the claim, not committed": Point("clicktocall.calls.claim._claim", "before"),
    "claimed": Point(f"{_DISPATCH}.claim_due", "after"),
    "order written": Point(f"{_DISPATCH}.order_of", "after"),
    "before the request": Point("urllib3.connection.HTTPConnection.request", "before"),
    "sent, no answer read": Point("urllib3.connection.HTTPConnection.getresponse", "before"),
    "answer read, not handed on": Point("clicktocall.calls.placing._result", "before"),
    "answer taken, not recorded": Point(f"{_DISPATCH}.record_placements", "before"),
    "placement applied, not committed": Point(f"{_RECORD}._store_references", "before"),
    "reference stored, not committed": Point(f"{_RECORD}._store_references", "after"),
    "recorded": Point(f"{_DISPATCH}.record_placements", "after"),
    "in recovery": Point("clicktocall.calls.recover.doubt", "before", needs="dead"),
    "doubt noted, not committed": Point(
        "clicktocall.calls.doubt.look_later", "before", needs="dead"
    ),
    "doubt judged": Point("clicktocall.calls.recover.doubt", "after", needs="dead"),
    "follow-up claimed": Point(
        f"{_DISPATCH}.may_be_repeated_until", "before", needs="doubt", kinds=("window", "lookup")
    ),
    "repeated, no answer read": Point(
        "urllib3.connection.HTTPConnection.getresponse",
        "before",
        needs="doubt",
        kinds=("window", "lookup"),
    ),
    "looked up, not recorded": Point(
        f"{_RECORD}._record_look_up", "before", needs="doubt", kinds=("lookup",)
    ),
}


def arm(point: Point, passing: int) -> None:
    """Let this process kill itself (SIGKILL) when it passes `point` for the n-th time."""
    owner_path, _, name = point.place.rpartition(".")
    owner = _owner(owner_path)
    original: Callable[..., Any] = getattr(owner, name)
    passed = 0

    @functools.wraps(original)
    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal passed
        passed += 1
        if point.when == "before" and passed == passing:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if point.when == "after" and passed == passing and result != []:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def _owner(path: str) -> Any:
    """A module, or a class in one."""
    from importlib import import_module

    try:
        return import_module(path)
    except ModuleNotFoundError:
        return import_string(path)
