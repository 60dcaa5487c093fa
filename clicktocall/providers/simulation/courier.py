"""Carrying reports to customers: one POST, and why it was not taken."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import requests


class Courier:
    """Posts bodies, each thread over connections of its own; nothing of the host's is asked.

    Args:
        name: of the provider, for the `User-Agent` header.
        headers: sent with every POST.
    """

    def __init__(self, name: str, headers: Mapping[str, str] | None = None) -> None:
        self._headers = {"User-Agent": f"clicktocall-{name}", **(headers or {})}
        self._thread = threading.local()

    def post(
        self, url: str, body: bytes, content_type: str, *, timeout: tuple[float, float]
    ) -> str:
        """Post once; returns in a word why it was not taken, "" when it was.

        Args:
            timeout: seconds to connect, and to answer.
        """
        try:
            answer = self._session().post(
                url,
                data=body,
                headers={"Content-Type": content_type},
                timeout=timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return type(error).__name__  # its message would quote the secret address
        return "" if 200 <= answer.status_code < 300 else str(answer.status_code)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._thread, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.headers.update(self._headers)
            self._thread.session = session
        return session
