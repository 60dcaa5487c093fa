"""Keeping secrets out of texts and log lines."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

Redact = Callable[[str], str]

SHORTEST_SECRET = 4

# By what the log lines of the current thread lose their secrets.
_logging = threading.local()


def spellings(secrets: Sequence[str]) -> tuple[str, ...]:
    """Every form in which a secret may come back to us, the longest first."""
    found = set()
    for secret in secrets:
        if len(secret) < SHORTEST_SECRET:
            continue
        in_base64 = base64.b64encode(secret.encode()).decode()
        in_json = json.dumps(secret)[1:-1]
        found |= {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
        found |= {in_base64, quote(in_base64, safe=""), in_json}
    return tuple(sorted(found, key=len, reverse=True))


def redacted(text: str, secrets: Sequence[str]) -> str:
    """The text with stars for each of the secrets; give them in every spelling, longest first."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def secrets_of_address(address: str) -> tuple[str, ...]:
    """What opens a signed link: its query and every value in it, in every spelling."""
    query = urlsplit(address).query
    return spellings([query, *(value for _, value in parse_qsl(query))])


@contextmanager
def logs_redacted(redact: Redact) -> Iterator[None]:
    """What this thread logs of HTTP inside the block loses its secrets by `redact`."""
    _logging.redact = redact
    try:
        yield
    finally:
        _logging.redact = None


class _LogRedaction(logging.Filter):
    """urllib3 logs whole addresses and odd answers; ours lose their secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        redact: Redact | None = getattr(_logging, "redact", None)
        if redact is not None:
            record.msg, record.args = redact(record.getMessage()), None
            record.exc_info = record.exc_text = None  # quotes what came back
        return True


for _name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_LogRedaction())
