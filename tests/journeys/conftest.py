from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The whole product, a little faster than life: slow enough to watch every state."""
    from tests.product_process import running

    with running(tmp_path_factory.mktemp("journeys"), speed=1.5) as started:
        yield started
