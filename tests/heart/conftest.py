from __future__ import annotations

from typing import Any

import pytest

from tests.heart.scripted import ScriptedProvider

SECRET = "a-callback-secret-for-the-heart"


def _entry(name: str, *, dedupe: str = "none", **more: Any) -> dict[str, Any]:
    return {
        "BACKEND": f"tests.heart.scripted.{name}",
        "OPTIONS": {"CALLBACK_SECRETS": [SECRET], "DEDUPE": dedupe},
        **more,
    }


@pytest.fixture
def scripted(settings: Any) -> type[ScriptedProvider]:
    """The provider aliases below, with a clean record."""
    settings.CLICKTOCALL = {
        "PUBLIC_URL": "http://127.0.0.1:8000/clicktocall/",
        "PROVIDERS": {
            "scripted": _entry("ScriptedProvider"),
            "second": _entry("ScriptedProvider"),
            "plain": _entry("PlainProvider"),
            "askable": _entry("AskableProvider"),
            "lookup": _entry("AskableProvider", dedupe="lookup"),
            "window": _entry("ScriptedProvider", dedupe="window:60"),
            "batching": _entry("BatchingProvider"),
            "foreign": _entry("ScriptedProvider", ACCOUNTS=["0" * 32]),
        },
    }
    ScriptedProvider.reset()
    return ScriptedProvider
