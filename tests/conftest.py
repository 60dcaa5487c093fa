"""What tests of every room share: a browser, the running product, screenshots."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.postgres import URL

SCREENSHOTS = Path(__file__).parent / "screenshots"

_FIXTURE_MARKS = {
    "browser": "browser",
    "product": "product",
    "db": "database",
    "transactional_db": "database",
}
# What these say is about pages, words and who may ask, and is the same on every database.
_SAME_ON_BOTH = (
    "tests/admin/",
    "tests/api/test_api_document.py",
    "tests/api/test_connect.py",
    "tests/api/test_docs_page.py",
    "tests/api/test_endpoints.py",
    "tests/api/test_hostile.py",
    "tests/api/test_leaks.py",
    "tests/api/test_messages.py",
    "tests/api/test_schema.py",
    "tests/callbacks/test_fuzz.py",
    "tests/embed/test_config.py",
    "tests/embed/test_hostile_bodies.py",
    "tests/embed/test_origin.py",
    "tests/heart/test_audio.py",
    "tests/heart/test_options.py",
    "tests/heart/test_rules.py",
    "tests/outbound/",
    "tests/providers/test_matrix.py",
    "tests/test_docs.py",
    "tests/webhooks/test_bodies.py",
)
_REQUIRED = frozenset(filter(None, os.environ.get("CLICKTOCALL_REQUIRE", "").split(",")))


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they use, and give the heavy fixtures to one worker."""
    for item in items:
        for fixture, mark in _FIXTURE_MARKS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
        if item.nodeid.startswith(_SAME_ON_BOTH):
            item.add_marker("same_on_both")
        if item.get_closest_marker("django_db"):
            item.add_marker("database")
        _group(item)
        if item.get_closest_marker("postgresql") and not os.environ.get(URL):
            item.add_marker(pytest.mark.skip(reason=f"PostgreSQL: {URL} is not set"))


def _group(item: pytest.Item) -> None:
    """Tests that share something heavy run one after the other, in one worker."""
    if item.get_closest_marker("browser") or item.get_closest_marker("product"):
        item.add_marker(pytest.mark.xdist_group("product"))
    elif "gunicorn" in getattr(item, "fixturenames", ()):  # started once for a file
        item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test counts as failed when `CLICKTOCALL_REQUIRE` names what it needs."""
    report = yield
    needed = sorted(name for name in _REQUIRED if item.get_closest_marker(name))
    if report.skipped and needed:
        report.outcome = "failed"
        report.longrepr = f"{', '.join(needed)} required, but skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium (`playwright.sync_api.Browser`)."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    assert playwright
    from tests.browser import Unavailable, chromium

    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with chromium() as running_browser:
            yield running_browser
    except Unavailable as reason:
        pytest.skip(f"browser: {reason}")


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page in a fresh context; the test fails when a script of the page did."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(10_000)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


@pytest.fixture
def shoot() -> Callable[[Any, str], Path]:
    """Save a screenshot: `shoot(page, "widget-connected")`; returns its file."""

    def save(page: Any, name: str) -> Path:
        SCREENSHOTS.mkdir(exist_ok=True)
        file = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=file)
        return file

    return save


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The whole product running (`tests.product_process.Product`), 20 times faster than life."""
    from tests.product_process import running

    with running(tmp_path_factory.mktemp("product")) as started:
        yield started


@pytest.fixture
def on_postgresql() -> bool:
    """Whether this run's database is PostgreSQL."""
    return connection.vendor == "postgresql"
