"""The one HTTP client of all providers. It knows whether a request may have left this machine.

Nothing is sent twice, redirects are not followed, TLS is always verified, the environment
(proxies, netrc, certificate variables) is not consulted, and no secret reaches an error or a log.
"""

from clicktocall.providers.http.answer import (
    LARGEST_ANSWER,
    LONGEST_RETRY_AFTER,
    LONGEST_WORDS,
    Answer,
    failure,
)
from clicktocall.providers.http.client import USER_AGENT, HttpClient
from clicktocall.providers.http.download import (
    LARGEST_DOWNLOAD,
    LONGEST_DOWNLOAD,
    Download,
)
from clicktocall.providers.http.options import DEFAULT_TIMEOUT
from clicktocall.providers.http.recording import fetch_recording
from clicktocall.providers.http.redaction import SHORTEST_SECRET
from clicktocall.providers.http.transport import CONNECTIONS_KEPT, IDLE_LIMIT

__all__ = [
    "CONNECTIONS_KEPT",
    "DEFAULT_TIMEOUT",
    "IDLE_LIMIT",
    "LARGEST_ANSWER",
    "LARGEST_DOWNLOAD",
    "LONGEST_DOWNLOAD",
    "LONGEST_RETRY_AFTER",
    "LONGEST_WORDS",
    "SHORTEST_SECRET",
    "USER_AGENT",
    "Answer",
    "Download",
    "HttpClient",
    "failure",
    "fetch_recording",
]
