"""Chromium for the tests: Debian's, or the one that `CHROMIUM` names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # It must not look for its maker's servers.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Unavailable(Exception):
    """Why no browser can be had here."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium.

    Raises:
        Unavailable: none is installed, or what drives it does not run.
    """
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        raise Unavailable("Chromium is not installed (Debian: apt-get install chromium)")
    # As root Chromium refuses to start with its sandbox.
    flags = [*_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(_FLAGS)
    with ExitStack() as stack:
        try:
            playwright = stack.enter_context(sync_playwright())
        except Exception as error:  # a plain one, when a library of its driver is missing
            raise Unavailable(f"Playwright does not start: {error}") from error
        browser = playwright.chromium.launch(executable_path=found, args=flags, headless=True)
        try:
            yield browser
        finally:
            browser.close()
