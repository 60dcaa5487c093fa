"""A new recorded message is asked about at every door alike, and never in a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.test import Client

from clicktocall.calls import WantedCall, request_bulk, request_call
from clicktocall.endpoints.save import save_endpoint
from clicktocall.exceptions import InvalidOption
from clicktocall.models import Call, Endpoint, Role, Scope
from tests.admin.forms import filled_form
from tests.api.server import Server, problem
from tests.factories import TEAM, VISITOR, make_account, make_endpoint
from tests.providers.loopback import MisbehavingServer, Peer

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 2.5  # seconds; less than the check waits for the answer to HEAD
ADMIN = "/admin/clicktocall/endpoint/"


def sound(peer: Peer) -> None:
    reply(peer, "audio/wav")


def page(peer: Peer) -> None:
    reply(peer, "text/html")


def reply(peer: Peer, kind: str) -> None:
    head = peer.read_request().startswith(b"HEAD ")
    told = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 4\r\n\r\n"
    peer.send(told.encode() + (b"" if head else b"RIFF"))


@pytest.fixture(autouse=True)
def asked(settings: Any) -> None:
    settings.CLICKTOCALL = {
        **settings.CLICKTOCALL,
        "ALLOWED_PRIVATE_HOSTS": ["127.0.0.1"],
        "CHECK_AUDIO": True,
    }


# --- The doors: each saves an endpoint with a recorded message ------------------------------


def by_python(endpoint: Endpoint, url: str) -> Any:
    return save_endpoint(Endpoint.objects.get(pk=endpoint.pk), {"message_audio_url": url})


def by_patch(endpoint: Endpoint, url: str) -> Any:
    path = f"endpoints/{endpoint.pk}/"
    return Server(endpoint.account).patch(path, {"message_audio_url": url})


def by_put(endpoint: Endpoint, url: str) -> Any:
    return Server(endpoint.account).put(f"endpoints/{endpoint.pk}/", new(url))


def by_post(endpoint: Endpoint, url: str) -> Any:
    return Server(endpoint.account).post("endpoints/", new(url))


def by_admin(endpoint: Endpoint, url: str) -> Any:
    return posted(f"{ADMIN}{endpoint.pk}/change/", message_audio_url=url)


def by_admin_as_new(endpoint: Endpoint, url: str) -> Any:
    return posted(f"{ADMIN}add/", account=endpoint.account_id, message_audio_url=url, **NEW)


NEW = {"name": "Another", "extension": TEAM, "provider": "sandbox"}
DOORS = (by_python, by_patch, by_put, by_post, by_admin, by_admin_as_new)
CHANGING = (by_python, by_patch, by_put, by_admin)


def new(url: str) -> dict[str, Any]:
    return {**NEW, "message_audio_url": url}


def posted(address: str, **changes: Any) -> Any:
    client = Client()
    user = User.objects.filter(username="root").first()
    client.force_login(user or User.objects.create_superuser("root"))
    return client.post(address, filled_form(client.get(address), **changes))


def said_by(door: Callable[..., Any], endpoint: Endpoint, url: str) -> list[str]:
    """What the door says of the recorded message that it refuses."""
    try:
        answer = door(endpoint, url)
    except ValidationError as error:
        errors: Any = error.message_dict
    else:
        errors = errors_in(answer)
    assert list(errors) == ["message_audio_url"]
    return list(errors["message_audio_url"])


def errors_in(answer: Any) -> Any:
    if answer.headers["Content-Type"] == "application/json":
        return problem(answer, 400, "invalid_request")["fields"]
    assert answer.status_code == 200, "it was saved"
    return answer.context["adminform"].form.errors


def saved_by(door: Callable[..., Any], endpoint: Endpoint, url: str) -> None:
    answer = door(endpoint, url)
    assert isinstance(answer, Endpoint) or answer.status_code in (200, 201, 302), answer.content
    assert Endpoint.objects.filter(message_audio_url=url).exists()


# --- What is asked, and what is said --------------------------------------------------------


def test_every_door_says_the_same() -> None:
    endpoint = make_endpoint()
    before = list(Endpoint.objects.values())
    with MisbehavingServer(page) as server:
        said = [said_by(door, endpoint, f"{server.url}/a.wav") for door in DOORS]
        assert len(server.requests) == 2 * len(DOORS), "HEAD and GET, once each"
    assert "the server calls the file “text/html”" in said[0][0]
    assert said == [said[0]] * len(DOORS)
    assert list(Endpoint.objects.values()) == before


@pytest.mark.parametrize("door", DOORS)
def test_a_file_that_can_be_played_is_saved(door: Callable[..., Any]) -> None:
    endpoint = make_endpoint()
    with MisbehavingServer(sound) as server:
        saved_by(door, endpoint, f"{server.url}/a.wav")
        assert len(server.requests) == 2


@pytest.mark.parametrize("door", CHANGING)
def test_an_unchanged_address_is_not_asked_again(door: Callable[..., Any]) -> None:
    with MisbehavingServer(page) as server:
        url = f"{server.url}/a.wav"
        saved_by(door, make_endpoint(message_audio_url=url), url)
        assert server.connections == 0


@pytest.mark.parametrize("door", DOORS)
def test_switched_off_no_door_asks(door: Callable[..., Any], settings: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "CHECK_AUDIO": False}
    endpoint = make_endpoint()
    with MisbehavingServer(page) as server:
        saved_by(door, endpoint, f"{server.url}/a.wav")
        assert server.connections == 0
    # What can be told without asking is told all the same.
    (said,) = said_by(door, endpoint, "http://10.0.0.1/a.wav")
    assert "10.0.0.1 is not a public host" in said


def test_nobody_asks_for_somebody_who_may_not_save(member: Callable[..., Client]) -> None:
    endpoint = make_endpoint()
    path = f"endpoints/{endpoint.pk}/"
    viewer = member(endpoint.account, Role.VIEWER)
    with MisbehavingServer(sound) as server:
        wanted = {"message_audio_url": f"{server.url}/a.wav"}
        reader = Server(endpoint.account, scopes=(Scope.READ, Scope.CALL))
        problem(reader.patch(path, wanted), 403, "not_allowed")
        stale = Server(endpoint.account).patch(path, wanted, If_Match='"other"')
        problem(stale, 412, "precondition_failed")
        assert viewer.post(f"{ADMIN}{endpoint.pk}/change/", wanted).status_code == 403
        assert server.connections == 0


@pytest.mark.parametrize("door", [by_patch, by_admin])
def test_nobody_asks_while_something_else_is_wrong(door: Callable[..., Any]) -> None:
    endpoint = make_endpoint()
    Endpoint.objects.update(consent_text="I agree.")  # to which version?
    with MisbehavingServer(sound) as server:
        answer = door(endpoint, f"{server.url}/a.wav")
        assert "consent_version" in answer.content.decode()
        assert server.connections == 0


# --- Who waits meanwhile --------------------------------------------------------------------


class SlowServer:
    """Has the file, and answers when it is told to."""

    def __init__(self) -> None:
        self.was_asked = threading.Event()
        self.may_answer = threading.Event()

    def __call__(self, peer: Peer) -> None:
        self.was_asked.set()
        self.may_answer.wait(PATIENCE)
        sound(peer)


@pytest.fixture
def elsewhere() -> Iterator[Callable[..., Future[None]]]:
    """Do something in a thread that has connections to the database of its own."""

    def alone(work: Callable[..., None], *given: Any) -> None:
        try:
            work(*given)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        yield lambda work, *given: threads.submit(alone, work, *given)


@pytest.mark.parametrize("all_in_transactions", [False, True], ids=["", "ATOMIC_REQUESTS"])
@pytest.mark.parametrize("door", DOORS)
def test_a_slow_server_holds_up_no_other_writer(
    door: Callable[..., Any],
    all_in_transactions: bool,
    elsewhere: Callable[..., Future[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", all_in_transactions)
    endpoint, slow = make_endpoint(), SlowServer()
    with MisbehavingServer(slow) as server:
        saving = elsewhere(saved_by, door, endpoint, f"{server.url}/a.wav")
        assert slow.was_asked.wait(20) or saving.result(), "nobody asked for the file"
        with transaction.atomic():
            make_account()
            Endpoint.objects.filter(pk=endpoint.pk).update(callback_data="meanwhile")
        assert not saving.done(), "the other writer had to wait"
        slow.may_answer.set()
        saving.result(20)
    if door is by_patch:
        assert Endpoint.objects.get().callback_data == "meanwhile"


def test_inside_a_transaction_of_the_caller_s_only_the_form_is_judged() -> None:
    endpoint = make_endpoint()
    with MisbehavingServer(page) as server, transaction.atomic():
        saved_by(by_python, endpoint, f"{server.url}/a.wav")
        assert server.connections == 0
    with transaction.atomic(), pytest.raises(ValidationError, match="is not a public host"):
        save_endpoint(endpoint, {"message_audio_url": "http://192.168.1.2/a.wav"})


# --- Of one call only -----------------------------------------------------------------------


def test_a_message_for_one_call_is_not_fetched_but_its_form_is_judged() -> None:
    endpoint = make_endpoint()
    client = Server(endpoint.account)
    path = f"endpoints/{endpoint.pk}/connect/"
    with MisbehavingServer(page) as server:
        played = {"message_audio_url": f"{server.url}/a.wav"}
        request_call(endpoint, VISITOR, options=played)
        wanted = WantedCall(endpoint=endpoint, contact=VISITOR, options=played)
        assert request_bulk(endpoint.account, [wanted]).refused == []
        answer = client.post(path, {"contact": VISITOR, "options": played})
        assert answer.status_code == 202, answer.content
        assert server.connections == 0
    assert {call.options["message_audio_url"] for call in Call.objects.all()} == {
        played["message_audio_url"]
    }

    private = {"message_audio_url": "http://10.0.0.1/a.wav"}
    with pytest.raises(InvalidOption, match=r"10\.0\.0\.1 is not a public host"):
        request_call(endpoint, VISITOR, options=private)
    told = client.post(path, {"contact": VISITOR, "options": private})
    fields = problem(told, 400, "invalid_request")["fields"]
    assert list(fields) == ["options.message_audio_url"]
