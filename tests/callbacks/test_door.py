"""Who may come in: the secret first, then the size; nothing of a stranger is kept."""

from __future__ import annotations

import json
import secrets as secrets_module
import string
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from clicktocall.models import Attempt, CallbackReceipt, CallEvent
from clicktocall.providers import CallbackRequest
from clicktocall.providers.sandbox import SandboxProvider
from tests.callbacks.provider import JSON, SECRET, address, post, report
from tests.embed.faults import failing
from tests.embed.gunicorn import Server

LIMIT = 64 * 1024


def with_secrets(settings: Settings, *secrets: str) -> None:
    entry = settings.CLICKTOCALL["PROVIDERS"]["sandbox"]
    options = {**entry["OPTIONS"], "CALLBACK_SECRETS": list(secrets)}
    providers = {"sandbox": {**entry, "OPTIONS": options}}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": providers}


def assert_refused(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, f"{answer.status_code}: {answer.content[:300]!r}"
    assert answer["Content-Type"] == JSON
    content = json.loads(answer.content)
    assert set(content) == {"error"}
    assert content["error"]["code"] == code
    assert not CallbackReceipt.objects.exists(), "a refused callback was kept"
    assert not CallEvent.objects.exists()


def test_the_providers_own_callback_is_taken(attempt: Attempt) -> None:
    answer = post(report(attempt))

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    attempt.refresh_from_db()
    assert (attempt.state, attempt.leg_a) == ("ringing", "ringing")
    assert not answer.cookies


@pytest.mark.parametrize(
    "secret",
    [
        SECRET[:-1],
        SECRET + "x",
        SECRET[1:],
        SECRET.upper(),
        SECRET + "%20",
        "%00" + SECRET,
        SECRET + "%00",
        SECRET.replace("-", "%E2%80%90"),
        "callback%ff",
        "é",
        "😀" * 10,
        "None",
        "null",
        "0",
        "api-key-of-the-sandbox-in-tests",
        "x" * 5000,
    ],
)
def test_a_wrong_secret_is_404_and_keeps_nothing(attempt: Attempt, secret: str) -> None:
    to = f"/clicktocall/callbacks/sandbox/{secret}/"

    assert_refused(post(report(attempt), to=to), 404, "not_found")
    attempt.refresh_from_db()
    assert attempt.state == "placed"


def test_a_thousand_guesses_keep_nothing(attempt: Attempt) -> None:
    alphabet = string.ascii_letters + string.digits + "-_"
    for place in range(len(SECRET)):
        for letter in secrets_module.SystemRandom().sample(alphabet, 40):
            guess = SECRET[:place] + letter + SECRET[place + 1 :]
            if guess != SECRET:
                answer = post(b"{}", to=f"/clicktocall/callbacks/sandbox/{guess}/")
                assert answer.status_code == 404, guess
    assert not CallbackReceipt.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "alias", ["other", "Sandbox", "SANDBOX", "sandbox%20", "sandbo", "__class__", "default", "%00"]
)
def test_a_wrong_alias_is_404_even_with_a_secret_that_exists(alias: str) -> None:
    to = f"/clicktocall/callbacks/{alias}/{SECRET}/"

    assert_refused(post(report(), to=to), 404, "not_found")


@pytest.mark.django_db
def test_the_secret_of_one_alias_does_not_open_another(two_aliases: None) -> None:
    assert_refused(post(report(), to=address("second", SECRET)), 404, "not_found")
    assert_refused(post(report(), to=address("sandbox", f"{SECRET}-second")), 404, "not_found")
    assert post(report(), to=address("second", f"{SECRET}-second")).status_code == 200


