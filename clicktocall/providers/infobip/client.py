"""The account's own client: Infobip names the type of some recordings only as "a file"."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from clicktocall.dialects.infobip.paths import recording_file
from clicktocall.providers.http import (
    LARGEST_DOWNLOAD,
    LONGEST_DOWNLOAD,
    Answer,
    Download,
    HttpClient,
)

_FILES = recording_file("")
_SOME_FILE = "application/octet-stream"
_WAV = "audio/wav"


class InfobipClient(HttpClient):
    """An `HttpClient` for which a file among the recordings is sound."""

    def stream(
        self,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        largest: int = LARGEST_DOWNLOAD,
        within: float = LONGEST_DOWNLOAD,
    ) -> Download | Answer:
        found = super().stream(address, headers=headers, largest=largest, within=within)
        if isinstance(found, Download) and urlsplit(address).path.startswith(_FILES):
            told = found.headers.get("content-type", "").partition(";")[0].strip().lower()
            if told == _SOME_FILE:
                found.headers["content-type"] = _WAV
        return found
