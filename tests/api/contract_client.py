"""A client of the API made from `docs/openapi.yaml` alone, while it runs.

It knows nothing else about the product, sends nothing that the contract does not allow, and takes
no answer that the contract does not describe: status, content type, headers, and a body in which
every name is documented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import requests
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
TIMEOUT = (5, 20)  # seconds to connect and between two bytes of the answer

_HOME = "urn:contract"
_METHODS = frozenset({"get", "put", "post", "patch", "delete"})
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

Pointer = tuple[str | int, ...]


class ContractBroken(AssertionError):
    """What was to be sent, or what came back, is not what the contract says."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One path, query or header parameter; `python` is its name as a keyword."""

    name: str
    place: str
    required: bool
    schema: Pointer
    takes: str

    @property
    def python(self) -> str:
        return self.name.replace("-", "_").lower()


@dataclass(frozen=True, slots=True)
class Operation:
    """What the contract calls by its `operationId`."""

    id: str
    method: str
    path: str
    place: Pointer
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that the contract describes; `body` is JSON, bytes of another type, or None."""

    operation: str
    status: int
    headers: Any
    body: Any


def committed_document() -> dict[str, Any]:
    """A fresh copy of what `docs/openapi.yaml` says."""
    told: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    return told


class Contract:
    """The document, its operations, and the judgement whether a value is what it describes."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        self.document = document or committed_document()
        self._open = _registry(self.document)
        self._closed = _registry(_without_undocumented_names(self.document))
        self.operations = {operation.id: operation for operation in self._operations()}

    @property
    def root(self) -> str:
        """The path that every operation's path is below."""
        return str(self.document["servers"][0]["url"])

    def at(self, place: Pointer) -> Any:
        """What stands there; `place` leads through no reference."""
        found: Any = self.document
        for step in place:
            found = found[step]
        return found

    def resolved(self, place: Pointer) -> Pointer:
        """Where that really stands: at the other end of its references."""
        while "$ref" in self.at(place):
            place = tuple(
                step.replace("~1", "/").replace("~0", "~")
                for step in self.at(place)["$ref"].removeprefix("#/").split("/")
            )
        return place

    def demand(self, what: str, value: Any, schema: Pointer, *, documented_only: bool) -> None:
        """Raise `ContractBroken` unless the value is valid; every complaint is in the message.

        With `documented_only` an object has no names but those its schema lists, unless the schema
        says that others may follow.
        """
        judge = Draft202012Validator(
            {"$ref": f"{_HOME}#{_fragment(schema)}"},
            registry=self._closed if documented_only else self._open,
            format_checker=_formats(),
        )
        complaints = [f"{each.json_path}: {each.message}" for each in judge.iter_errors(value)]
        if complaints:
            place = " > ".join(map(str, schema))
            raise ContractBroken("\n  ".join([f"{what}, by {place}:", *complaints]))

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in _METHODS & set(item):
                place = ("paths", path, method)
                parameters = (*self._parameters(place[:2]), *self._parameters(place))
                yield Operation(item[method]["operationId"], method, path, place, parameters)

    def _parameters(self, place: Pointer) -> Iterator[Parameter]:
        for index, _ in enumerate(self.at(place).get("parameters", ())):
            yield self._parameter((*place, "parameters"), index)

    def _parameter(self, place: Pointer, index: int) -> Parameter:
        told = self.at(place)[index]
        takes = str(told["schema"].get("type"))
        if takes == "array" and not (told.get("explode") and told.get("style") == "form"):
            raise ContractBroken(f"This client cannot write the list {told['name']}.")
        schema = (*place, index, "schema")
        return Parameter(told["name"], told["in"], told.get("required", False), schema, takes)


