"""The demo's settings: safe in production, secrets kept."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from clicktocall.providers.infobip.simulation.stories import story_of as infobip_story_of
from demo_site.providers import DEMO_PROVIDERS, INFOBIP
from demo_site.state import (
    Running,
    StateError,
    load_running,
    load_secrets,
    save_running,
    state_folder,
)
from tests.product_process import CHECKOUT, clean_environ


def test_a_production_site_passes_the_deployment_check(tmp_path):
    ended = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=CHECKOUT,
        env=clean_environ()
        | {
            "DEMO_STATE_DIR": str(tmp_path),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "PUBLIC_URL": "https://calls.example.com/clicktocall/",
            "ALLOWED_HOSTS": "calls.example.com",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "no issues (0 silenced)" in ended.stdout + ended.stderr


def test_secrets_are_made_once(tmp_path):
    first = load_secrets(tmp_path)
    assert load_secrets(tmp_path) == first
    assert len({first.secret_key, first.sandbox_api_key, first.callback_secret}) == 3
    assert len(first.secret_key) >= 64
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.json"]


def test_processes_that_start_together_agree_on_the_secrets(tmp_path):
    with ProcessPoolExecutor(4) as pool:
        assert len(set(pool.map(load_secrets, [tmp_path] * 16))) == 1


def test_secrets_that_others_can_read_are_closed_again(tmp_path):
    load_secrets(tmp_path)
    file = tmp_path / "secrets.json"
    file.chmod(0o644)
    load_secrets(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps({"secret_key": "alone"})])
def test_damaged_secrets_are_never_replaced_silently(tmp_path, content):
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(StateError, match=r"secrets\.json is damaged"):
        load_secrets(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == content


def test_the_last_start_is_remembered(tmp_path):
    assert load_running(tmp_path) is None
    save_running(tmp_path, Running(port=8000, sandbox_port=8001))
    save_running(tmp_path, Running(port=9000, sandbox_port=9001))
    assert load_running(tmp_path) == Running(port=9000, sandbox_port=9001, provider="sandbox")


def test_a_start_from_before_there_were_providers_is_remembered(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"port": 9000, "sandbox_port": 9001}))
    assert load_running(tmp_path) == Running(port=9000, sandbox_port=9001, provider="sandbox")


def test_every_provider_has_secrets_of_its_own_which_stay(tmp_path):
    first = load_secrets(tmp_path)
    found = {
        secret for name in DEMO_PROVIDERS for secret in (first.api_key(name), first.callback(name))
    }
    assert len(found) == 2 * len(DEMO_PROVIDERS)
    assert all(len(secret) >= 32 for secret in found)
    again = load_secrets(tmp_path)
    assert [again.api_key(name) for name in DEMO_PROVIDERS] == [
        first.api_key(name) for name in DEMO_PROVIDERS
    ]


def test_the_workshop_s_own_telephone_chooses_no_story():
    """Infobip's simulator looks at both numbers of a call; the visitor alone is to choose."""
    assert infobip_story_of(INFOBIP.workshop.lstrip("+")).name == "completed"
    assert infobip_story_of(INFOBIP.workshop.lstrip("+"), "442079460005").name == "b_busy"


def test_the_state_folder_is_the_owners_alone(tmp_path):
    folder = state_folder({"DEMO_STATE_DIR": str(tmp_path / "a" / "b")}, tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
