"""Looking into a running simulator, as a tester with its key may."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests

from clicktocall.orders import CallOrder
from clicktocall.providers.sandbox.simulator import Simulator

API_KEY = "sandbox-key-CANARY-7731"


def ask(
    simulator: Simulator, method: str, path: str, *, api_key: str = API_KEY, **request: Any
) -> requests.Response:
    headers = {"Authorization": f"Bearer {api_key}", **request.pop("headers", {})}
    return requests.request(
        method, f"{simulator.address}{path}", headers=headers, timeout=5, **request
    )


def look_up(simulator: Simulator, order: CallOrder) -> dict[str, Any]:
    """What the simulator knows of the call it was ordered."""
    answer = ask(simulator, "GET", f"/calls/{order.reference}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def wait_for_state(simulator: Simulator, order: CallOrder, state: str) -> dict[str, Any]:
    wait_until(lambda: look_up(simulator, order)["state"] == state)
    return look_up(simulator, order)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)
