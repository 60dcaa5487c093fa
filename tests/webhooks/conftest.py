from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.webhooks.receiver import Receiver


@pytest.fixture(autouse=True)
def loopback_allowed(settings: Any) -> None:
    """The receivers of these tests are on this machine."""
    settings.CLICKTOCALL = {
        **settings.CLICKTOCALL,
        "PUBLIC_URL": "http://testserver/clicktocall/",
        "ALLOWED_PRIVATE_HOSTS": ["127.0.0.1"],
    }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running
