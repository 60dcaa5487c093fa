from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from clicktocall.models import Endpoint
from clicktocall.providers.sandbox import SandboxProvider
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


class TellsTheEnd(SandboxProvider):
    """As several services are: nothing is reported before the call is over."""

    reports_progress = False


@pytest.fixture
def tells_the_end(settings: Settings) -> str:
    """The alias of a second provider, which only reports the end of a call."""
    known = settings.CLICKTOCALL["PROVIDERS"]
    quiet = {**known["sandbox"], "BACKEND": f"{__name__}.{TellsTheEnd.__name__}"}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": {**known, "quiet": quiet}}
    return "quiet"


@pytest.fixture(scope="module")
def processes(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Real web server processes on the tests' database."""
    with serving(tmp_path_factory.mktemp("gunicorn")) as server:
        yield server


@pytest.fixture
def gunicorn(transactional_db: None, processes: Server) -> Server:
    """The web server; rows must be committed for it to see them."""
    return processes