class ContractClient:
    """Asks a server by `operationId`, as a program generated from the contract would.

    Raises `ContractBroken` for a request or an answer that is not in the contract, and
    `requests.RequestException` when the server does not answer in time.
    """

    def __init__(self, origin: str, key: str, contract: Contract | None = None) -> None:
        self.contract = contract or Contract()
        self.asked: set[str] = set()
        self._root = origin + self.contract.root
        self._wire = requests.Session()
        self._wire.headers["Authorization"] = self._authorization(key)

    def ask(self, operation_id: str, body: Any = None, /, **parameters: Any) -> Answer:
        """The answer to an operation; parameters by name, `If-Match` as `if_match`."""
        operation = self.contract.operations[operation_id]
        query, headers, path = self._written(operation, parameters)
        return self._send(operation, self._root + path, query, headers, body)

    def follow(self, operation_id: str, address: str, body: Any = None, /, **more: Any) -> Answer:
        """The answer of an address that another answer named, if it is one of that operation."""
        operation = self.contract.operations[operation_id]
        self._written(operation, self._read(operation, address) | more)
        headers = self._written_at("header", operation, more)
        return self._send(operation, address, {}, headers, body)

    @property
    def never_asked(self) -> set[str]:
        """Operations that nobody has asked for yet."""
        return set(self.contract.operations) - self.asked

    def _authorization(self, key: str) -> str:
        for scheme in self.contract.document["components"]["securitySchemes"].values():
            if scheme["type"] == "http" and scheme["scheme"] == "bearer":
                return f"Bearer {key}"
        raise ContractBroken("The contract takes no bearer token.")

    def _written(
        self, operation: Operation, given: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any], str]:
        """Query, headers and path."""
        unknown = set(given) - {parameter.python for parameter in operation.parameters}
        if unknown:
            raise ContractBroken(f"{operation.id} has no parameter {sorted(unknown)}.")
        path = operation.path
        for name, value in self._written_at("path", operation, given).items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        query = self._written_at("query", operation, given)
        return query, self._written_at("header", operation, given), path

    def _written_at(
        self, place: str, operation: Operation, given: dict[str, Any]
    ) -> dict[str, Any]:
        written = {}
        for parameter in operation.parameters:
            if parameter.place != place:
                continue
            if parameter.python in given:
                value = given[parameter.python]
                what = f"{operation.id}: {parameter.name}"
                self.contract.demand(what, value, parameter.schema, documented_only=False)
                written[parameter.name] = _as_text(value)
            elif parameter.required:
                raise ContractBroken(f"{operation.id} needs {parameter.name}.")
        return written

    def _read(self, operation: Operation, address: str) -> dict[str, Any]:
        """The parameters that stand in an address of that operation."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self._root + operation.path))
        found = re.fullmatch(pattern, address.partition("?")[0])
        if not found:
            raise ContractBroken(f"{address} is no address of {operation.id}.")
        texts: dict[str, list[str]] = {name: [text] for name, text in found.groupdict().items()}
        texts |= parse_qs(urlsplit(address).query, keep_blank_values=True)
        takes = {parameter.name: parameter for parameter in operation.parameters}
        if set(texts) - set(takes):
            raise ContractBroken(f"{address}: {operation.id} knows {sorted(takes)}.")
        return {takes[name].python: _value(takes[name].takes, *t) for name, t in texts.items()}

    def _send(
        self,
        operation: Operation,
        address: str,
        query: dict[str, Any],
        headers: dict[str, Any],
        body: Any,
    ) -> Answer:
        self._judge_body(operation, body)
        self.asked.add(operation.id)
        raw = self._wire.request(
            operation.method.upper(),
            address,
            params=query,
            headers={"Accept": ", ".join(self._content_types(operation)), **headers},
            json=body,
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        return self._judged(operation, raw)

    def _judge_body(self, operation: Operation, body: Any) -> None:
        told = self.contract.at(operation.place).get("requestBody")
        if body is None:
            if told and told.get("required"):
                raise ContractBroken(f"{operation.id} needs a body.")
        elif not told:
            raise ContractBroken(f"{operation.id} takes no body.")
        else:
            place = (*operation.place, "requestBody", "content", "application/json", "schema")
            what = f"Body of {operation.id}"
            self.contract.demand(what, body, place, documented_only=False)

    def _content_types(self, operation: Operation) -> list[str]:
        """What this operation may answer, for `Accept`."""
        place = (*operation.place, "responses")
        answers = [self.contract.resolved((*place, each)) for each in self.contract.at(place)]
        contents = [self.contract.at(each).get("content", {}) for each in answers]
        return sorted({content_type for content in contents for content_type in content})

    def _judged(self, operation: Operation, raw: requests.Response) -> Answer:
        what = f"{operation.id} answered {raw.status_code}"
        status = str(raw.status_code)
        if status not in self.contract.at((*operation.place, "responses")):
            raise ContractBroken(f"{what}, which is not documented: {raw.text[:500]}")
        place = self.contract.resolved((*operation.place, "responses", status))
        self._judge_headers(what, raw, place)
        body = self._judged_body(what, raw, place)
        return Answer(operation.id, raw.status_code, raw.headers, body)

    def _judge_headers(self, what: str, raw: requests.Response, place: Pointer) -> None:
        for name, told in self.contract.at(place).get("headers", {}).items():
            if name in raw.headers:
                value = _value(told["schema"]["type"], raw.headers[name])
                schema = (*place, "headers", name, "schema")
                self.contract.demand(f"{what}, {name}", value, schema, documented_only=True)
            elif told.get("required"):
                raise ContractBroken(f"{what} without {name}.")

    def _judged_body(self, what: str, raw: requests.Response, place: Pointer) -> Any:
        content = self.contract.at(place).get("content", {})
        if not content:
            if raw.content:
                raise ContractBroken(f"{what} with a body, which is not documented.")
            return None
        arrived = raw.headers.get("Content-Type", "").partition(";")[0].strip()
        named = next((each for each in content if _is_of_type(arrived, each)), None)
        if named is None:
            raise ContractBroken(f"{what} with {arrived or 'no type'}, not {sorted(content)}.")
        if arrived != "application/json":
            return raw.content
        body = raw.json()
        self.contract.demand(what, body, (*place, "content", named, "schema"), documented_only=True)
        return body


def _is_of_type(arrived: str, documented: str) -> bool:
    """`audio/wav` is of `audio/*`."""
    if documented.endswith("/*"):
        return arrived.startswith(documented.removesuffix("*"))
    return arrived == documented


def _as_text(value: Any) -> Any:
    """As it stands in an address or a header; a list for a name that is repeated."""
    if isinstance(value, list):
        return [_as_text(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(takes: str, *texts: str) -> Any:
    """What a text stands for where the contract expects that type."""
    if takes == "array":
        return list(texts)
    (text,) = texts
    if takes == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if takes == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text


def _fragment(place: Pointer) -> str:
    """A JSON pointer as it stands in an address."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in place)
    return "".join(f"/{quote(step, safe='~')}" for step in steps)


def _registry(document: Any) -> Registry[Any]:
    empty: Registry[Any] = Registry()
    return empty.with_resource(_HOME, DRAFT202012.create_resource(document))


def _without_undocumented_names(told: Any) -> Any:
    """A copy whose objects have the properties they list, and no others unless it says so."""
    if isinstance(told, list):
        return [_without_undocumented_names(each) for each in told]
    if not isinstance(told, dict):
        return told
    copy = {name: _without_undocumented_names(each) for name, each in told.items()}
    if told.get("type") == "object" and "properties" in told:
        copy.setdefault("additionalProperties", False)
    return copy


@cache
def _formats() -> FormatChecker:
    """The formats of the library and those it would need further libraries for."""
    formats = FormatChecker()
    formats.checks("date-time", raises=ValueError)(_is_moment)
    formats.checks("uri", raises=ValueError)(_is_address)
    formats.checks("int64")(lambda value: not isinstance(value, int) or abs(value) < 2**63)
    return formats


def _is_moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return bool(_RFC_3339.fullmatch(value) and datetime.fromisoformat(value))


def _is_address(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return bool(urlsplit(value).scheme and urlsplit(value).netloc) and not re.search(r"\s", value)
