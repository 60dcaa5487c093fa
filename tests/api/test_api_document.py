"""docs/api.md says what is so: its table of errors, and its commands really work."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from clicktocall.api.errors import PROBLEMS
from clicktocall.models import Call
from clicktocall.states import CallState, Outcome
from tests.api.server import Server
from tests.embed.gunicorn import serving

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENT = (CHECKOUT / "docs" / "api.md").read_text()


def test_the_table_of_errors_is_the_catalogue() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert rows == [(code, str(status), when) for code, (status, when) in PROBLEMS.items()]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_journey_works(server: Server, transactional_db: None, tmp_path: Path) -> None:
    (commands,) = re.findall(r"^```sh\n(send\(\).+?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    with serving(tmp_path, workers=1) as running:
        told = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "KEY": server.secret,
                "API": f"{running.base_url}/clicktocall/api/v1",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    assert told.returncode == 0, told.stderr + told.stdout
    call = Call.objects.get()
    assert call.client_reference == "order-2026-1187"
    assert (call.state, call.outcome) == (CallState.ENDED, Outcome.CANCELED)


@pytest.mark.parametrize("address", ["schema/", "docs/"])
def test_the_addresses_it_names_are_served(server: Server, address: str) -> None:
    assert f"api/v1/{address}" in DOCUMENT
    assert server.client.get(f"/clicktocall/api/v1/{address}").status_code == 200


def test_every_rule_that_refuses_is_named() -> None:
    rules = CHECKOUT / "clicktocall" / "rules"
    named = {
        name
        for file in rules.glob("*.py")
        for name in re.findall(r'Refusal\(\s*"([a-z_]+)"', file.read_text())
    }
    reasons = re.findall(
        r'InvalidNumber\(\s*"([a-z_]+)"', (rules.parent / "numbers.py").read_text()
    )
    expected = named | {f"number_{reason}" for reason in reasons}
    section = DOCUMENT.partition("What `refusal` names")[2].partition("With 429")[0]
    table = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]

    assert len(expected) > 10
    assert set(re.findall(r"`([a-z_]+)`", " ".join(table))) == expected
