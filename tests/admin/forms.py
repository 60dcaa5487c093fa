"""Fill in a page's form as a browser would: everything that stands there, with a few changes."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "input" and name:
            self._input(name, given)
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.values.setdefault(self._select, []).append(given.get("value", ""))
        elif tag == "textarea" and name:
            self._textarea = name
            self.values[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea" and self._textarea:
            # The first line break after the tag is not part of the text.
            self.values[self._textarea][0] = self.values[self._textarea][0].removeprefix("\n")
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea][0] += data

    def _input(self, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in ("submit", "button", "search") or name == "csrfmiddlewaretoken":
            return
        if kind in ("checkbox", "radio") and "checked" not in given:
            return
        fallback = "on" if kind == "checkbox" else ""
        self.values.setdefault(name, []).append(given.get("value", fallback))


def filled_form(response: Any, **changes: Any) -> dict[str, Any]:
    """What the page would post; a change to None leaves a field out (an unticked box)."""
    form = _Form()
    form.feed(response.content.decode())
    values = {name: value for name, value in form.values.items() if "__prefix__" not in name}
    posted: dict[str, Any] = {**values, **changes}
    return {name: value for name, value in posted.items() if value is not None}
