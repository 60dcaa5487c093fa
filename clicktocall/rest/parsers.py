"""Bodies from strangers: JSON objects in UTF-8, small and shallow, or a clear refusal."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from django.http.request import UnreadablePostError
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from clicktocall.conf import settings

DEEPEST_NESTING = 8


class BodyTooLarge(APIException):
    status_code = 413
    default_detail = "The request is too large."
    default_code = "too_large"


class LengthRequired(APIException):
    status_code = 411
    default_detail = "Send the request with a Content-Length."
    default_code = "length_required"


def check_length(request: Request, largest: int) -> None:
    """Refuse what is too large before reading it, and what WSGI cannot read (RFC 9112, 6.1).

    `largest` is in bytes.

    Raises:
        LengthRequired, BodyTooLarge.
    """
    if request.headers.get("Transfer-Encoding"):
        raise LengthRequired
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise LengthRequired from None
    if length > largest:
        raise BodyTooLarge


class StrictJSONParser(BaseParser):
    """Only `application/json`, only UTF-8, only an object of ordinary text."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The object in the body.

        Raises:
            ParseError: it is not a JSON object, or holds what no text column can.
            UnsupportedMediaType: it is something else, or its charset is not UTF-8.
            BodyTooLarge: it is larger than allowed.
        """
        if not _is_json_in_utf8(media_type or ""):
            raise UnsupportedMediaType(media_type or "", "Send JSON in UTF-8.")
        view = (parser_context or {}).get("view")
        largest: int = view.largest_body if view else settings.MAX_BODY_SIZE
        try:
            raw: bytes = stream.read(largest + 1)
        except (UnreadablePostError, OSError) as error:
            raise ParseError("The body did not arrive whole.") from error
        if len(raw) > largest:
            raise BodyTooLarge
        if len(raw) < _declared_length(parser_context):
            raise ParseError("The body did not arrive whole.")
        try:
            body = json.loads(
                raw.decode("utf-8"),
                parse_constant=_refuse_constant,
                parse_float=_finite,
                object_pairs_hook=_refuse_duplicates,
            )
        except (ValueError, RecursionError) as error:
            raise ParseError("The body is not valid JSON in UTF-8.") from error
        if not isinstance(body, dict):
            raise ParseError("Send a JSON object.")
        _check_values(body)
        return body


def _declared_length(parser_context: Mapping[str, Any] | None) -> int:
    # `check_length` has already refused what is not a number.
    request: Request | None = (parser_context or {}).get("request")
    return int(request.META.get("CONTENT_LENGTH") or 0) if request is not None else 0


def _is_json_in_utf8(media_type: str) -> bool:
    """Also says no to `*/*`, which the framework would take for JSON."""
    essence, *parameters = media_type.split(";")
    if essence.strip().lower() != StrictJSONParser.media_type:
        return False
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() in ("utf-8", "utf8")
    return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # 1e999 is good JSON, but no column holds what it becomes
        raise ValueError(f"{text} is too large")
    return number


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _check_values(body: dict[str, Any]) -> None:
    level: list[Any] = [body]
    for _ in range(DEEPEST_NESTING):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                deeper += [*value, *value.values()]
            elif isinstance(value, list):
                deeper += value
            elif isinstance(value, str):
                _check_text(value)
        if not deeper:
            return
        level = deeper
    raise ParseError("The body is nested too deeply.")


def _check_text(text: str) -> None:
    # No database column takes these: PostgreSQL refuses NUL, UTF-8 has no lone surrogates.
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError("The text holds characters that cannot be stored.")
