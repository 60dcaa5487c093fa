"""Fetching a recording from where its provider keeps it."""

from __future__ import annotations

import re
from collections.abc import Callable

from clicktocall.exceptions import ProviderError, ProviderRefused, RecordingGone
from clicktocall.providers.base import RecordingStream
from clicktocall.providers.http.answer import Answer, certain, failure
from clicktocall.providers.http.client import HttpClient
from clicktocall.providers.http.download import Download
from clicktocall.providers.http.redaction import redacted, secrets_of_address

_GONE = frozenset({404, 410})
_AUDIO = re.compile(r"audio/[a-z0-9][a-z0-9.+-]{0,60}")


def _no_words(_answer: Answer) -> str:
    return ""


def fetch_recording(
    client: HttpClient, address: str, *, words: Callable[[Answer], str] = _no_words
) -> RecordingStream:
    """The recording at `address`, which must be one of the client's own provider.

    Args:
        words: the provider's reason, where the adapter can read it out of an answer.

    Raises:
        RecordingGone: the provider no longer has it.
        ProviderRefused: a certain no, theirs or ours: another host, no sound, too large.
        ProviderThrottled: ask again later.
        ProviderUnavailable: it cannot be fetched now.
    """
    found = client.stream(address, headers={"Accept": "audio/*"})
    if isinstance(found, Answer):
        raise _why_not(found, redacted(words(found), secrets_of_address(address)))
    try:
        return RecordingStream(_sound(found), found.length, iter(found), found.close)
    except ProviderRefused:
        found.close()
        raise


def _sound(download: Download) -> str:
    """The type of the sound without its parameters.

    Raises:
        ProviderRefused: it is not sound; a provider's page must not be served as if it were ours.
    """
    told = download.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _AUDIO.fullmatch(told):
        raise ProviderRefused("What the provider keeps there is not a sound file.")
    if download.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ProviderRefused("The provider sent the sound compressed, which nobody asked for.")
    return told


def _why_not(answer: Answer, words: str) -> ProviderError | RecordingGone:
    if answer.status in _GONE:
        return RecordingGone(f"The provider no longer has the recording ({answer.status}).")
    if 300 <= answer.status < 400:
        return ProviderRefused(f"{answer.status}: it points elsewhere, which is not followed.")
    return certain(failure(answer, words=words))
