"""Sockets that are done with by a moment, however slowly the other side reads or drips."""

from __future__ import annotations

import io
import socket
import time
from typing import Any


class Deadline:
    """A moment by which something has to be over.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self._moment = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then, more than 0.

        Raises:
            TimeoutError: the moment has passed.
        """
        seconds = self._moment - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("it took too long")
        return seconds


class DeadlineReader(io.RawIOBase):
    """Reads a socket until a moment, however slowly the other side drips.

    The moment is as far away as the socket's timeout, which is also the longest silence.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._silence = sock.gettimeout()
        if self._silence is not None:
            self.allow(self._silence)

    def allow(self, seconds: float) -> None:
        """From now, this long for the rest."""
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._silence is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self._sock.settimeout(min(left, self._silence))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class DeadlineSocket:
    """What `http.client` needs of a connected socket, with one deadline for all of it.

    `may_have_left` says whether a byte may have left this machine.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, silence: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._silence = silence
        self.may_have_left = False

    def sendall(self, data: bytes) -> None:
        self.may_have_left = True
        rest = memoryview(data)
        while rest:
            self._hurry()
            rest = rest[self._sock.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._sock.settimeout(self._silence)
        reader = DeadlineReader(self._sock)
        reader.allow(self._deadline.left())
        return io.BufferedReader(reader, 16 * 1024)

    def close(self) -> None:
        self._sock.close()

    def _hurry(self) -> None:
        self._sock.settimeout(min(self._deadline.left(), self._silence))
