"""Nothing of another account is ever told or changed, whoever asks and however."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, combinations
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from clicktocall.accounts.keys import issue_key
from clicktocall.accounts.overrides import MANAGED_OPTIONS
from clicktocall.models import ApiKey, Call, Endpoint, OwnedNumber, Role, Scope
from tests.api.everything import (
    METHODS,
    NO_NUMBER,
    NOBODY,
    Args,
    House,
    address,
    build_house,
    everything_written,
    private_routes,
    recipe_of,
    routes,
)
from tests.api.server import ROOT, Server, problem
from tests.api.staff import Staff

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
CALLING = {
    "api-connect",
    "api-call-cancel",
    "api-bulks",
    "api-bulk-pause",
    "api-bulk-resume",
    "api-bulk-reschedule",
    "api-bulk-cancel",
}
SCOPES = tuple(
    chain.from_iterable(combinations(Scope.values, size) for size in range(len(Scope.values) + 1))
)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Django tells of every refused request, which would bury what failed."""
    caplog.set_level(logging.CRITICAL, "django.request")


@pytest.fixture
def ours(db: None) -> House:
    return build_house("OURS", "0101")


@pytest.fixture
def theirs(db: None) -> House:
    return build_house("THEIRS", "0177")


@dataclass(frozen=True, slots=True)
class Target:
    """An address, and whether something that may be known is there."""

    about: str
    args: Args
    exists: bool


def targets(name: str, method: str, ours: House, theirs: House) -> list[Target]:
    recipe = recipe_of(name)
    if not recipe.names_an_object:
        return [Target("the collection", (), exists=True)]
    args = recipe.deletes if method == "DELETE" and recipe.deletes else recipe.args
    mine, foreign = args(ours), args(theirs)
    found = [
        Target("ours", mine, exists=True),
        Target("theirs", foreign, exists=False),
        Target("nothing", recipe.nothing, exists=False),
    ]
    if len(mine) > 1:  # one inside another: ours inside theirs, theirs inside ours
        found.append(Target("ours inside theirs", (foreign[0], mine[1]), exists=False))
        found.append(Target("theirs inside ours", (mine[0], foreign[1]), exists=False))
    return found


def scope_of(name: str, method: str) -> str:
    if method in ("GET", "HEAD"):
        return Scope.READ
    return Scope.CALL if name in CALLING else Scope.MANAGE


def body_for(name: str, method: str, house: House, scopes: Any = SCOPES[-1]) -> Any:
    """A good body; without the scope `manage` it leaves alone what takes that scope."""
    bodies = recipe_of(name).bodies
    if method == "DELETE" or method in SAFE:
        return None
    body = bodies[method](house) if method in bodies else {}
    if Scope.MANAGE not in scopes:
        for entry in (body, *body.get("calls", ())):
            if options := entry.pop("options", {}):
                entry["options"] = {
                    name: value for name, value in options.items() if name not in MANAGED_OPTIONS
                }
    return body


