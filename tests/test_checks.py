"""System checks: each says its one thing, and settings that are right say nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, run_checks
from django.db import connections
from pytest_django import Settings

SECRET = "a-secret-of-enough-characters"


def said() -> list[CheckMessage]:
    """What our own checks say now."""
    return [message for message in run_checks() if str(message.id).startswith("clicktocall.")]


def ids() -> list[str | None]:
    return [message.id for message in said()]


def change(settings: Settings, **changes: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, **changes}


def with_provider(settings: Settings, **changes: Any) -> None:
    """The sandbox, configured a little differently."""
    entry = settings.CLICKTOCALL["PROVIDERS"]["sandbox"]
    options = {**entry["OPTIONS"], **changes.pop("OPTIONS", {})}
    change(settings, PROVIDERS={"sandbox": {**entry, "OPTIONS": options, **changes}})


def test_settings_that_are_right_say_nothing() -> None:
    assert said() == []


def test_every_message_helps(settings: Settings) -> None:
    change(settings, PUBLIC_URL="", PROVIDERS={}, PUBLIC_ULR="https://example.com/")

    for message in said():
        assert message.hint, f"{message.id} says what is wrong but not what to do"


def test_a_misspelt_setting_is_w001(settings: Settings) -> None:
    change(settings, PUBLIC_ULR="https://example.com/")

    assert ids() == ["clicktocall.W001"]
    assert "PUBLIC_ULR" in said()[0].msg


def test_no_public_url_is_w002(settings: Settings) -> None:
    change(settings, PUBLIC_URL="")

    assert ids() == ["clicktocall.W002"]


@pytest.mark.parametrize(
    "address",
    ["example.com/clicktocall/", "ftp://example.com/", "https://", "https:example.com", "/x/"],
)
def test_a_public_url_that_is_no_address_is_e002(settings: Settings, address: str) -> None:
    change(settings, PUBLIC_URL=address)

    assert ids() == ["clicktocall.E002"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://example.com/clicktocall/", ["clicktocall.W003"]),
        ("http://10.0.0.5/clicktocall/", ["clicktocall.W003"]),
        ("http://localhost.example.com/", ["clicktocall.W003"]),
        ("http://localhost:8000/clicktocall/", []),
        ("http://127.0.0.1:8000/clicktocall/", []),
        ("http://[::1]:8000/clicktocall/", []),
        ("https://example.com/clicktocall/", []),
    ],
)
def test_a_public_url_without_tls_is_w003(
    settings: Settings, address: str, expected: list[str]
) -> None:
    change(settings, PUBLIC_URL=address)

    assert ids() == expected


def test_no_provider_is_w004(settings: Settings) -> None:
    change(settings, PROVIDERS={})

    assert ids() == ["clicktocall.W004"]


@pytest.mark.parametrize(
    "entry",
    [
        {"BACKEND": "nowhere.Provider"},
        {"BACKEND": "clicktocall.providers.sandbox.Nothing"},
        {},
        {"BACKEND": "clicktocall.providers.sandbox.SandboxProvider", "OPTIONS": {}},
    ],
)
def test_a_provider_that_cannot_be_built_is_e003(settings: Settings, entry: dict[str, Any]) -> None:
    change(settings, PROVIDERS={"box": entry})

    assert ids() == ["clicktocall.E003"]
    assert "box" in said()[0].msg


@pytest.mark.parametrize("secrets", [[], [""], ["short"], [SECRET, "short"], [SECRET, ""], ()])
def test_a_missing_or_short_callback_secret_is_e004(settings: Settings, secrets: Any) -> None:
    with_provider(settings, OPTIONS={"CALLBACK_SECRETS": secrets})

    assert ids() == ["clicktocall.E004"]


def test_a_callback_secret_that_is_no_list_is_an_error(settings: Settings) -> None:
    """Its characters must never be taken for a list of secrets."""
    with_provider(settings, OPTIONS={"CALLBACK_SECRETS": SECRET})

    assert ids()[0] in ("clicktocall.E003", "clicktocall.E004")


@pytest.mark.parametrize("secrets", [[SECRET], [SECRET, SECRET[::-1]], ["x" * 22]])
def test_one_or_two_long_secrets_are_right(settings: Settings, secrets: list[str]) -> None:
    with_provider(settings, OPTIONS={"CALLBACK_SECRETS": secrets})

    assert ids() == []


def test_another_database_is_e005(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "oracle")

    assert "clicktocall.E005" in ids()


@pytest.mark.parametrize(
    "options", [{}, {"transaction_mode": None}, {"transaction_mode": "DEFERRED"}]
)
def test_sqlite_that_does_not_begin_immediate_is_w005(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", options)

    assert "clicktocall.W005" in ids()


def test_a_widget_that_is_not_served_is_w006(settings: Settings, tmp_path: Path) -> None:
    forget_finders: Any = finders.get_finder
    settings.STATICFILES_DIRS = [tmp_path]
    forget_finders.cache_clear()
    try:
        assert ids() == ["clicktocall.W006"]
        settings.INSTALLED_APPS = [
            app for app in settings.INSTALLED_APPS if app != "django.contrib.staticfiles"
        ]
        assert ids() == [], "a host without staticfiles serves the widget its own way"
    finally:
        forget_finders.cache_clear()


def test_no_message_shows_a_secret(settings: Settings) -> None:
    with_provider(
        settings, OPTIONS={"CALLBACK_SECRETS": ["canary-secret"], "API_KEY": "canary-key"}
    )

    told = said()
    assert told
    for message in told:
        assert "canary" not in f"{message.msg} {message.hint}"


@pytest.mark.parametrize("address", ["https://[bad/", "https://h:99999/", "nothing", "ftp://x/"])
def test_an_address_that_is_none_is_said(address: str, settings: Settings) -> None:
    change(settings, PUBLIC_URL=address)
    assert "clicktocall.E002" in ids()


@pytest.mark.parametrize("secret", ["a/b" * 10, "a?b" * 10, "a%b" * 10, "é" * 30, "short"])
def test_a_secret_that_cannot_stand_in_an_address_is_refused(
    secret: str, settings: Settings
) -> None:
    providers = {
        alias: {**entry, "OPTIONS": {**entry["OPTIONS"], "CALLBACK_SECRETS": [secret]}}
        for alias, entry in settings.CLICKTOCALL["PROVIDERS"].items()
    }
    change(settings, PROVIDERS=providers)
    assert "clicktocall.E004" in ids()


def test_times_without_a_zone_are_refused(settings: Settings) -> None:
    settings.USE_TZ = False
    assert "clicktocall.E006" in ids()


def test_a_private_host_that_is_none_is_e007(settings: Settings) -> None:
    change(settings, ALLOWED_PRIVATE_HOSTS=["http://intern/"])
    assert "clicktocall.E007" in ids()


def test_addresses_that_are_not_mounted_are_w007(settings: Settings) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    assert "clicktocall.W007" in ids()