@pytest.mark.django_db
def test_while_rotating_both_secrets_are_good(settings: Settings) -> None:
    with_secrets(settings, "new-secret-while-rotating", SECRET)

    assert post(report(), to=address(secret=SECRET)).status_code == 200
    assert post(report(), to=address(secret="new-secret-while-rotating")).status_code == 200
    assert post(report(), to=address(secret="another")).status_code == 404

    with_secrets(settings, "new-secret-while-rotating")
    assert post(report(), to=address(secret=SECRET)).status_code == 404
    assert CallbackReceipt.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("live", [[], [""], ["", ""]])
def test_without_a_secret_nobody_comes_in(settings: Settings, live: list[str]) -> None:
    with_secrets(settings, *live)

    for guess in ("x", "None", "%20", SECRET):
        to = f"/clicktocall/callbacks/sandbox/{guess}/"
        assert_refused(post(report(), to=to), 404, "not_found")


@pytest.mark.django_db
def test_a_provider_that_is_configured_wrongly_is_404(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    providers = {"sandbox": {"BACKEND": "nowhere.Provider", "OPTIONS": {}}}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": providers}

    assert_refused(post(report()), 404, "not_found")
    assert "No module named 'nowhere'" in caplog.text, "the operator cannot find out why"


@pytest.mark.django_db
def test_every_live_secret_is_compared_in_constant_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_secrets(settings, "first-live-secret", "second-live-secret")
    compared: list[tuple[bytes, bytes]] = []
    genuine = secrets_module.compare_digest

    def compare(given: bytes, live: bytes) -> bool:
        compared.append((given, live))
        return genuine(given, live)

    monkeypatch.setattr("clicktocall.callbacks.views.secrets.compare_digest", compare)
    for given in ("first-live-secret", "wrong"):
        compared.clear()
        post(report(), to=address(secret=given))
        assert compared == [
            (given.encode(), b"first-live-secret"),
            (given.encode(), b"second-live-secret"),
        ], "a comparison was left out or stopped early"


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_post_reports(method: str) -> None:
    assert_refused(post(report(), method=method), 405, "method_not_allowed")
    wrong = address(secret="wrong")
    assert_refused(post(report(), method=method, to=wrong), 404, "not_found")


@pytest.mark.django_db
@pytest.mark.parametrize("size", [LIMIT + 1, 10 * LIMIT])
def test_too_large_is_413(size: int) -> None:
    assert_refused(post(b"x" * size), 413, "too_large")


@pytest.mark.django_db
def test_exactly_the_limit_is_kept() -> None:
    assert post(b"x" * LIMIT).status_code == 200
    assert len(bytes(CallbackReceipt.objects.get().body)) == LIMIT


@pytest.mark.django_db
def test_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_args: Any, **_kwargs: Any) -> bytes:
        raise AssertionError("the body was read")

    monkeypatch.setattr("django.core.handlers.wsgi.LimitedStream.read", read)
    answer = post(b"x" * (LIMIT + 1))

    assert answer.status_code == 413


@pytest.mark.django_db
def test_an_empty_body_is_400() -> None:
    assert_refused(post(b""), 400, "invalid_request")


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["chunked", "gzip, chunked", "identity"])
def test_a_body_without_a_length_is_411(encoding: str) -> None:
    answer = post(report(), Transfer_Encoding=encoding)

    assert_refused(answer, 411, "length_required")


@pytest.mark.django_db
def test_what_the_provider_does_not_sign_is_403(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[CallbackRequest] = []

    def authenticate(_self: Any, request: CallbackRequest) -> bool:
        seen.append(request)
        return False

    monkeypatch.setattr(SandboxProvider, "authenticate_callback", authenticate)
    answer = post(b'{"a": 1}', to=address() + "?x=1&y=2", X_Signature="abc", content_type="a/b")

    assert_refused(answer, 403, "not_authentic")
    assert seen[0].body == b'{"a": 1}'
    assert (seen[0].method, seen[0].content_type) == ("POST", "a/b")
    assert seen[0].query == {"x": "1", "y": "2"}
    assert seen[0].headers["x-signature"] == "abc"


@pytest.mark.django_db
def test_a_host_that_wants_everybody_logged_in_lets_providers_in(settings: Settings) -> None:
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]

    assert post(report()).status_code == 200


