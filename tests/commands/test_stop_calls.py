"""`manage.py stop_calls`: the brake for whoever has a shell."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from clicktocall.models import Brake
from tests.factories import make_account

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("stop_calls", *arguments, stdout=out)
    return out.getvalue()


def test_everything_is_stopped_and_goes_on() -> None:
    assert run("--list") == "Nothing is stopped.\n"
    assert "Stopped: the whole site." in run("--reason", "fraud")
    listed = run("--list")
    assert "the whole site" in listed
    assert "fraud" in listed
    assert "Calls are placed again." in run("--resume")
    assert not Brake.objects.exists()


def test_one_account_or_provider() -> None:
    account = make_account(name="Bicycles")
    assert "one account Bicycles" in run("--account", account.pk)
    assert "one provider sandbox" in run("--provider", "sandbox")
    assert len(run("--list").splitlines()) == 2
    run("--account", account.pk, "--resume")
    assert Brake.objects.get().provider == "sandbox"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--provider", "sanbox"), "configured are: sandbox"),
        (("--account", "0" * 32), "There is no account"),
        (("--resume",), "Nothing is stopped at all"),
    ],
)
def test_what_cannot_be_stopped_is_said(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        run(*arguments)
    assert not Brake.objects.exists()


def test_what_is_stopped_instead_is_said() -> None:
    run("--provider", "sandbox")
    with pytest.raises(CommandError, match="Stopped are: one provider sandbox"):
        run("--resume")


def test_the_brake_of_a_provider_that_is_no_longer_configured_can_be_let_go(settings: Any) -> None:
    run("--provider", "sandbox")
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": {}}
    run("--provider", "sandbox", "--resume")
    assert not Brake.objects.exists()
