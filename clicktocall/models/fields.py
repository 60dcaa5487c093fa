"""Column helpers shared by the tables: ids, and the E.164 check both databases enforce."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import F, Func, Q
from phonenumber_field.modelfields import PhoneNumberField


def hex_id() -> str:
    """A new 32-digit lower-case hexadecimal id."""
    return uuid.uuid4().hex


class E164Field(PhoneNumberField):  # type: ignore[misc]
    """A phone number column that always holds E.164, whatever the host's display settings."""

    def get_prep_value(self, value: Any) -> Any:
        number = self.to_python(value)
        if number is None or number == "":
            return ""
        if number.country_code is None:
            return number.raw_input  # the check constraint refuses it
        return number.as_e164


class IsE164(Func):
    """Whether a text column holds an E.164 number (ITU-T E.164: plus, up to fifteen digits).

    SQLite has no built-in regular expressions, and a check constraint there must not depend on
    a function that only Django registers, so it is spelled with GLOB.
    """

    output_field = models.BooleanField()
    conditional = True

    template = "%(expressions)s ~ '^[+][1-9][0-9]{6,14}$'"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        sql, params = compiler.compile(self.get_source_expressions()[0])
        condition = (
            f"({sql} GLOB '+[1-9]*' AND substr({sql}, 2) NOT GLOB '*[^0-9]*' "
            f"AND length({sql}) BETWEEN 8 AND 16)"
        )
        return condition, (*params, *params, *params)


def e164_check(table: str, column: str, *, blank: bool = False) -> models.CheckConstraint:
    """The constraint that `column` is E.164 (or empty, where `blank`)."""
    condition: Any = IsE164(F(column))
    if blank:
        condition = Q(**{column: ""}) | Q(condition)
    return models.CheckConstraint(
        condition=condition,
        name=f"clicktocall_{table}_{column}_e164",
        violation_error_message="Write the number in international form, such as +442079460101.",
    )
