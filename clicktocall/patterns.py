"""Patterns of telephone numbers, in RE2 so that none of them can be slow.

A pattern is matched from the start of the E.164 number, so `^` is implied; `$` pins the end.
Syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

from clicktocall.exceptions import InvalidPattern

LONGEST_PATTERN = 256

_MAX_MEMORY = 1 << 20
_COUNTS = re.compile(r"(?<=[{,])([0-9]{1,9})(?=[,}])", re.ASCII)
_MOST_REPEATED = 30
_ANY_NUMBER = "+123456789012"


def compile_pattern(pattern: str) -> Any:
    """The compiled pattern.

    Raises:
        InvalidPattern: it is not RE2, too long or too large, or can never match a number.
    """
    if any(int(count) > _MOST_REPEATED for count in _COUNTS.findall(pattern)):
        raise InvalidPattern(
            f"A telephone number has at most 15 digits: repeat nothing more than "
            f"{_MOST_REPEATED} times."
        )
    compiled = _compile(pattern)
    if not _can_match_a_plus(compiled):
        raise InvalidPattern(
            "This can never match: numbers begin with a plus sign. "
            r"Begin with \+ and the country code; London's, written 020 there, is \+4420."
        )
    if compiled.match("") and not compiled.fullmatch(_ANY_NUMBER):
        raise InvalidPattern(
            "This lets every number through, because a part of it asks for nothing: look for a "
            r"bar too many, or a star or question mark after everything. For every number write \+."
        )
    return compiled


def matches(pattern: str, e164: str) -> bool:
    """Whether `pattern` matches from the start of the number; an unusable pattern never does."""
    try:
        return _compile(pattern).match(e164) is not None
    except InvalidPattern:
        return False


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> Any:
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise InvalidPattern(f"Write a pattern of 1 to {LONGEST_PATTERN} characters.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    options.never_nl = True
    try:
        return re2.compile(pattern, options=options)
    except (re2.error, UnicodeEncodeError, ValueError) as error:
        raise InvalidPattern(_reason(error)) from error


def _reason(error: Exception) -> str:
    words = error.args[0] if error.args else error
    if isinstance(words, bytes):
        words = words.decode("utf-8", "replace")
    hint = r" Write a literal plus as \+." if "repetition operator: +" in str(words) else ""
    return f"This is not a valid pattern: {words}.{hint}"


def _can_match_a_plus(compiled: Any) -> bool:
    anchored = re2.compile(rf"\A(?:{compiled.pattern})", options=compiled.options)
    try:
        lowest, highest = anchored.possiblematchrange(2)
    except re2.error:  # the library cannot narrow it down: it may match anything
        return True
    return bool(_as_bytes(lowest) < b"," and _as_bytes(highest) >= b"+")


def _as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
