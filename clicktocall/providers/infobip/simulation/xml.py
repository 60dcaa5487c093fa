"""The XML twins of the JSON answers and reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

# What an element of a list is called; elsewhere it has the name of the list itself.
_ITEMS = {
    "voiceResponse": {"messages": "message"},
    "recordedAudioFilesResponse": {"files": "file"},
}


def as_xml(
    root: str, content: Mapping[str, Any], renamed: Mapping[str, str] | None = None
) -> bytes:
    """`content` as a document; `renamed` gives elements another name than in JSON."""
    lines = "".join(_element(root, content, _ITEMS.get(root, {}), renamed or {}))
    return f'<?xml version="1.0" encoding="UTF-8"?>{lines}'.encode()


def _element(
    name: str, value: Any, items: Mapping[str, str], renamed: Mapping[str, str]
) -> Iterator[str]:
    name = renamed.get(name, name)
    if value is None:
        yield f"<{name}/>"
        return
    yield f"<{name}>"
    if isinstance(value, Mapping):
        for inner, content in value.items():
            yield from _element(inner, content, items, renamed)
    elif isinstance(value, list):
        for item in value:
            yield from _element(items.get(name, name), item, items, renamed)
    else:
        yield _text(value)
    yield f"</{name}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    legal = "".join(char for char in str(value) if char >= " " or char in "\t\n\r")
    return escape(legal, quote=False)
