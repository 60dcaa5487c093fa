"""The body of an answer, piece by piece, within limits of time and size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import requests

from clicktocall.exceptions import ProviderError, ProviderRefused

LARGEST_DOWNLOAD = 200 * 1024 * 1024  # bytes
LONGEST_DOWNLOAD = 300.0  # seconds, from the head of the answer to its last byte
PIECE = 64 * 1024  # bytes


class Download:
    """A file on its way: iterate over it once, and close it in any case.

    Header names are lower case; `length` is what the server declared, in bytes, or None. It
    closes itself after the last piece and when something fails.
    """

    def __init__(
        self,
        response: requests.Response,
        opened: ExitStack,
        *,
        largest: int,
        fault: Callable[[Exception], ProviderError],
    ) -> None:
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.length: int | None = response.raw.length_remaining
        self._opened = opened
        self._largest = largest
        self._fault = fault
        self._raw: Iterator[bytes] = response.raw.stream(PIECE, decode_content=False)

    def __iter__(self) -> Iterator[bytes]:
        """The pieces, none larger than `PIECE`.

        Raises:
            ProviderUnavailable: it broke off, fell silent or took too long.
            ProviderRefused: it is larger than we take.
        """
        received = 0
        try:
            while piece := self._next_piece():
                received += len(piece)
                if received > self._largest:
                    raise too_large(self._largest)
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Drop the connection; twice is no error."""
        self._opened.close()

    def _next_piece(self) -> bytes:
        piece = self._read()
        if isinstance(piece, ProviderError):
            raise piece
        return piece

    def _read(self) -> bytes | ProviderError:
        # Returned, not raised: see `HttpClient._exchange`.
        try:
            return next(self._raw, b"")
        except Exception as error:  # noqa: BLE001 (whichever: the rest does not come)
            return self._fault(error)


def too_large(largest: int) -> ProviderRefused:
    return ProviderRefused(f"It is larger than the {largest} bytes that are fetched at most.")
