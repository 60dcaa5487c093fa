"""What an operator pastes: exact to the byte, escaped, with a checksum that is true."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from clicktocall.endpoints.snippets import snippets_for, telephone_of
from clicktocall.exceptions import ConfigurationError
from clicktocall.models import Endpoint, Role
from tests.admin.conftest import House, page_of
from tests.factories import make_endpoint

pytestmark = pytest.mark.django_db

PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"


@pytest.fixture(autouse=True)
def public_site(settings: Any, tmp_path: Path) -> None:
    settings.CLICKTOCALL = {
        **settings.CLICKTOCALL,
        "PUBLIC_URL": "https://calls.example.com/clicktocall/",
    }
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def store(settings: Any) -> Callable[[str], None]:
    def use(backend: str) -> None:
        settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}

    return use


def make_button(**fields: Any) -> Endpoint:
    given = {"pk": "0123456789abcdef0123456789abcdef", "allowed_countries": ["GB"], **fields}
    return make_endpoint(**given)


def test_the_simple_snippet(store: Callable[[str], None]) -> None:
    store(PLAIN)
    snippets = snippets_for(make_button(fallback_phone="+442079460199"))
    assert snippets.simple == (
        '<script async src="https://calls.example.com/static/clicktocall/widget.js" '
        'data-api="https://calls.example.com/clicktocall/"></script>\n'
        '<click-to-call endpoint="0123456789abcdef0123456789abcdef">'
        '<a href="tel:+442079460199">Call us on 020 7946 0199</a></click-to-call>'
    )
    assert snippets.template_tag == (
        '{% load clicktocall %}\n{% click_to_call "0123456789abcdef0123456789abcdef" %}'
    )
    assert snippets.pinned == ""
    assert "manifest storage" in snippets.why_not_pinned


@pytest.mark.parametrize("backend", [MANIFEST, WHITENOISE])
def test_the_pinned_snippet_and_its_checksum(
    backend: str, store: Callable[[str], None], tmp_path: Path
) -> None:
    store(backend)
    call_command("collectstatic", interactive=False, verbosity=0)
    pinned = snippets_for(make_button(fallback_phone="+442079460199")).pinned
    match = re.fullmatch(
        r'<script async src="https://calls\.example\.com/static/'
        r'(?P<name>clicktocall/widget\.[0-9a-f]{12}\.js)" '
        r'integrity="sha384-(?P<sum>[A-Za-z0-9+/]{64})" crossorigin="anonymous" '
        r'data-api="https://calls\.example\.com/clicktocall/"></script>\n'
        r'<click-to-call endpoint="0123456789abcdef0123456789abcdef">'
        r'<a href="tel:\+442079460199">Call us on 020 7946 0199</a></click-to-call>',
        pinned,
    )
    assert match is not None, pinned
    served = (tmp_path / match["name"]).read_bytes()
    assert base64.b64decode(match["sum"]) == hashlib.sha384(served).digest()


def test_a_script_that_is_not_collected_is_explained(store: Callable[[str], None]) -> None:
    store(MANIFEST)
    snippets = snippets_for(make_button())
    assert snippets.pinned == ""
    assert "collectstatic" in snippets.why_not_pinned


def test_static_files_may_be_served_elsewhere(settings: Any) -> None:
    settings.STATIC_URL = "https://cdn.example.net/s/"
    simple = snippets_for(make_button()).simple
    assert 'src="https://cdn.example.net/s/clicktocall/widget.js"' in simple
    assert 'data-api="https://calls.example.com/clicktocall/"' in simple


def test_the_telephone_link_is_ours_or_none() -> None:
    assert telephone_of(make_endpoint(extension="+442079460150")) == "+442079460150"
    assert telephone_of(make_endpoint(fallback_phone="+12025550123")) == "+12025550123"
    silent = make_endpoint(extension_kind="pbx", extension="1000")
    assert telephone_of(silent) == ""
    empty = f'<click-to-call endpoint="{silent.pk}"></click-to-call>'
    assert snippets_for(silent).simple.endswith(empty)


def test_everything_is_escaped(settings: Any) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PUBLIC_URL": 'https://x.example/"><b>/'}
    assert "<b>" not in snippets_for(make_button()).simple


def test_without_a_public_address_the_page_says_what_to_set(
    settings: Any, superuser: Client
) -> None:
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, "PUBLIC_URL": ""}
    endpoint = make_button()
    with pytest.raises(ConfigurationError):
        snippets_for(endpoint)
    page = superuser.get(page_of(endpoint))
    assert page.status_code == 200
    assert "PUBLIC_URL" in page.content.decode()


def test_the_page_shows_the_snippets_escaped(
    store: Callable[[str], None], superuser: Client
) -> None:
    store(MANIFEST)
    call_command("collectstatic", interactive=False, verbosity=0)
    endpoint = make_button()
    answer = superuser.get(page_of(endpoint))
    snippets = answer.context["snippets"]
    page = answer.content.decode()
    from django.utils.html import escape

    for text in (snippets.simple, snippets.pinned, snippets.template_tag):
        assert escape(str(text)) in page
    assert "<click-to-call" not in page


def test_a_viewer_may_copy_them_too(ours: House, member: Callable[..., Client]) -> None:
    page = member(ours.account, Role.VIEWER).get(page_of(ours.endpoint)).content.decode()
    assert "&lt;click-to-call endpoint=" in page
