"""What can be said of the widget by reading it: its weight, its manners, its words."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.utils import translation

from clicktocall.embed.texts import OVERRIDABLE_KEYS, TEXTS, widget_texts

WIDGET = Path(__file__).resolve().parents[2] / "widget_static/clicktocall/widget.js"
MOST_BYTES = 15 * 1024

SOURCE = WIDGET.read_text(encoding="utf-8")
# Comments may name what the code must not do.
CODE = re.sub(r"^\s*(//|/?\*).*$", "", SOURCE, flags=re.MULTILINE)

KEYS_IN_USE = set(re.findall(r"""\bt\(["'](\w+)["']\)""", SOURCE)) | set(
    re.findall(r"""this\.#t\(["'](\w+)["']\)""", SOURCE)
)


def test_a_visitor_downloads_little() -> None:
    assert len(gzip.compress(SOURCE.encode(), 9)) <= MOST_BYTES


@pytest.mark.parametrize(
    "forbidden",
    [
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write",
        r"\.cookie\b",
        r"localStorage|sessionStorage|indexedDB|caches\b",
        r"history\.(state|pushState|replaceState)",
        r"\beval\(|new Function|setTimeout\(\s*[\"'`]",
        r"setAttribute\(\s*[\"'`]style|createElement\(\s*[\"'`]style|[\"'`]style[\"'`]\s*:",
        r"<style|<iframe|h\(\s*[\"'`]iframe",
        r"\bimport\s*[({\"'*]|\brequire\(",
        r"\bwindow\.\w+\s*=[^=]|\bglobalThis\b",
        r"credentials:\s*[\"'](include|same-origin)",
        r"document\.(body|head|documentElement)\.(style|class)",
    ],
)
def test_it_does_nothing_a_guest_must_not_do(forbidden: str) -> None:
    assert not re.search(forbidden, CODE)


def test_it_can_name_no_address_but_its_own() -> None:
    addresses = set(re.findall(r"https?://[^\s\"'`]+", CODE))
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_every_word_it_says_is_in_the_texts() -> None:
    assert KEYS_IN_USE - TEXTS.keys() == set()


def test_every_text_is_said_somewhere() -> None:
    assert TEXTS.keys() - KEYS_IN_USE == set()


def test_no_key_is_put_together_so_that_the_two_tests_above_see_all() -> None:
    calls = re.findall(r"(?<![\w.#])t\((?!\))([^)]*)\)|#t\(([^)]*)\)", CODE)
    assert calls
    assert all(re.fullmatch(r'"\w+"', bare or own) for bare, own in calls)


def test_every_placeholder_of_the_texts_is_known_to_the_widget() -> None:
    placeholders = {name for text in TEXTS.values() for name in re.findall(r"\{(\w+)\}", str(text))}
    filled = set(re.findall(r"[{,]\s*(\w+)\s*[:,}]", CODE))
    assert placeholders - filled == set()


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_the_texts_keep_the_voice(key: str) -> None:
    with translation.override("en"):
        text = str(TEXTS[key])
    assert text == text.strip()
    assert text
    assert "!" not in text
    assert not re.search(r"\b(errors?|invalid|leg|dispatch|callback|sorry)\b", text.lower())


def test_an_operator_can_name_things_but_not_change_promises() -> None:
    texts = widget_texts(
        {"button": "Ring the shop", "title": "  ", "connected": "Hello", "nonsense": "x"}
    )
    assert texts["button"] == "Ring the shop"
    assert texts["title"] == str(TEXTS["title"])
    assert texts["connected"] == str(TEXTS["connected"])
    assert texts.keys() == TEXTS.keys()


def test_what_can_be_overridden_exists_and_promises_nothing() -> None:
    assert TEXTS.keys() >= OVERRIDABLE_KEYS
    assert not any("{" in str(TEXTS[key]) for key in OVERRIDABLE_KEYS)
