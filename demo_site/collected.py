"""Static files, collected again only when a source has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import django
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def collect_changed(folder: Path, *, before: Callable[[], None]) -> bool:
    """Run `collectstatic` unless the last run, noted in `folder`, saw the same sources.

    `before` is called first when there is something to do. Returns whether there was.
    """
    note = folder / "static.sha256"
    fingerprint = _fingerprint()
    if note.exists() and note.read_text() == fingerprint:
        return False
    before()
    note.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    note.write_text(fingerprint)
    return True


def _fingerprint() -> str:
    return hashlib.sha256("\n".join(sorted(_sources())).encode()).hexdigest()


def _sources() -> Iterator[str]:
    yield f"Django {django.__version__}"
    for finder in get_finders():
        for path, storage in finder.list([]):
            state = Path(storage.path(path)).stat()
            yield f"{path} {state.st_size} {state.st_mtime_ns}"
