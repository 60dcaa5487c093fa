"""Writing what has changed of many rows: as few columns and statements as there are changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Model


class Changes:
    """The columns of `rows` that are no longer as they were when this was made."""

    def __init__(self, rows: Iterable[Model]) -> None:
        self._rows = [(row, _values(row)) for row in rows]

    def write(self, **besides: Any) -> None:
        """Write every change; `besides` are set in each row that has one."""
        alike: dict[str, tuple[dict[str, Any], list[Model]]] = {}
        for row, before in self._rows:
            changed = {name: now for name, now in _values(row).items() if now != before[name]}
            if changed:
                alike.setdefault(repr(changed), (changed, []))[1].append(row)
        for changed, rows in alike.values():
            type(rows[0])._base_manager.filter(pk__in=[row.pk for row in rows]).update(
                **changed, **besides
            )
            for row in rows:
                for name, value in besides.items():
                    setattr(row, name, value)


def _values(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
