"""The log of every request: one JSON line each, on the disk before its answer leaves.

Whoever doubts how many phones were rung reads it; it survives the process being killed.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ACCEPTED = "accepted"


class NotLogged(Exception):
    """A request that must not be answered, because the log does not know it."""


class RequestLog:
    """Appends lines to a file; without one it only has the interface.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._path = path
        self._file = -1
        if path is not None:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            _sync_folder(path.parent)

    def write(self, line: dict[str, Any]) -> None:
        """Return only when the line is on the disk.

        Raises:
            NotLogged: it could not be written.
        """
        if self._path is None:
            return
        told = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}
        whole = json.dumps(told).encode() + b"\n"
        with self._lock:
            try:
                written = os.write(self._file, whole)
                os.fsync(self._file)
            except OSError as error:
                raise NotLogged(f"{self._path}: {error.strerror}") from error
            if written < len(whole):
                raise NotLogged(f"{self._path}: only a part of a line could be written")

    def close(self) -> None:
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1


def read_log(path: Path) -> list[dict[str, Any]]:
    """Every line of a log, without the torn last one that a crash of the machine can leave."""
    whole, _, _torn = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


def phones_rung(path: Path) -> list[str]:
    """The first phone of every message that was taken, in the order of the log.

    A message that was taken is dialled, now or when it is due; a click-to-call may ring a second
    phone after it. A number that stands here twice was rung twice.
    """
    return [
        message["numbers"][0]
        for line in read_log(path)
        for message in line.get("messages", ())
        if message["decision"] == ACCEPTED
    ]


def _sync_folder(folder: Path) -> None:
    """Keep the name of a new file too; some file systems cannot, and have no need to."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
