from __future__ import annotations

import pytest
from pytest_django import Settings

from clicktocall.models import Attempt
from clicktocall.models.fields import hex_id
from tests.callbacks.provider import SECRET
from tests.embed.conftest import gunicorn, processes
from tests.factories import make_attempt

__all__ = ["gunicorn", "processes"]


@pytest.fixture
def attempt(db: None) -> Attempt:
    """An attempt that the provider `sandbox` has taken."""
    return make_attempt(provider_reference=hex_id())


@pytest.fixture
def two_aliases(settings: Settings) -> None:
    """A second alias of the same provider, with a secret of its own."""
    entry = settings.CLICKTOCALL["PROVIDERS"]["sandbox"]
    second = {**entry, "OPTIONS": {**entry["OPTIONS"], "CALLBACK_SECRETS": [f"{SECRET}-second"]}}
    providers = {"sandbox": entry, "second": second}
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PROVIDERS": providers}
