"""What the checks of an endpoint share: their answer, and the shapes of JSON fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# A field's name and what is wrong with it, for each problem found.
Problems = Iterator[tuple[str, str]]

NAME = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]*")


def is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_map_of_text(value: Any, *, longest: int) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) and len(text) <= longest and PRINTABLE.fullmatch(text)
        for text in value.values()
    )


def is_text_like(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
