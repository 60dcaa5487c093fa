"""How an operation of this API is written down in OpenAPI; drf-spectacular does the legwork.

`OperationSchema` is the `schema` of the views, so a host that documents its whole site with
drf-spectacular gets the same description of ours.
"""

# drf-spectacular says little of its types.
# mypy: disallow-untyped-calls=False
from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, get_doc
from rest_framework import serializers

from clicktocall.accounts.rights import Need
from clicktocall.api.contract.described import (
    ANSWER_HEADERS,
    IF_MATCH,
    OPERATIONS,
    PATH_VARIABLES,
    REQUEST_HEADERS,
)
from clicktocall.api.contract.examples import ANSWERS, REQUESTS, problem_example
from clicktocall.api.contract.shapes import ID, ROW, name_of, shape_of
from clicktocall.api.errors import PROBLEMS
from clicktocall.api.serializers.common import KnownNamesOnly, ModelBody
from clicktocall.api.serializers.endpoints import EndpointSerializer, usual_values
from clicktocall.endpoints.numbers import NUMBER_OPTIONS

JSON = "application/json"

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_SAID_BY_THEIR_ADDRESS = frozenset({"cancel", "pause", "replay", "resume", "rotate"})
_ALWAYS = ("not_authenticated", "invalid_key", "not_allowed", "not_acceptable", "unavailable")
_OF_UNSAFE = ("csrf_failed", "length_required", "too_large")
_OF_BODY = ("invalid_request", "unsupported_media_type")

ERROR = {
    "type": "object",
    "description": "What went wrong. Programs read `code`, people `message`.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "enum": list(PROBLEMS)},
                "message": {"type": "string"},
                "fields": {
                    "type": "object",
                    "description": (
                        "What is wrong with which field, parameter or header. What stands inside "
                        "an object or a list is named with its path, such as `calls.2.contact`."
                    ),
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                },
                "refusal": {"type": "string", "description": "The rule that refused the call."},
                "next_opening": {"type": ["string", "null"], "format": "date-time"},
            },
            "additionalProperties": False,
        }
    },
    "additionalProperties": False,
}


class _KeyInHeader(OpenApiAuthenticationExtension):
    target_class = "clicktocall.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "API key",
            "description": "Issued in the admin, shown once; revoked and expired keys are refused.",
        }


class _StaffSession(OpenApiAuthenticationExtension):
    target_class = "clicktocall.api.authentication.StaffSession"
    name = "staffSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": (
                "The login of the admin, under the site's own cookie name. Everything but reading "
                "takes the site's CSRF token too."
            ),
        }


