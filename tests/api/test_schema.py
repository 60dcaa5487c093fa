"""The contract: complete, valid, the same whatever the host says, true of the running code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.settings import SPECTACULAR_DEFAULTS, spectacular_settings
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator, FormatChecker
from rest_framework.serializers import Serializer

from clicktocall.api.contract import document as written
from clicktocall.api.contract.described import OPERATIONS
from clicktocall.api.contract.examples import BULK, ENDPOINT, REQUESTS, SHOWN, WEBHOOK
from clicktocall.api.contract.shapes import FIELDS
from clicktocall.api.errors import PROBLEMS
from clicktocall.api.routes import routes
from clicktocall.api.serializers.common import Body, ModelBody
from clicktocall.models import Account, Bulk, Endpoint, Webhook
from tests.api.server import Server
from tests.factories import make_endpoint, make_owned_number

CHECKOUT = Path(__file__).resolve().parents[2]
COMMITTED = CHECKOUT / "docs" / "openapi.yaml"
SCHEMA = "/clicktocall/api/v1/schema/"

CONTRACT: dict[str, Any] = json.loads(written.as_json())


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


DAY_OF_THE_EXAMPLES = "2026-11-21T12:00:00Z"  # they name times to come
BY_ID = {operation["operationId"]: operation for _, _, operation in operations()}
PATHS = {operation["operationId"]: (path, method) for path, method, operation in operations()}
every_operation = pytest.mark.parametrize("name", sorted(BY_ID))


def follow(node: Any) -> Any:
    """What a reference refers to."""
    while isinstance(node, dict) and "$ref" in node:
        found: Any = CONTRACT
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def check(schema: Any, value: Any) -> None:
    """Raises what `value` is not as the schema says."""
    whole = {**schema, "components": CONTRACT["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)


# --- The document


def test_it_is_valid_and_was_written_without_a_warning() -> None:
    written._kept.clear()
    written.contract()
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache
    assert CONTRACT["openapi"].startswith("3.1.")
    validate_schema(CONTRACT)


def test_every_schema_in_it_is_a_schema() -> None:
    for schema in CONTRACT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere() -> None:
    def look(node: Any) -> None:
        if isinstance(node, dict):
            assert follow(node) is not None
            node = list(node.values())
        if isinstance(node, list):
            for item in node:
                look(item)

    look(CONTRACT)


def test_it_names_every_address_and_method_there_is() -> None:
    actions: list[tuple[str, str, str]] = []
    for route in routes:
        view: Any = route.callback
        actions += [
            (str(route.pattern), method, OPERATIONS[f"{view.cls.__name__}.{action}"].id)
            for method, action in view.actions.items()
            if method != "head"
        ]
    assert len(actions) == len(BY_ID)
    assert {name for _, _, name in actions} == set(BY_ID)
    assert {(method, name) for _, method, name in actions} == {
        (method, name) for name, (_, method) in PATHS.items()
    }
    assert {described.id for described in OPERATIONS.values()} == set(BY_ID)


def test_the_committed_document_is_the_one_the_code_describes() -> None:
    """A change of the contract is a change of this file; `make schema` writes it anew."""
    assert COMMITTED.read_text() == written.as_yaml(), "run `make schema` and look at the diff"


def test_no_shape_is_for_a_field_that_is_gone() -> None:
    known: set[str] = set()
    for serializer in _below(Serializer):
        for name in serializer().get_fields():
            known |= {name, *(f"{base.__name__}.{name}" for base in serializer.__mro__)}
    assert set(FIELDS) <= known


def _below(kind: type) -> Iterator[Any]:
    """The serializers of this API."""
    below: Any
    for below in kind.__subclasses__():
        yield from _below(below)
        if below.__module__.startswith("clicktocall.api.") and below not in (Body, ModelBody):
            yield below


# --- Each operation


@every_operation
def test_an_operation_is_described(name: str) -> None:
    operation = BY_ID[name]
    path, _ = PATHS[name]
    assert operation["summary"]
    assert "scope `" in operation["description"]
    assert operation["tags"][0] in {tag["name"] for tag in CONTRACT["tags"]}
    assert operation["security"] == [{"apiKey": []}, {"staffSession": []}]
    statuses = set(operation["responses"])
    assert {"401", "403", "406", "503"} <= statuses
    assert ("404" in statuses) == ("{" in path)
    if "requestBody" in operation:
        assert {"400", "411", "413", "415"} <= statuses
        assert operation["requestBody"]["content"]["application/json"]["examples"]
    successes = [answer for status, answer in operation["responses"].items() if status[0] == "2"]
    assert len(successes) == 1
    for media, content in successes[0].get("content", {}).items():
        assert content.get("examples") or media == "audio/*"


@every_operation
def test_its_examples_are_as_its_schemas_say(name: str) -> None:
    operation = BY_ID[name]
    bodies = [operation.get("requestBody", {})]
    bodies += [follow(answer) for answer in operation["responses"].values()]
    for body in bodies:
        for content in body.get("content", {}).values():
            for example in content.get("examples", {}).values():
                check(content["schema"], example["value"])


@every_operation
def test_every_problem_it_names_is_in_the_catalogue_with_this_status(name: str) -> None:
    for status, answer in BY_ID[name]["responses"].items():
        if status >= "400":
            for code in follow(answer)["content"]["application/json"]["examples"]:
                assert PROBLEMS[code][0] == int(status)


def test_request_bodies_refuse_what_nobody_reads() -> None:
    for operation in BY_ID.values():
        if "requestBody" in operation:
            schema = follow(operation["requestBody"]["content"]["application/json"]["schema"])
            assert schema["additionalProperties"] is False
            with pytest.raises(jsonschema.ValidationError, match="not_a_field"):
                check(schema, {"not_a_field": 1})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "title"),
    [(name, title) for name in REQUESTS if name in BY_ID for title in REQUESTS[name]],
)
def test_an_example_request_works(server: Server, name: str, title: str, time_machine: Any) -> None:
    time_machine.move_to(DAY_OF_THE_EXAMPLES)
    place = _place_of_the_examples(server.account)
    path, method = PATHS[name]
    path = path.removeprefix("/").format_map(place(path))

    answer = server.send(method.upper(), path, REQUESTS[name][title].value)

    success = next(status for status in BY_ID[name]["responses"] if status[0] == "2")
    assert answer.status_code == int(success), answer.content
    documented = BY_ID[name]["responses"][success]
    check(documented["content"]["application/json"]["schema"], answer.json())
    assert set(documented.get("headers", {})) <= set(answer.headers)


def _place_of_the_examples(account: Account) -> Any:
    endpoint = make_endpoint(account)
    Endpoint.objects.filter(pk=endpoint.pk).update(id=ENDPOINT)
    entry = Endpoint.objects.get(pk=ENDPOINT).whitelist.create(pattern=r"\+1")
    shown = make_owned_number(account, number=SHOWN)
    Bulk.objects.create(id=BULK, account=account)
    Webhook.objects.create(id=WEBHOOK, account=account, url="https://shop.example/")

    def of(path: str) -> dict[str, object]:
        row = entry if "whitelist" in path else shown
        return {"endpoint_id": ENDPOINT, "id": row.pk if "_id}" in path else _own_id(path, shown)}

    return of


def _own_id(path: str, shown: Any) -> object:
    row: object = shown.pk
    named = {"webhooks": WEBHOOK, "bulks": BULK, "numbers": row}
    return named.get(path.split("/")[1], ENDPOINT)


# --- Independent of the host


def test_a_hostile_host_changes_nothing() -> None:
    write = (
        "import sys, django; django.setup();"
        "from clicktocall.api.contract.document import as_yaml; sys.stdout.write(as_yaml())"
    )
    told = subprocess.run(
        [sys.executable, "-c", write],
        cwd=CHECKOUT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.api.hostile_host",
            "PYTHONHASHSEED": "7",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stderr == ""
    assert told.stdout == written.as_yaml()


def test_the_host_s_own_settings_are_as_before() -> None:
    written._kept.clear()
    written.contract()
    assert SPECTACULAR_DEFAULTS["TITLE"] == spectacular_settings.TITLE
    assert SPECTACULAR_DEFAULTS["OAS_VERSION"] == spectacular_settings.OAS_VERSION


def test_many_who_ask_at_once_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    generate = written._generated

    def counted() -> dict[str, Any]:
        runs.append(1)
        return generate()

    monkeypatch.setattr(written, "_generated", counted)
    written._kept.clear()
    got: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: got.append(written.contract())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(runs) == 1
    assert all(document == got[0] for document in got)
    assert len(got) == 8


# --- Served


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ({}, "*/*", "application/json"),
        ({}, "application/json", "application/json"),
        ({}, "application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"),
        ({}, "application/yaml", "application/yaml; charset=utf-8"),
        ({}, "application/vnd.oai.openapi", "application/vnd.oai.openapi; charset=utf-8"),
        ({"format": "yaml"}, "*/*", "application/yaml; charset=utf-8"),
        ({"format": "json"}, "text/html, */*", "application/json"),
    ],
)
def test_it_is_served_as_asked_for(query: dict[str, str], accept: str, kind: str) -> None:
    answer = Client().get(SCHEMA, query, headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer["Content-Type"] == kind
    assert answer["Vary"] == "Accept"
    told = (
        yaml.safe_load if "yaml" in kind or kind.endswith("openapi; charset=utf-8") else json.loads
    )(answer.content)
    assert told.pop("servers") == [{"url": "http://testserver/clicktocall/api/v1"}]
    assert told == {name: part for name, part in CONTRACT.items() if name != "servers"}


def test_it_is_not_sent_again_while_it_is_the_same() -> None:
    first = Client().get(SCHEMA)
    tag = first["ETag"]

    assert Client().get(SCHEMA, headers={"If-None-Match": tag}).status_code == 304
    assert Client().get(SCHEMA, {"format": "yaml"})["ETag"] != tag
    assert Client().get(SCHEMA, headers={"Host": "localhost"})["ETag"] != tag


def test_what_cannot_be_served_is_said_as_everywhere() -> None:
    answer = Client().get(SCHEMA, headers={"Accept": "text/html"})
    assert answer.status_code == 406
    assert json.loads(answer.content)["error"]["code"] == "not_acceptable"
    assert Client().post(SCHEMA).status_code == 405
    assert Client().get(SCHEMA, {"format": "xml"}).status_code == 404
