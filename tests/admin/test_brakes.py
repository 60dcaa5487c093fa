"""Stopping calls in the admin, who may, and what the other pages say meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from clicktocall.calls.brakes import stop_calls
from clicktocall.models import Brake, BrakeScope, Call, Circuit, Role
from clicktocall.signals import calls_resumed, calls_stopped
from clicktocall.states import CallState
from tests.admin.conftest import House, list_of, page_of
from tests.admin.forms import filled_form
from tests.embed.visitor import Browser
from tests.factories import make_account, make_attempt, make_call, make_endpoint

pytestmark = pytest.mark.django_db

ADD = list_of(Brake, "add")


def stop(client: Client, **told: Any) -> Any:
    """Fill in the form, and press the button."""
    return client.post(ADD, filled_form(client.get(ADD), **told))


def errors_of(answer: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = answer.context["adminform"].form.errors
    return found


@pytest.mark.parametrize("scope", BrakeScope.values)
def test_adding_stops_and_deleting_resumes_from_the_next_request_on(
    superuser: Client, scope: str, django_capture_on_commit_callbacks: Any
) -> None:
    endpoint = make_endpoint()
    visitor = Browser(endpoint)
    named = {"account": endpoint.account_id, "provider": "sandbox"}
    chosen = {scope: named[scope]} if scope in named else {}
    heard: list[str] = []

    def hear(brake: Brake, signal: Any, **_: Any) -> None:
        heard.append("stopped" if signal is calls_stopped else "resumed")

    calls_stopped.connect(hear)
    calls_resumed.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            answer = stop(superuser, scope=scope, reason="fraud", **chosen)
        assert answer.status_code == 302, errors_of(answer)
        brake = Brake.objects.get()
        assert (brake.scope, brake.reason, brake.pulled_by) == (scope, "fraud", "root")
        assert visitor.connect().status_code == 503

        shown = superuser.get(list_of(Brake)).content.decode()
        assert "fraud" in shown
        assert "root" in shown
        page = superuser.get(page_of(brake))
        assert "Place calls again" in page.content.decode()
        assert "fraud" in page.content.decode()
        assert "Place calls again?" in superuser.get(page_of(brake, "delete")).content.decode()

        with django_capture_on_commit_callbacks(execute=True):
            superuser.post(page_of(brake, "delete"), {"post": "yes"})
    finally:
        calls_stopped.disconnect(hear)
        calls_resumed.disconnect(hear)
    assert not Brake.objects.exists()
    assert visitor.connect().status_code == 202
    assert heard == ["stopped", "resumed"]


def test_several_are_resumed_at_once(superuser: Client) -> None:
    brakes = [stop_calls(), stop_calls(provider="sandbox")]
    ids = [brake.pk for brake in brakes]
    superuser.post(
        list_of(Brake), {"action": "delete_selected", "_selected_action": ids, "post": "yes"}
    )
    assert not Brake.objects.exists()


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"scope": ""}, "scope"),
        ({"scope": "account"}, "account"),
        ({"scope": "provider"}, "provider"),
        ({"scope": "provider", "provider": "no such"}, "provider"),
        ({"scope": "site", "provider": "sandbox"}, "provider"),
        ({"scope": "site", "account": "ours"}, "account"),
        ({"scope": "account", "account": "ours", "provider": "sandbox"}, "provider"),
    ],
)
def test_nobody_who_means_a_part_stops_everything(
    superuser: Client, told: dict[str, str], wrong: str
) -> None:
    account = make_account()
    given = {name: account.pk if value == "ours" else value for name, value in told.items()}
    assert set(errors_of(stop(superuser, **given))) == {wrong}
    assert not Brake.objects.exists()


def test_what_is_stopped_is_not_stopped_again(superuser: Client) -> None:
    brake = stop_calls(provider="sandbox", reason="first")
    answer = stop(superuser, scope="provider", provider="sandbox", reason="second")
    assert "stopped already" in answer.content.decode()
    assert Brake.objects.get() == brake
    assert stop(superuser, scope="site").status_code == 302


# --- Who may --------------------------------------------------------------------------------


def test_a_manager_stops_and_resumes_the_own_account_only(
    house: Callable[..., House], member: Callable[..., Client]
) -> None:
    account, other = make_account(name="Ours"), make_account(name="Theirs")
    manager = member(account, Role.MANAGER)
    form = manager.get(ADD).context["adminform"].form
    assert list(form.fields["account"].queryset) == [account]
    assert form.initial["account"] == account.pk
    assert "scope" not in form.fields

    for stolen in (
        {"account": other.pk},
        {"scope": "site", "account": ""},
        {"provider": "sandbox"},
    ):
        assert stop(manager, **stolen).status_code == 200, stolen
        assert not Brake.objects.exists(), stolen

    assert stop(manager, reason="holidays").status_code == 302
    brake = Brake.objects.get()
    assert (brake.scope, brake.account) == (BrakeScope.ACCOUNT, account)
    manager.post(page_of(brake, "delete"), {"post": "yes"})
    assert not Brake.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, "nobody"])
def test_others_stop_nothing(role: str, member: Callable[..., Client]) -> None:
    account = make_account()
    client = member(None if role == "nobody" else account, role)
    brake = stop_calls(account=account)
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, {"account": account.pk}).status_code == 403
    client.post(page_of(brake, "delete"), {"post": "yes"})
    assert Brake.objects.get() == brake


@pytest.mark.parametrize("role", [*Role.values, "nobody"])
def test_what_concerns_the_site_is_for_superusers(role: str, member: Callable[..., Client]) -> None:
    client = member(None if role == "nobody" else make_account(), role)
    brakes = [stop_calls(reason="fraud"), stop_calls(provider="sandbox", reason="fraud")]
    assert "fraud" not in client.get(list_of(Brake)).content.decode()
    for brake in brakes:
        assert client.get(page_of(brake)).status_code in (302, 403)
        client.post(page_of(brake, "delete"), {"post": "yes"})
    assert Brake.objects.count() == 2


def test_a_manager_without_djangos_permission_stops_nothing(ours: House) -> None:
    client = Client()
    client.force_login(User.objects.get(username="OURS-owner"))
    assert client.get(ADD).status_code == 403


# --- What the other pages say ---------------------------------------------------------------


def notices(client: Client, page: str) -> list[str]:
    return [str(notice) for notice in client.get(page).context["notices"]]


def fails(provider: str, *, seconds: float = 30) -> None:
    until = timezone.now() + timedelta(seconds=seconds)
    Circuit.objects.create(provider=provider, failures=9, open_until=until, words="refused")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("site", "All calls of this site are stopped since"),
        ("account", "The calls of Ours are stopped since"),
        ("provider", "Calls through Sandbox (sandbox) are stopped since"),
        ("circuit", "Sandbox (sandbox) fails and is left alone until"),
    ],
)
def test_the_endpoint_and_the_history_say_what_holds_the_calls(
    superuser: Client, member: Callable[..., Client], what: str, said: str
) -> None:
    account = make_account(name="Ours")
    endpoint = make_endpoint(account, name="Sales")
    make_call(endpoint)
    viewer = member(account, Role.VIEWER)
    pages = (page_of(endpoint), list_of(Call))
    before = {page: notices(viewer, page) for page in pages}
    assert before[list_of(Call)] == []
    scopes: dict[str, dict[str, Any]] = {
        "site": {},
        "account": {"account": account},
        "provider": {"provider": "sandbox"},
    }
    if what == "circuit":
        fails("sandbox")
    else:
        stop_calls(**scopes[what])
    for client in (superuser, viewer):
        for page in pages:
            first, *rest = notices(client, page)
            assert first.startswith(said)
            assert rest == before[page]
            assert said in client.get(page).content.decode()


def test_an_empty_history_says_it_too(superuser: Client) -> None:
    stop_calls()
    assert "All calls of this site are stopped" in superuser.get(list_of(Call)).content.decode()


def test_nobody_reads_what_holds_the_calls_of_others(
    ours: House, theirs: House, member: Callable[..., Client], settings: Any
) -> None:
    known = settings.CLICKTOCALL["PROVIDERS"]
    only_theirs = {**known["sandbox"], "ACCOUNTS": [theirs.account.pk]}
    settings.CLICKTOCALL = {
        **settings.CLICKTOCALL,
        "PROVIDERS": {**known, "private": only_theirs},
    }
    Brake.objects.all().delete()
    stop_calls(account=theirs.account)
    stop_calls(provider="private")
    fails("private")
    client = member(ours.account, Role.MANAGER)
    assert notices(client, list_of(Call)) == []
    of_endpoint = " ".join(notices(client, page_of(ours.endpoint)))
    assert "stopped" not in of_endpoint
    assert "left alone" not in of_endpoint
    assert client.get(list_of(Circuit)).context["cl"].result_count == 0
    neighbour = member(theirs.account, Role.VIEWER)
    assert len(notices(neighbour, list_of(Call))) == 3
    assert neighbour.get(list_of(Circuit)).context["cl"].result_count == 1


def test_failing_providers_are_looked_at_only(superuser: Client) -> None:
    fails("sandbox")
    circuit = Circuit.objects.get()
    shown = superuser.get(list_of(Circuit)).content.decode()
    assert "left alone" in shown
    assert "refused" in shown
    assert superuser.get(page_of(circuit)).status_code == 200
    assert superuser.get(list_of(Circuit, "add")).status_code == 403
    assert superuser.post(page_of(circuit, "delete"), {"post": "yes"}).status_code == 403
    Circuit.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    assert "one call is tried" in superuser.get(list_of(Circuit)).content.decode()
    Circuit.objects.update(open_until=None)
    assert "asked all the same" in superuser.get(list_of(Circuit)).content.decode()


# --- Legs of which nothing is told ----------------------------------------------------------


def test_a_leg_of_which_nothing_is_told_before_the_end_does_not_seem_to_wait(
    superuser: Client, settings: Any
) -> None:
    known = settings.CLICKTOCALL["PROVIDERS"]
    quiet = {**known["sandbox"], "BACKEND": "tests.embed.conftest.TellsTheEnd"}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": {**known, "quiet": quiet}}
    for provider, word in (("quiet", "not reported"), ("sandbox", "waiting")):
        Call.objects.all().delete()
        call = make_call(make_endpoint(provider=provider), state=CallState.PLACED)
        make_attempt(call)
        cells = superuser.get(list_of(Call)).content.decode().split("ctc-leg-line")[1:]
        assert len(cells) == 2
        assert all(word in cell.partition("</div>")[0] for cell in cells), cells
        (row,) = superuser.get(page_of(call)).context["call_attempts"]
        assert [word in leg for leg in row["legs"]] == [True, True], row["legs"]
