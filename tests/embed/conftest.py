from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clicktocall.models import Endpoint
from tests.embed.gunicorn import Server, serving
from tests.embed.visitor import Browser
from tests.factories import make_endpoint


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    return make_endpoint()


@pytest.fixture
def visitor(endpoint: Endpoint) -> Browser:
    """A visitor on an allowed page of the endpoint."""
    return Browser(endpoint)


@pytest.fixture
def gunicorn(transactional_db: None, tmp_path: Path) -> Iterator[Server]:
    """Real web server processes on this test's database; rows must be committed to be seen."""
    with serving(tmp_path) as server:
        yield server
