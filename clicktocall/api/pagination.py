"""Pages by cursor, newest first: a deep page costs what the first one does.

A cursor names a row by all that the list is ordered by, so rows of one moment are told apart, and
rows that come or go meanwhile move no other.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import AutoField, Model, Q
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

MOST_PER_PAGE = 200

_ID = re.compile(r"[0-9a-f]{32}")
_ROW_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Place:
    """Between two rows of a list: after this one, or before it."""

    before: bool
    row: tuple[Any, ...]  # its values of what the list is ordered by

    def __str__(self) -> str:
        text = ",".join(("before" if self.before else "after", *map(_written, self.row)))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class NewestFirst(CursorPagination):
    """`?cursor=` and `?page_size=`; the answer is `{"next", "previous", "results"}`."""

    page_size = 50
    page_size_query_param = "page_size"
    page_size_query_description: Any = _("How many results a page holds, 1 to 200; by default 50.")
    cursor_query_description: Any = _("Where a page begins: as `next` and `previous` name it.")
    max_page_size = MOST_PER_PAGE
    ordering: tuple[str, ...] = ("-created_at", "-id")
    template = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """The rows of one page.

        Raises:
            ValidationError: the page's size, or the cursor, is none.
        """
        size = self.get_page_size(request)
        place = self._place(request, queryset.model)
        before = place is not None and place.before
        rows = queryset.order_by(*(_names(self.ordering) if before else self.ordering))
        if place is not None:
            rows = rows.filter(_beyond(_names(self.ordering), place))
        found = list(rows[: size + 1])
        self.address = request.build_absolute_uri()
        self.page = found[:size][:: -1 if before else 1]
        self.has_next = before or len(found) > size
        self.has_previous = len(found) > size if before else place is not None
        return self.page

    def get_next_link(self) -> str | None:
        return self._link(before=False) if self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(before=True) if self.has_previous else None

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params.get("page_size")
        if asked is None:
            return int(self.page_size or MOST_PER_PAGE)
        if not (re.fullmatch(r"[0-9]{1,3}", asked) and 1 <= int(asked) <= MOST_PER_PAGE):
            raise ValidationError({"page_size": [f"Give a whole number, 1 to {MOST_PER_PAGE}."]})
        return int(asked)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": address, "previous": address, "results": schema},
        }

    def _place(self, request: Request, model: type[Model]) -> Place | None:
        cursor = request.query_params.get(self.cursor_query_param)
        if cursor is None:
            return None
        try:
            return _read(cursor, _names(self.ordering), model)
        except ValueError as error:
            message = "Follow the addresses in next and previous, or leave it out."
            raise ValidationError({"cursor": [message]}) from error

    def _link(self, *, before: bool) -> str | None:
        if not self.page:  # whatever stood beside it is gone
            return None
        row = self.page[0 if before else -1]
        place = Place(before, tuple(getattr(row, name) for name in _names(self.ordering)))
        return str(replace_query_param(self.address, self.cursor_query_param, str(place)))


class LatestRowFirst(NewestFirst):
    """For rows that carry a growing number and no time."""

    ordering = ("-id",)


def _names(ordering: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.removeprefix("-") for name in ordering)


def _beyond(names: tuple[str, ...], place: Place) -> Q:
    """The rows after the place or before it. Said so that an index can be walked from there."""
    than = "gt" if place.before else "lt"
    beyond = Q(**{f"{names[-1]}__{than}": place.row[-1]})
    for name, value in zip(names[-2::-1], place.row[-2::-1], strict=True):
        beyond = Q(**{f"{name}__{than}e": value}) & (Q(**{f"{name}__{than}": value}) | beyond)
    return beyond


def _written(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _read(cursor: str, names: tuple[str, ...], model: type[Model]) -> Place:
    """Raises ValueError when it is no cursor of such a list."""
    padded = cursor + "=" * (-len(cursor) % 4)
    text = base64.b64decode(padded.encode("ascii"), b"-_", validate=True).decode("ascii")
    side, *values = text.split(",")
    if side not in ("before", "after"):
        raise ValueError(side)
    row = zip(names, values, strict=True)
    return Place(side == "before", tuple(_value(name, value, model) for name, value in row))


def _value(name: str, text: str, model: type[Model]) -> Any:
    """Raises ValueError when it is not a value of that column."""
    if name != "id":
        return _moment(text)
    numbered = isinstance(model._meta.pk, AutoField)
    if not (_ROW_NUMBER if numbered else _ID).fullmatch(text):
        raise ValueError(text)
    return int(text) if numbered else text


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    # Others are not ours; some of them no time zone, or no database, can deal with.
    if at.utcoffset() != timedelta(0) or not 1970 <= at.year <= 9000:
        raise ValueError(text)
    return at
