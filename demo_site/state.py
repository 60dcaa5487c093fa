"""What the demo keeps between starts: its folder, its generated secrets, and where it runs."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_SECRET_BYTES = 48


class StateError(Exception):
    """The state folder cannot be used; the message is one line for the person who started us."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Random texts that must stay the same from one start to the next."""

    secret_key: str
    sandbox_api_key: str
    callback_secret: str

    @classmethod
    def generate(cls) -> Self:
        return cls(*(secrets.token_urlsafe(_SECRET_BYTES) for _ in cls.__slots__))

    def api_key(self, provider: str) -> str:
        """What this provider's simulator wants to be shown."""
        return self.sandbox_api_key if provider == "sandbox" else self._derived(provider, "key")

    def callback(self, provider: str) -> str:
        """The secret in the address this provider reports to."""
        return self.callback_secret if provider == "sandbox" else self._derived(provider, "reports")

    def _derived(self, *purpose: str) -> str:
        """Another secret, always the same: folders made before there was a need have it too."""
        return hmac.new(self.secret_key.encode(), " ".join(purpose).encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Running:
    """Where the last start listened and whom it called with, for commands in another shell.

    `sandbox_port` is that of the simulated provider, whichever it is.
    """

    port: int
    sandbox_port: int
    provider: str = "sandbox"


def state_folder(environ: Mapping[str, str], base: Path) -> Path:
    """`DEMO_STATE_DIR`, or `.demo` in the checkout; created when missing, for the owner only.

    Raises:
        StateError: it cannot be created.
    """
    folder = Path(environ.get("DEMO_STATE_DIR") or base / ".demo").absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"Cannot create the folder {folder}: {error.strerror}.") from error
    return folder


def load_secrets(folder: Path) -> Secrets:
    """The secrets of this folder, generated the first time; processes that race get the same.

    Raises:
        StateError: the file cannot be read, written or understood.
    """
    path = folder / "secrets.json"
    try:
        if not path.exists():
            _write_new(path, asdict(Secrets.generate()))
        path.chmod(0o600)
        return Secrets(**json.loads(path.read_text()))
    except OSError as error:
        raise StateError(f"Cannot use {path}: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise StateError(f"{path} is damaged; delete it and start again.") from error


def load_running(folder: Path) -> Running | None:
    """Where the demo was last started; None if never, or if the note cannot be read."""
    try:
        return Running(**json.loads((folder / "run.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def save_running(folder: Path, running: Running) -> None:
    """Note where the demo runs now."""
    temporary = _write_temporary(folder / "run.json", asdict(running))
    temporary.replace(folder / "run.json")


def _write_new(path: Path, content: Mapping[str, object]) -> None:
    """Create `path` in one step; whoever comes second keeps what is there."""
    temporary = _write_temporary(path, content)
    try:
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()


def _write_temporary(path: Path, content: Mapping[str, object]) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    return temporary
