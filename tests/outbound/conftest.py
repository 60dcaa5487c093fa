from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

AllowPrivately = Callable[..., None]


@pytest.fixture
def allow_privately(settings: Any) -> AllowPrivately:
    """Put hosts into the setting `ALLOWED_PRIVATE_HOSTS`."""

    def allow(*hosts: str) -> None:
        settings.CLICKTOCALL = {**settings.CLICKTOCALL, "ALLOWED_PRIVATE_HOSTS": list(hosts)}

    return allow
