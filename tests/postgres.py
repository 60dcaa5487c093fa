"""A PostgreSQL server of our own for one command: `python -m tests.postgres -- pytest …`.

The server lives in a temporary folder on a free loopback port, is owned by the user `postgres`
when root starts it (PostgreSQL refuses root), and ends with the command. The command finds its
address in `CLICKTOCALL_TEST_DATABASE_URL`; an address that is set already is used as it is.
Without PostgreSQL the command is not run: that is success, unless `CLICKTOCALL_REQUIRE` names
`postgresql`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from demo_site.ports import any_free_port

URL = "CLICKTOCALL_TEST_DATABASE_URL"
_USER = "postgres"
# The data is thrown away, so nothing needs to reach the disk.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
}


class Unavailable(Exception):
    """Why no PostgreSQL server can be had here."""


def main(arguments: Sequence[str]) -> int:
    command = list(arguments[1:] if arguments[:1] == ["--"] else arguments)
    if not command:
        print("usage: python -m tests.postgres -- COMMAND …", file=sys.stderr)
        return 2
    if os.environ.get(URL):
        return _run(command, os.environ[URL])
    try:
        with server() as url:
            return _run(command, url)
    except Unavailable as reason:
        required = "postgresql" in os.environ.get("CLICKTOCALL_REQUIRE", "").split(",")
        print(f"{'failed' if required else 'skipped'}: PostgreSQL: {reason}", flush=True)
        return 1 if required else 0


@contextmanager
def server() -> Iterator[str]:
    """Run a server; gives the address of an empty database.

    Raises:
        Unavailable: PostgreSQL is not installed or does not start.
    """
    programs = _programs()
    become = _become()
    folder = Path(tempfile.mkdtemp(prefix="clicktocall-postgresql-"))
    data = folder / "data"
    try:
        if become:
            shutil.chown(folder, _USER)
        _do([*become, programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8"])
        port = any_free_port()
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        control: list[str | Path] = [*become, programs / "pg_ctl", "-D", data, "-w"]
        log: list[str | Path] = ["-l", folder / "log"]
        _do([*control, *log, "-o", f"-p {port} -k {folder} {options}", "start"])
        try:
            yield f"postgres://{_USER}@127.0.0.1:{port}/postgres"
        finally:
            _do([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """The folder of initdb and pg_ctl: the newest of Debian's, else that on the path."""
    debian = [
        path.parent
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if path.parent.parent.name.isdigit()
    ]
    if debian:
        return max(debian, key=lambda folder: int(folder.parent.name))
    on_path = shutil.which("initdb")
    if on_path and shutil.which("pg_ctl"):
        return Path(on_path).resolve().parent
    raise Unavailable("initdb is not installed (Debian: apt-get install postgresql)")


def _become() -> list[str]:
    """What goes before a command so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam(_USER)
    except KeyError:
        raise Unavailable(f"there is no user {_USER}, and PostgreSQL refuses root") from None
    if shutil.which("setpriv"):
        ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        return ["setpriv", *ids, "--"]
    return ["runuser", "-u", _USER, "--"]


def _do(command: Sequence[str | Path]) -> None:
    """Run a program of PostgreSQL; its output goes to a file, which no child keeps open."""
    with tempfile.TemporaryFile() as output:
        code = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
        ).returncode
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if code:
        raise Unavailable(f"{' '.join(map(str, command))} failed: {' '.join(said.split())}")


def _run(command: Sequence[str], url: str) -> int:
    return subprocess.run(command, env={**os.environ, URL: url}, check=False).returncode


def _end(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)  # leaves through `finally`, so the server stops too
    sys.exit(main(sys.argv[1:]))
