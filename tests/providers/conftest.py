from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clicktocall.orders import CallOrder
from clicktocall.providers.sandbox import SandboxProvider
from clicktocall.providers.sandbox.simulator import Simulator
from tests.providers.loopback import CallbackReceiver
from tests.providers.orders import make_one_leg_order, make_order
from tests.providers.sandbox_client import API_KEY

SPEED = 40.0


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    receiver = CallbackReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def start_simulator() -> Iterator[Callable[..., Simulator]]:
    started: list[Simulator] = []

    def start(**options: Any) -> Simulator:
        given = {"port": 0, "api_key": API_KEY, "speed": SPEED, "first_pause": 0.02}
        simulator = Simulator(**{**given, **options})
        simulator.start()
        started.append(simulator)
        return simulator

    yield start
    for simulator in started:
        simulator.stop()


@pytest.fixture
def simulator(start_simulator: Callable[..., Simulator]) -> Simulator:
    return start_simulator()


@pytest.fixture
def provider(simulator: Simulator) -> SandboxProvider:
    return SandboxProvider("box", {"BASE_URL": simulator.address, "API_KEY": API_KEY})


@pytest.fixture
def new_order(receiver: CallbackReceiver) -> Callable[..., CallOrder]:
    """`make_order` that reports to the receiver."""

    def new(story: str = "completed", **changes: Any) -> CallOrder:
        return make_order(story, **{"callback_url": receiver.url, **changes})

    return new


@pytest.fixture
def new_one_leg_order(receiver: CallbackReceiver) -> Callable[..., CallOrder]:
    def new(story: str = "completed", **changes: Any) -> CallOrder:
        return make_one_leg_order(story, **{"callback_url": receiver.url, **changes})

    return new
