"""What the sandbox says to its customers: a status with a JSON object or a file."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from clicktocall.providers.sandbox.playing import Call

Json = dict[str, Any]
Reply = tuple[int, Json | bytes]


def accepted(call: Call) -> Json:
    """The call as its customer may know it after an order or a cancellation."""
    return {"id": call.id, "reference": call.order["reference"], "state": call.state}


def error(status: int, message: str, fields: dict[str, str] | None = None) -> Reply:
    """A fault for people to read, with those of single fields by their names."""
    told: Json = {"message": message}
    if fields:
        told["fields"] = fields
    return status, {"error": told}


def unauthorized() -> Reply:
    return error(HTTPStatus.UNAUTHORIZED, "The API key is missing or wrong.")


def no_such_call() -> Reply:
    return error(HTTPStatus.NOT_FOUND, "There is no such call.")
