from __future__ import annotations

from typing import Any

import pytest

from tests.heart.scripted import ScriptedProvider

SECRET = "a-callback-secret-for-the-heart"


def _entry(name: str, **more: Any) -> dict[str, Any]:
    return {
        "BACKEND": f"tests.heart.scripted.{name}",
        "OPTIONS": {"CALLBACK_SECRETS": [SECRET]},
        **more,
    }


@pytest.fixture
def scripted(settings: Any) -> type[ScriptedProvider]:
    """The provider aliases `scripted`, `second` and `plain`, with a clean record."""
    settings.CLICKTOCALL = {
        "PUBLIC_URL": "http://127.0.0.1:8000/clicktocall/",
        "PROVIDERS": {
            "scripted": _entry("ScriptedProvider"),
            "second": _entry("ScriptedProvider"),
            "plain": _entry("PlainProvider"),
            "foreign": _entry("ScriptedProvider", ACCOUNTS=["0" * 32]),
        },
    }
    ScriptedProvider.reset()
    return ScriptedProvider