class OperationSchema(AutoSchema):
    """A view's operation, with what `OPERATIONS` says of it."""

    view: Any

    @property
    def key(self) -> str:
        return f"{type(self.view).__name__}.{self.view.action}"

    @property
    def described(self) -> Any:
        return OPERATIONS[self.key]

    def get_operation(self, *args: Any) -> Any:
        operation: Any = super().get_operation(*args)
        self._component("Error", ERROR)
        success = operation["responses"][str(self.described.success)]
        self._add_examples(operation, success)
        if self.described.links:
            success["links"] = {
                name: {"operationId": name, "parameters": dict(parameters)}
                for name, parameters in self.described.links.items()
            }
        return operation

    def _component(self, name: str, schema: Any) -> dict[str, Any]:
        """A reference to a schema that is written down once."""
        kind = ResolvedComponent.SCHEMA
        component = ResolvedComponent(name, kind, schema=dict(schema), object=name)
        self.registry.register_on_missing(component)
        reference: dict[str, Any] = component.ref
        return reference

    # --- Words

    def get_operation_id(self) -> str:
        return str(self.described.id)

    def get_summary(self) -> str:
        return str(self.described.summary)

    def get_tags(self) -> list[str]:
        return [self.described.tag]

    def get_description(self) -> str:  # type: ignore[override]
        said = get_doc(getattr(self.view, self.view.action))
        need: Need = self.view.needs[self.view.action]
        takes = (
            f"Takes the scope `{need.scope}`; of somebody logged in, the role “{need.role.value}” "
            f"and the permission `clicktocall.{need.permission}`."
        )
        return "\n\n".join(filter(None, (said, self.described.more, takes)))

    # --- What is sent

    def get_request_serializer(self) -> Any:
        if self.view.action in _SAID_BY_THEIR_ADDRESS:
            return None
        given = getattr(self.view, "request_serializer_class", None)
        return given or super().get_request_serializer()

    def _get_request_body(self, direction: Any = "request") -> Any:
        body = super()._get_request_body(direction)
        if body:
            body["required"] = self.method != "PATCH"  # without one, nothing is changed
        return body

    def _get_parameters(self) -> list[dict[str, Any]]:
        found = [_exactly(parameter) for parameter in super()._get_parameters()]
        found += [
            {"in": "query", "name": name, "required": False}
            | {"description": asked.description, "schema": dict(asked.schema)}
            for name, asked in self.described.parameters.items()
        ]
        for name in self.described.takes:
            description, schema = REQUEST_HEADERS[name]
            found.append(
                {"in": "header", "name": name, "required": False}
                | {"description": description, "schema": dict(schema)}
            )
        return found

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "in": "path",
                "name": name,
                "required": True,
                "description": PATH_VARIABLES.get(name, "Its id."),
                "schema": dict(ROW if _is_row_number(self.path_regex, name) else ID),
            }
            for name in variables
        ]

    # --- What bodies hold

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        # "Request" is added to whatever is sent.
        name = type(serializer).__name__
        return str(name.removesuffix("Serializer").removesuffix("Request"))

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}Page"

    def _map_serializer_field(self, field: Any, direction: Any, *args: Any, **kwargs: Any) -> Any:
        shape = shape_of(field)
        if shape is None:
            found = super()._map_serializer_field(field, direction, *args, **kwargs)
            if words := _words_about(field):
                found = {**found, "description": words}
            return _without_title(_as_long_as(field, found))
        if field.read_only and direction == "request":
            return None
        help_text = _words_about(field)
        said = {"description": help_text} if help_text else {}
        if name := name_of(shape):
            return {**said, **self._component(name, shape)}
        return {**said, **shape}

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)
        if direction == "response":
            schema["required"] = list(schema["properties"])
        elif isinstance(serializer, KnownNamesOnly):
            _write_like_body(serializer, schema)
            if isinstance(serializer, EndpointSerializer) and not serializer.partial:
                _add_usual_values(schema)
        return schema

    # --- What is answered

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        described = self.described
        answers = {str(described.success): self._success()}
        if "ETag" in described.headers and self.method == "GET":
            answers["304"] = {
                "description": "It still is as `If-None-Match` says.",
                "headers": _headers({"ETag": described.headers["ETag"]}),
            }
        for status, codes in sorted(self._problems().items()):
            answers[str(status)] = _problem(status, codes)
        return answers

    def _success(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"description": self.described.answer}
        if self.described.success != 204:
            answer["content"] = self._content()
        if self.described.headers:
            answer["headers"] = _headers(self.described.headers)
        return answer

    def _content(self) -> Any:
        if self.view.action == "recording":
            return {"audio/*": {"schema": {"type": "string", "format": "binary"}}}
        code = str(self.described.success)
        serializer = self.get_response_serializers()
        if self.view.action == "create":
            serializer = getattr(self.view, "answer_serializer_class", serializer)
        return self._get_response_for_code(serializer, code, [JSON])["content"]

    def _problems(self) -> dict[int, list[str]]:
        """Every problem this operation can answer with, by status."""
        codes = [*_ALWAYS, *self.described.problems]
        if self.method in _UNSAFE:
            codes += _OF_UNSAFE
        if self.method in _WITH_BODY and self.get_request_serializer() is not None:
            codes += _OF_BODY
        if self.view.action == "list":
            codes.append("invalid_request")
        if "{" in self.path:
            codes.append("not_found")
        if IF_MATCH in self.described.takes:
            codes.append("precondition_failed")
        by_status: dict[int, list[str]] = defaultdict(list)
        for code in PROBLEMS:  # in the order of the catalogue
            if code in codes:
                by_status[PROBLEMS[code][0]].append(code)
        return by_status

    # --- Examples

    def _get_examples(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {}  # they are added to the whole operation below

    def _add_examples(self, operation: dict[str, Any], success: dict[str, Any]) -> None:
        name = operation["operationId"]
        if "requestBody" in operation:
            operation["requestBody"]["content"][JSON]["examples"] = {
                title: {"summary": example.summary, "value": example.value}
                for title, example in REQUESTS[name].items()
            }
        for media in success.get("content", {}).values():
            if name in ANSWERS:
                media["examples"] = {"answer": {"value": ANSWERS[name]}}


def _problem(status: int, codes: list[str]) -> dict[str, Any]:
    description = " ".join(f"`{code}`: {PROBLEMS[code][1]}" for code in codes)
    answer: dict[str, Any] = {
        "description": description,
        "content": {
            JSON: {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Error"},
                        {"properties": {"error": {"properties": {"code": {"enum": codes}}}}},
                    ]
                },
                "examples": {code: {"value": problem_example(code)} for code in codes},
            }
        },
    }
    if status in (429, 503):
        answer["headers"] = _headers({"Retry-After": "Seconds after which to ask again."})
    if status == 401:
        answer["headers"] = _headers({"WWW-Authenticate": "How to say who asks."})
    return answer