def told(answer: Any) -> str:
    """Everything that an answer says."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return f"{answer.status_code} {sorted(answer.headers.items())} {content.decode()}"


def assert_nothing_of(house: House, answer: Any, about: str) -> None:
    said = told(answer)
    leaked = [sign for sign in house.signs() if sign in said]
    assert not leaked, f"{about} tells {leaked}: {said[:500]}"


def assert_accepted(answer: Any, about: str) -> None:
    # A call that was never recorded has no recording; nothing else is missing.
    missing = answer.status_code == 404 and about.startswith(("GET", "HEAD"))
    no_recording = missing and "api-call-recording" in about
    assert no_recording or answer.status_code in (200, 201, 202, 204), f"{about}: {told(answer)}"


def undone(send: Callable[..., Any], *request: Any) -> Any:
    """The answer to a request whose writing is taken back."""
    with transaction.atomic():
        answer = send(*request)
        transaction.set_rollback(True)
    return answer


# --- Keys ------------------------------------------------------------------------------------


def test_every_route_has_its_recipe() -> None:
    assert {name for name in routes() if recipe_of(name)} == set(routes())
    assert len(private_routes()) >= 15


def keys(house: House) -> Iterator[tuple[tuple[str, ...], Server]]:
    for scopes in SCOPES:
        server = Server(house.account)
        ApiKey.objects.filter(pk=server.key.pk).update(scopes=list(scopes))
        yield scopes, server


@pytest.mark.parametrize("name", private_routes())
def test_a_key_reaches_its_own_account_only(name: str, ours: House, theirs: House) -> None:
    """With any set of scopes, any method, and any object."""
    for scopes, server in keys(ours):
        before = everything_written()
        for method in METHODS:
            check_key(name, method, scopes, server, ours, theirs)
        assert everything_written() == before, f"a refused request wrote ({scopes})"


def check_key(
    name: str, method: str, scopes: tuple[str, ...], server: Server, ours: House, theirs: House
) -> None:
    refusals = set()
    for target in targets(name, method, ours, theirs):
        about = f"{method} {name} of {target.about} with {scopes}"
        sent = body_for(name, method, ours, scopes if name in CALLING else SCOPES[-1])
        here = address(name, target.args)
        answer = undone(server.send, method, here, sent)
        assert_nothing_of(theirs, answer, about)
        if method not in routes()[name].methods:
            assert answer.status_code == 405, f"{about}: {told(answer)}"
        elif scope_of(name, method) not in scopes:
            assert answer.status_code == 403, f"{about}: {told(answer)}"
            assert method == "HEAD" or answer.json()["error"]["code"] == "not_allowed"
            refusals.add(told(answer))
        elif target.exists:
            assert_accepted(answer, about)
        else:
            assert answer.status_code == 404, f"{about}: {told(answer)}"
            refusals.add(told(answer))
    assert len(refusals) <= 1, f"what is missing and what is theirs differ: {refusals}"


# --- Sessions --------------------------------------------------------------------------------

OF_MANAGERS = {"api-numbers", "api-number", "api-webhooks", "api-webhook", "api-webhook-rotate"}
EDITING = {"viewer": False, "editor": True, "manager": True}


def may(role: str, name: str, method: str) -> bool:
    if method in ("GET", "HEAD"):
        return True
    return role == Role.MANAGER if name in OF_MANAGERS else EDITING[role]


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("name", private_routes())
def test_a_member_reaches_their_account_only_and_as_their_role_allows(
    name: str, role: str, ours: House, theirs: House
) -> None:
    staff = Staff((ours.account, role))
    before = everything_written()
    for method in sorted(routes()[name].methods):
        refusals = set()
        for target in targets(name, method, ours, theirs):
            about = f"{method} {name} of {target.about} by a {role}"
            sent = body_for(name, method, ours)
            answer = undone(staff.send, method, address(name, target.args), sent)
            assert_nothing_of(theirs, answer, about)
            if not target.exists:
                assert answer.status_code == 404, f"{about}: {told(answer)}"
                refusals.add(told(answer))
            elif may(role, name, method):
                assert_accepted(answer, about)
            else:
                assert answer.status_code == 403, f"{about}: {told(answer)}"
        assert len(refusals) <= 1, f"what is missing and what is theirs differ: {refusals}"
    assert everything_written() == before


@pytest.mark.parametrize("name", private_routes())
def test_whoever_may_do_nothing_learns_and_changes_nothing(
    name: str, ours: House, theirs: House
) -> None:
    """Each of these is answered alike wherever they knock."""
    people = {
        "without permissions": (Staff((ours.account, Role.MANAGER), permitted=False), 403),
        "not of the staff": (Staff((ours.account, Role.MANAGER), is_staff=False), 401),
        "superuser but not of the staff": (Staff(superuser=True, is_staff=False), 401),
    }
    before = everything_written()
    for who, (person, status) in people.items():
        for method in sorted(routes()[name].methods):
            answers = {
                told(person.send(method, address(name, target.args), body_for(name, method, ours)))
                for target in targets(name, method, ours, theirs)
            }
            assert len(answers) == 1, f"{method} {name} {who}: {answers}"
            assert answers.pop().startswith(str(status)), f"{method} {name} {who}"
    assert everything_written() == before


@pytest.mark.parametrize("name", private_routes())
def test_a_member_of_none_sees_nothing(name: str, ours: House, theirs: House) -> None:
    stranger = Staff()
    before = everything_written()
    for method in sorted(routes()[name].methods):
        for target in targets(name, method, ours, theirs):
            about = f"{method} {name} of {target.about} by a stranger"
            answer = stranger.send(method, address(name, target.args), body_for(name, method, ours))
            if method != "POST" or recipe_of(name).names_an_object:  # which says what was sent
                assert_nothing_of(ours, answer, about)
            assert_nothing_of(theirs, answer, about)
            if recipe_of(name).names_an_object:
                assert answer.status_code == 404, f"{about}: {told(answer)}"
            else:
                assert answer.status_code == (200 if method in SAFE else 400), f"{about}"
    assert everything_written() == before


@pytest.mark.parametrize("name", private_routes())
def test_a_superuser_reaches_everything(name: str, ours: House, theirs: House) -> None:
    root = Staff(superuser=True)
    for method in sorted(routes()[name].methods):
        for house in (ours, theirs):
            (target, *_) = targets(name, method, house, ours)
            sent = body_for(name, method, house)
            answer = undone(root.send, method, address(name, target.args), sent)
            assert_accepted(answer, f"{method} {name} by the superuser")


@pytest.mark.parametrize("name", private_routes())
def test_a_session_writes_only_with_its_csrf_token(name: str, ours: House, theirs: House) -> None:
    people = (Staff((ours.account, Role.MANAGER)), Staff(superuser=True))
    before = everything_written()
    for person in people:
        for method in sorted(set(METHODS) - SAFE):
            for target in targets(name, method, ours, theirs):
                sent = body_for(name, method, ours)
                answer = person.send(method, address(name, target.args), sent, csrf=False)
                problem(answer, 403, "csrf_failed")
    assert everything_written() == before


def test_roles_of_two_accounts_are_not_mixed_up(ours: House, theirs: House) -> None:
    """A manager there is no manager here."""
    both = Staff((ours.account, Role.VIEWER), (theirs.account, Role.MANAGER))
    before = everything_written()

    for name in private_routes():
        for method in sorted(routes()[name].methods - {"GET", "HEAD"}):
            (target, *_) = targets(name, method, ours, theirs)
            answer = both.send(method, address(name, target.args), body_for(name, method, ours))
            problem(answer, 403, "not_allowed")
    assert everything_written() == before
    listed = both.send("GET", address("api-calls")).json()["results"]
    assert {row["account"] for row in listed} == {ours.account.pk, theirs.account.pk}


def test_whoever_leaves_an_account_sees_it_no_more(ours: House) -> None:
    person = Staff((ours.account, Role.MANAGER))
    here = address("api-endpoint", (ours.endpoint.pk,))
    assert person.send("GET", here).status_code == 200

    person.user.clicktocall_memberships.all().delete()

    problem(person.send("GET", here), 404, "not_found")


# --- What a body or a query names ------------------------------------------------------------


def same_but_for(answers: list[Any], *words: str) -> None:
    """The answers say the same, apart from the words that the client has sent itself."""
    said = set()
    for answer in answers:
        text = told(answer)
        for word in words:
            text = text.replace(word, "…")
        said.add(text)
    assert len(said) == 1, said


def test_a_number_of_theirs_is_no_number(ours: House, theirs: House) -> None:
    server = Server(ours.account)
    before = everything_written()
    for option in ("caller_id_a", "caller_id_b", "bridge"):
        numbers = (theirs.number.number, NO_NUMBER)
        for method, path in (("POST", "endpoints/"), ("PATCH", f"endpoints/{ours.endpoint.pk}/")):
            given = {"name": "Sales", "extension": "+442079460150", "provider": "sandbox"}
            answers = [server.send(method, path, {**given, option: number}) for number in numbers]
            same_but_for(answers)
            assert set(problem(answers[0], 400, "invalid_request")["fields"]) == {option}
        calls = [
            server.post(
                f"endpoints/{ours.endpoint.pk}/connect/",
                {"contact": "+442079460101", "options": {option: number}},
            )
            for number in numbers
        ]
        same_but_for(calls)
        problem(calls[0], 400, "invalid_request")
    assert everything_written() == before


def test_that_they_have_a_number_hinders_nobody(ours: House, theirs: House) -> None:
    server = Server(ours.account)

    answer = server.post("numbers/", {"number": theirs.spare_number.number})

    assert answer.status_code == 201, answer.content
    assert OwnedNumber.objects.filter(number=theirs.spare_number.number).count() == 2


def test_their_account_is_no_account(ours: House, theirs: House) -> None:
    server, member = Server(ours.account), Staff((ours.account, Role.MANAGER))
    before = everything_written()
    accounts = (theirs.account.pk, NOBODY)
    good = {"name": "Sales", "extension": "+442079460150", "provider": "sandbox"}
    number = {"number": "+442079460188"}
    for method, path, body in (
        ("POST", "endpoints/", good),
        ("PUT", f"endpoints/{ours.endpoint.pk}/", good),
        ("PATCH", f"endpoints/{ours.endpoint.pk}/", {}),
        ("POST", "numbers/", number),
        ("PUT", f"numbers/{ours.number.pk}/", number),
        ("PATCH", f"numbers/{ours.number.pk}/", {}),
    ):
        for client in (server, member):
            answers = [
                client.send(method, ROOT + path, {**body, "account": account})
                for account in accounts
            ]
            same_but_for(answers)
            assert set(problem(answers[0], 400, "invalid_request")["fields"]) == {"account"}
    assert everything_written() == before


@pytest.mark.parametrize("where", ["the bulk's", "an entry's"])
def test_their_endpoint_in_a_bulk_is_none(where: str, ours: House, theirs: House) -> None:
    server = Server(ours.account)
    before = everything_written()

    def ask(endpoint: str) -> Any:
        calls: list[dict[str, str]] = [{"contact": "+442079460101"}, {"contact": "+442079460102"}]
        if where == "the bulk's":
            return server.post("bulks/", {"endpoint": endpoint, "calls": calls})
        calls[1]["endpoint"] = endpoint
        return server.post("bulks/", {"endpoint": ours.endpoint.pk, "calls": calls})

    answers = [ask(theirs.endpoint.pk), ask(NOBODY)]

    same_but_for(answers)
    problem(answers[0], 400, "invalid_request")
    assert everything_written() == before


def test_a_bulk_or_key_of_theirs_is_another_one(ours: House, theirs: House) -> None:
    """The same names in two accounts are two things, and neither tells of the other."""
    mine, other = Server(ours.account), Server(theirs.account)
    named = {"Idempotency_Key": "order-7"}
    answers = []
    for server, house in ((other, theirs), (mine, ours)):
        body = {"contact": "+442079460101"}
        answers.append(server.post(f"endpoints/{house.endpoint.pk}/connect/", body, **named))
        bulk = {"bulk_id": "bulk-7", "endpoint": house.endpoint.pk, "calls": [body]}
        answers.append(server.post("bulks/", bulk, **named))

    assert [answer.status_code for answer in answers] == [202] * 4, [told(a) for a in answers]
    assert len({answer.json()["id"] for answer in answers}) == 4
    for answer in answers[2:]:
        assert_nothing_of(theirs, answer, "the second account's answer")


FILTERS: dict[str, Callable[[House], dict[str, str]]] = {
    "endpoint": lambda house: {"endpoint": house.endpoint.pk},
    "bulk": lambda house: {"bulk": house.bulk.pk},
    "contact": lambda house: {"contact": house.contact},
    "the end of a contact": lambda house: {"contact": house.contact[-4:]},
    "client_reference": lambda house: {"client_reference": house.call.client_reference},
    "name": lambda house: {"name": house.mark},
    "refusal": lambda house: {"refusal": house.refusal.rule},
}


@pytest.mark.parametrize("what", FILTERS)
@pytest.mark.parametrize("path", ["calls/", "endpoints/", "refusals/", "history/", "statistics/"])
def test_a_filter_finds_nothing_of_theirs(path: str, what: str, ours: House, theirs: House) -> None:
    server = Server(ours.account)
    here = f"endpoints/{ours.endpoint.pk}/history/" if path == "history/" else path
    query, other = FILTERS[what](theirs), FILTERS[what](ours)

    answer = server.get(here, query)

    if answer.status_code == 200:
        assert answer.json()["results"] == []
        assert server.get(here, other).json()["results"], "nor of ours, so nothing was shown"
    else:
        problem(answer, 400, "invalid_request")
        sent, nothing = next(iter(query.values())), {next(iter(query)): NOBODY}
        if path == "statistics/" and what == "endpoint":
            same_but_for([answer, server.get(here, nothing)], sent, NOBODY)


def test_figures_count_nothing_of_theirs(ours: House, theirs: House) -> None:
    until = {"until": (timezone.now() + timedelta(hours=2)).isoformat()}
    server, other = Server(ours.account), Server(theirs.account)
    asked = server.get("statistics/", until)
    before = asked.json()
    assert_nothing_of(theirs, asked, "the figures")
    assert (before["total"], before["refused"]) == (2, 7)
    assert [each["endpoint"] for each in before["by_endpoint"]] == [ours.endpoint.pk]

    answer = other.post(f"endpoints/{theirs.endpoint.pk}/connect/", {"contact": "+442079460101"})

    assert answer.status_code == 202
    assert server.get("statistics/", until).json() == before


@pytest.mark.parametrize("path", ["calls/", "endpoints/", "numbers/"])
def test_a_stolen_cursor_leads_to_our_own_rows(path: str, ours: House, theirs: House) -> None:
    stolen = Server(theirs.account).get(path, {"page_size": "1"}).json()["next"]
    assert stolen

    answer = Server(ours.account).get(stolen)

    assert answer.status_code == 200
    assert_nothing_of(theirs, answer, "the page at their cursor")


# --- Who asks --------------------------------------------------------------------------------


def wrong_keys(house: House) -> dict[str, str]:
    _, secret = issue_key(house.account, "good", Scope.values)
    revoked, revoked_secret = issue_key(house.account, "revoked", Scope.values)
    ApiKey.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
    expired, expired_secret = issue_key(house.account, "expired", Scope.values)
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    return {
        "unknown": "Bearer " + "x" * 64,
        "revoked": f"Bearer {revoked_secret}",
        "expired": f"Bearer {expired_secret}",
        "too long": "Bearer " + "x" * 10_000,
        "the right one and more": f"Bearer {secret}x",
        "all but its last character": f"Bearer {secret[:-1]}",
        "in capitals": f"Bearer {secret.swapcase()}",
        "twice": f"Bearer {secret} {secret}",
        "two headers, as a server joins them": f"Bearer {secret}, Bearer {secret}",
        "two headers, the second wrong": f"Bearer {secret},Bearer x",
        "not ASCII": "Bearer ключ",
        "Latin-1": "Bearer clé",
        "a NUL": f"Bearer {secret}\x00",
        "a NUL alone": "Bearer \x00",
        "empty": "Bearer ",
        "the scheme alone": "Bearer",
        "Basic": "Basic dXNlcjpwYXNz",
        "Basic with the key": f"Basic {secret}",
        "Token": f"Token {secret}",
        "the key alone": secret,
        "a tab": f"Bearer\t{secret}",
        "the hash": f"Bearer {ApiKey.objects.get(pk=revoked.pk).key_hash}",
    }


@pytest.mark.parametrize("name", private_routes())
def test_without_a_living_key_nobody_is_let_in(name: str, ours: House, theirs: House) -> None:
    server = Server(ours.account)
    manager = Staff((ours.account, Role.MANAGER))
    wrong = wrong_keys(ours)
    some = {"revoked": wrong["revoked"]}
    before = everything_written()
    for method in sorted(routes()[name].methods):
        sent = body_for(name, method, ours)
        nobody = set()
        for target in targets(name, method, ours, theirs):
            here = address(name, target.args)
            # One wrong key at every address, every wrong key at one of them.
            tried = wrong.items() if target.about in ("ours", "the collection") else some.items()
            for what, header in tried:
                for answer in (
                    server.send(method, here, sent, headers={"Authorization": header}),
                    manager.send(method, here, sent, Authorization=header),
                ):
                    assert answer.status_code == 401, f"{method} {name}, {what}: {told(answer)}"
                    assert answer["WWW-Authenticate"] == "Bearer"
                    key_came = header.startswith("Bearer ") and header[len("Bearer ") :].strip()
                    code = "invalid_key" if key_came else "not_authenticated"
                    assert method == "HEAD" or problem(answer, 401, code)
            anonymous = server.send(method, here, sent, headers={"Authorization": ""})
            nobody.add(told(anonymous))
            assert anonymous["WWW-Authenticate"] == "Bearer"
        assert len(nobody) == 1, nobody
        assert nobody.pop().startswith("401")
    assert everything_written() == before


def test_no_secret_is_told_or_logged(ours: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "django.request")
    server, member = Server(ours.account), Staff((ours.account, Role.MANAGER))
    answers = []
    for name in private_routes():
        for method in sorted(routes()[name].methods):
            args, sent = recipe_of(name).args(ours), body_for(name, method, ours)
            answers += [
                undone(server.send, method, address(name, args), body)
                for body in (sent, {"unknown": 1}, b"[")
            ]
            wrong = {"Authorization": f"Bearer {server.secret}x"}
            answers.append(server.send(method, address(name, args), sent, headers=wrong))
            answers.append(member.send(method, address(name, args), csrf=False))

    said = "".join(told(answer) for answer in answers) + caplog.text
    hashes = list(ApiKey.objects.values_list("key_hash", flat=True))
    session = member.client.cookies["sessionid"].value
    assert hashes
    for secret in (server.secret, server.secret[8:], session, *hashes):
        assert secret not in said
    assert "api-key-of-the-sandbox" not in said
    assert "callback-secret" not in said


def test_what_is_written_is_where_it_is_said_to_be(ours: House, theirs: House) -> None:
    """Otherwise the refusals would prove nothing: the same requests do write for their account."""
    server = Server(ours.account)
    for name in private_routes():
        for method in sorted(routes()[name].methods & {"POST"}):
            if method not in recipe_of(name).bodies:
                continue
            body = recipe_of(name).bodies[method](ours)
            there = address(name, recipe_of(name).args(ours))
            answer = server.send(method, there, body)
            # What is done with an object is done where it is read.
            read = answer.headers.get("Location") or f"{there.rstrip('/').rpartition('/')[0]}/"
            found = server.get(read)
            assert found.status_code == 200, told(found)
            assert json.loads(found.content)["id"] == answer.json()["id"]
            problem(Server(theirs.account).get(read), 404, "not_found")
    assert Call.objects.filter(account=theirs.account).count() == 2
    assert Endpoint.objects.filter(account=theirs.account).count() == 2
