"""What `make run` refuses to start with: one line that says what to do, and a non-zero exit."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.product_process import CHECKOUT, clean_environ


def run(state_dir: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo_site.run"],
        cwd=CHECKOUT,
        env=clean_environ() | {"DEMO_STATE_DIR": str(state_dir)} | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_busy_port(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run(tmp_path, PORT=str(port))
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"Port {port} is in use.")
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "web"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "٨٠٠٠"),
        ("HOST", "192.0.2.1"),
        ("DEMO_SPEED", "fast"),
        ("DEMO_SPEED", "nan"),
        ("DEMO_API_KEY", "short"),
        ("PROVIDER", "pigeon"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:9/nothing"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3"),
        ("DATABASE_URL", "nonsense://"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://user:word@127.0.0.1/name"),
        ("DEMO_STATE_DIR", "/dev/null/state"),
    ],
)
def test_a_setting_that_cannot_be_used(tmp_path, name, value):
    from demo_site.ports import any_free_port

    ended = run(tmp_path, **{"PORT": str(any_free_port()), name: value})
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_provider_is_told_which_there_are(tmp_path):
    from demo_site.ports import any_free_port

    ended = run(tmp_path, PORT=str(any_free_port()), PROVIDER="pigeon")
    assert ended.stderr == "PROVIDER must be sandbox or infobip, not 'pigeon'.\n"
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_providers():
    ended = subprocess.run(
        [sys.executable, "-m", "demo_site.run", "--help"],
        cwd=CHECKOUT,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert re.search(r"PROVIDER +which provider is simulated: sandbox or infobip", ended.stdout)