def _headers(meanings: Any) -> dict[str, Any]:
    return {
        name: {"description": meaning, "required": True, "schema": dict(ANSWER_HEADERS[name])}
        for name, meaning in meanings.items()
    }


def _is_row_number(path_regex: str, name: str) -> bool:
    variable = "pk" if name == "id" else name
    return re.search(rf"<ctc_row:{variable}>", path_regex) is not None


def _exactly(parameter: dict[str, Any]) -> dict[str, Any]:
    """The parameter with the limits that its filter or paginator does not tell."""
    if parameter["name"] == "page_size":
        parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    parameter.setdefault("required", False)
    items = parameter["schema"].get("items")
    if items and "enum" in items:
        parameter["schema"]["items"] = {"type": "string", "enum": items["enum"]}
    return parameter


def _as_long_as(field: Any, schema: Any) -> Any:
    """With how many objects a list may hold."""
    many: Any = field if isinstance(field, serializers.ListSerializer) else None
    if many is not None:
        limits = {"minItems": many.min_length, "maxItems": many.max_length}
        schema.update({name: limit for name, limit in limits.items() if limit is not None})
    return schema


def _without_title(schema: Any) -> Any:
    """Titles are the admin's labels of the fields, which say no more than the names here."""
    if isinstance(schema, dict) and isinstance(schema.get("title"), str):
        title = schema.pop("title")
        schema.setdefault("description", f"{title}.")
    return schema


def _words_about(field: Any) -> str:
    """Its help, after its name as the admin has it: there stands the unit."""
    named = f"{field.label}." if isinstance(field.parent, ModelBody) and field.label else ""
    return f"{named} {field.help_text or ''}".strip()


def _write_like_body(serializer: Any, schema: dict[str, Any]) -> None:
    """A name that nobody reads is refused; what is trimmed and not empty holds more than spaces."""
    schema["additionalProperties"] = False
    answered = [name for name, field in serializer.fields.items() if field.read_only]
    for name in answered:
        words = "Passed over, so that what was read can be sent back."
        schema["properties"][name] = {"description": words}
    required = [name for name in schema.get("required", ()) if name not in answered]
    schema.pop("required", None)
    if required:
        schema["required"] = required
    for name in _required_texts(serializer):
        found = schema["properties"][name]
        if found.get("type") == "string" and "pattern" not in found:
            found["pattern"] = r"\S"


def _add_usual_values(schema: dict[str, Any]) -> None:
    """What a field holds that a client leaves out."""
    for name, value in usual_values().items():
        if name not in schema.get("required", ()):
            usual = "" if name in NUMBER_OPTIONS else value
            schema["properties"][name] = {**schema["properties"][name], "default": usual}


def _required_texts(serializer: Any) -> Iterator[str]:
    for name, field in serializer.fields.items():
        text = isinstance(field, serializers.CharField) and not field.read_only
        if text and field.trim_whitespace and not field.allow_blank:
            yield name
