"""Checking a request against its schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from clicktocall.providers.infobip.simulation.schema import Field, Kind
from clicktocall.providers.infobip.simulation.timetable import parse_moment

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII)


class Findings:
    """What a request has wrong, by field name, and the fields no document knows.

    The documents name a wrong field without its place; the place stands in the message.
    """

    def __init__(self) -> None:
        self.wrong: dict[str, list[str]] = {}
        self.unknown: list[str] = []

    def add(self, path: str, fault: str) -> None:
        name = path.rpartition(".")[2].partition("[")[0] or "body"
        self.wrong.setdefault(name, []).append(f"{fault} ({path or 'body'})")


def check(document: object, schema: Field) -> Findings:
    """Hold a decoded JSON document against `schema`."""
    findings = Findings()
    _check(document, schema, "", findings)
    return findings


def _check(value: Any, field: Field, path: str, findings: Findings) -> None:
    if not _IS_OF[field.kind](value):
        findings.add(path, f"must be {field.kind}")
        return
    for fault in _faults_of_value(value, field):
        findings.add(path, fault)
    if field.items is not None:
        for number, item in enumerate(value):
            _check(item, field.items, f"{path}[{number}]", findings)
    if field.fields is not None:
        _check_fields(value, field, path, findings)


def _check_fields(value: dict[str, Any], field: Field, path: str, findings: Findings) -> None:
    known = field.fields or {}
    for name, wanted in known.items():
        inner = f"{path}.{name}" if path else name
        if value.get(name) is not None:
            _check(value[name], wanted, inner, findings)
        elif wanted.required:
            findings.add(inner, "must not be null or missing")
    findings.unknown += [f"{path}.{name}" if path else name for name in value if name not in known]


def _faults_of_value(value: Any, field: Field) -> Iterator[str]:
    if field.choices and value not in field.choices:
        yield f"must be one of {', '.join(field.choices)}"
    if field.pattern and not field.pattern.fullmatch(value):
        yield f"must be {field.wanted}"
    if field.required and value == "":
        yield "must not be empty"
    if field.unique and len({str(item) for item in value}) < len(value):
        yield "must not repeat itself"
    yield from _faults_of_size(value, field)


def _faults_of_size(value: Any, field: Field) -> Iterator[str]:
    is_number = field.kind in (Kind.INTEGER, Kind.NUMBER)
    size, unit = (value, "") if is_number else (_length(value), " long")
    if field.least is not None and size < field.least:
        yield f"must be at least {field.least:g}{unit}"
    if field.most is not None and size > field.most:
        yield f"must be at most {field.most:g}{unit}"


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | list) else 0


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        parse_moment(value)
    except (ValueError, OverflowError):
        return False
    return True


def _is_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


_IS_OF: dict[Kind, Callable[[Any], bool]] = {
    Kind.TEXT: _is_text,
    Kind.INTEGER: _is_integer,
    Kind.NUMBER: lambda value: _is_integer(value) or isinstance(value, float),
    Kind.FLAG: lambda value: isinstance(value, bool),
    Kind.LOOSE_FLAG: lambda value: isinstance(value, bool) or value in ("true", "false"),
    Kind.OBJECT: lambda value: isinstance(value, dict),
    Kind.TEXTS: _is_texts,
    Kind.MOMENT: _is_moment,
    Kind.LIST: lambda value: isinstance(value, list),
}