def test_no_answer_writes_the_secret_into_a_log(
    attempt: Attempt, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    """Not even Django's own lines about refused requests, which name the address."""
    caplog.set_level("DEBUG")
    statuses = {
        post(report(attempt)).status_code,
        post(b"not json").status_code,
        post(b"").status_code,
        post(b"x" * (LIMIT + 1)).status_code,
        post(report(), method="GET").status_code,
        post(report(), Transfer_Encoding="chunked").status_code,
    }
    with failing("INSERT", OperationalError("database is locked")):
        statuses.add(post(report(attempt)).status_code)
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": {}}
    statuses.add(post(report(attempt)).status_code)

    assert statuses == {200, 400, 404, 405, 411, 413, 503}
    assert "callback refused alias='sandbox' status=413" in caplog.text
    assert SECRET not in caplog.text


# Over real sockets


def raw_head(*lines: str) -> bytes:
    first = f"POST {address()} HTTP/1.1"
    named = ("Host: localhost", "Content-Type: application/json", "Connection: close")
    return "\r\n".join((first, *named, *lines, "", "")).encode()


def test_odd_transfers_are_never_taken_for_a_report(gunicorn: Server) -> None:
    body = json.dumps(report()).encode()
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    vectors: dict[str, tuple[int, tuple[bytes, ...]]] = {
        "chunked": (411, (raw_head("Transfer-Encoding: chunked"), chunks)),
        "chunked, cut off": (411, (raw_head("Transfer-Encoding: chunked"), chunks[:20])),
        "no length": (400, (raw_head(), body)),
        "length zero": (400, (raw_head("Content-Length: 0"), body)),
        "half a body": (400, (raw_head(f"Content-Length: {len(body)}"), body[:40])),
        "a length too long": (400, (raw_head(f"Content-Length: {len(body) + 9}"), body)),
        "no body at all": (400, (raw_head("Content-Length: 100"),)),
        "a length in words": (400, (raw_head("Content-Length: many"), body)),
        "ten megabytes announced": (413, (raw_head("Content-Length: 10000000"), body)),
    }
    for name, (status, pieces) in vectors.items():
        answer = gunicorn.send(*pieces)
        assert answer.split(b" ", 2)[1] == str(status).encode(), f"{name}: {answer!r}"
        assert not CallbackReceipt.objects.exists(), f"{name} was kept"
    assert b" 200 " in gunicorn.send(raw_head(f"Content-Length: {len(body)}"), body)
    assert CallbackReceipt.objects.count() == 1
    assert "Traceback" not in gunicorn.log.read_text()


@pytest.mark.django_db
@pytest.mark.parametrize("ending", ["", "/extra", "/extra/"])
def test_an_address_that_is_almost_right_does_not_tell_the_log_its_secret(
    ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    assert_refused(post(report(), to=address().rstrip("/") + ending), 404, "not_found")
    assert SECRET not in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize(("networks", "status"), [(["127.0.0.0/8"], 200), (["10.0.0.0/8"], 403)])
def test_a_provider_may_judge_by_the_senders_network(
    client: Client, settings: Any, networks: list[str], status: int
) -> None:
    options = {
        "BASE_URL": "http://127.0.0.1:9",
        "API_KEY": "key-of-infobip-in-tests",
        "CALLBACK_SECRETS": ["secret-of-infobip-in-tests"],
        "CALLBACK_NETWORKS": networks,
    }
    entry = {"BACKEND": "clicktocall.providers.infobip.InfobipProvider", "OPTIONS": options}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": {"infobip": entry}}

    answer = client.post(
        "/clicktocall/callbacks/infobip/secret-of-infobip-in-tests/",
        b'{"results":[]}',
        content_type="application/json",
    )

    assert answer.status_code == status, answer.content
