"""The running server against its own contract: no server error, nothing undocumented."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from clicktocall.accounts.keys import issue_key
from clicktocall.api.contract.document import contract
from clicktocall.calls.events import apply_report
from clicktocall.models import Account, Bulk, Refusal, Scope
from clicktocall.orders import ReportedEvent
from clicktocall.states import CallState, EventKind, Leg, Outcome
from tests.embed.gunicorn import Server, serving
from tests.factories import make_account, make_attempt, make_call, make_endpoint, make_owned_number

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).with_name("schemathesis.toml")
_LIMIT = 300.0  # seconds


@pytest.fixture
def running(transactional_db: None, tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def api_key(transactional_db: None) -> str:
    """Of an account that has something of everything."""
    account = make_account()
    _, secret = issue_key(account, "schemathesis", Scope.values)
    make_owned_number(account)
    furnish(account)
    return secret


def furnish(account: Account) -> None:
    endpoint = make_endpoint(account, whitelist=(r"\+4420",))
    make_endpoint(account, name="Nobody has ever called it")
    bulk = Bulk.objects.create(account=account, client_id="reminders")
    make_call(endpoint, bulk=bulk)
    attempt = make_attempt(make_call(endpoint, state=CallState.PLACED))
    for event in (
        ReportedEvent(kind=EventKind.RINGING, leg=Leg.A, reference=attempt.reference),
        ReportedEvent(kind=EventKind.ANSWERED, leg=Leg.A, reference=attempt.reference),
        ReportedEvent(
            kind=EventKind.ENDED,
            reference=attempt.reference,
            outcome=Outcome.COMPLETED,
            talk_seconds=42,
            price=Decimal("0.0125"),
            currency="EUR",
        ),
    ):
        apply_report(event, alias="sandbox")
    Refusal.objects.create(endpoint=endpoint, rule="country_not_allowed", code="not_available")


def test_the_server_keeps_to_its_contract(running: Server, api_key: str, tmp_path: Path) -> None:
    schema = f"{running.base_url}/clicktocall/api/v1/schema/?format=json"
    told = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
            *("run", schema, "--no-color", "--checks", "all", "--mode", "all"),
            *("--phases", "examples,coverage,fuzzing,stateful", "--workers", "1"),
        ],
        cwd=tmp_path,
        env={**os.environ, "API_KEY": api_key},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=False,
    )
    said = told.stdout[-50_000:] + told.stderr[-5_000:]
    assert told.returncode == 0, said
    there_are = sum(len(methods) for methods in contract()["paths"].values())
    assert f"Selected: {there_are}/{there_are}" in said, said
    assert f"Tested: {there_are}" in said, said
