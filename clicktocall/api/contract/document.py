"""The whole contract as one OpenAPI 3.1 document, whatever the host's own settings say."""

# drf-spectacular says little of its types.
# mypy: disallow-untyped-calls=False
from __future__ import annotations

import json
import threading
from functools import cache
from typing import Any

import yaml
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import SPECTACULAR_DEFAULTS, patched_settings

from clicktocall.api.contract.described import DESCRIPTION, LICENSE, TAGS, TITLE, VERSION
from clicktocall.api.routes import routes
from clicktocall.orders import DialFirst, ExtensionKind
from clicktocall.states import CallState, EventKind, Leg, LegState, Outcome

OAS_VERSION = "3.1.1"
USUAL_SERVER = "/clicktocall/api/v1"

# Everything is set, so that nothing is left to the host. Serving is ours.
_SETTINGS = {
    **{
        name: value
        for name, value in SPECTACULAR_DEFAULTS.items()
        if not name.startswith("SERVE_") and name != "DEFAULT_GENERATOR_CLASS"
    },
    "OAS_VERSION": OAS_VERSION,
    "TITLE": TITLE,
    "VERSION": VERSION,
    "DESCRIPTION": DESCRIPTION,
    "LICENSE": LICENSE,
    "TAGS": TAGS,
    "SCHEMA_PATH_PREFIX": "",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [],
    "SORT_OPERATIONS": False,
}
_WORDS = {
    words.__name__: words
    for words in (CallState, Outcome, Leg, LegState, EventKind, DialFirst, ExtensionKind)
}

_METHODS = ("get", "post", "put", "patch", "delete")

_lock = threading.Lock()
_kept: dict[str, Any] = {}


class _Generator(SchemaGenerator):  # type: ignore[misc,unused-ignore]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.coerce_path_pk = True  # the host's REST framework might say otherwise


def contract() -> dict[str, Any]:
    """The document without `servers`, as it was generated on the first use; not to be changed."""
    # Generating patches drf-spectacular's settings for the whole process: once, and one at a time.
    with _lock:
        if not _kept:
            _kept.update(_generated())
    return _kept


def as_json(server: str = USUAL_SERVER) -> str:
    """The document, for the API mounted at `server` (an address without its last slash)."""
    before, after = _json_around_servers()
    return f'{before},"servers":{_compact([{"url": server}])},{after}'


def as_yaml(server: str = USUAL_SERVER) -> str:
    """The same, for people."""
    before, after = _yaml_around_servers()
    return before + _plain({"servers": [{"url": server}]}) + after


# Writing the whole takes a second in YAML, too much for a public address: only the server differs.
@cache
def _json_around_servers() -> tuple[str, str]:
    before, after = _around_servers()
    return _compact(before)[:-1], _compact(after)[1:]


@cache
def _yaml_around_servers() -> tuple[str, str]:
    before, after = _around_servers()
    return _plain(before), _plain(after)


def _around_servers() -> tuple[dict[str, Any], dict[str, Any]]:
    document = contract()
    before = {name: document[name] for name in ("openapi", "info")}
    return before, {name: document[name] for name in ("tags", "paths", "components")}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Long texts as people write them, and everything spelled out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _generated() -> dict[str, Any]:
    with translation.override("en"), patched_settings(_SETTINGS):
        document = _Generator(patterns=routes).get_schema(public=True)
    # Lazy texts become text, and nothing is shared between two places.
    plain: dict[str, Any] = json.loads(json.dumps(document, default=str))
    _order_methods(plain)
    _share_answers(plain)
    _name_words(plain)
    return plain


def _order_methods(document: dict[str, Any]) -> None:
    """The same order in every process: they were a set."""
    document["paths"] = {
        path: {method: methods[method] for method in _METHODS if method in methods}
        for path, methods in document["paths"].items()
    }


def _share_answers(document: dict[str, Any]) -> None:
    """Say each problem once, and refer to it."""
    shared = document["components"].setdefault("responses", {})
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if status < "400":
                    continue
                codes = answer["content"]["application/json"]["examples"]
                name = "Or".join(code.title().replace("_", "") for code in codes)
                shared[name] = answer
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    document["components"]["responses"] = dict(sorted(shared.items()))


def _name_words(document: dict[str, Any]) -> None:
    """Give the words of the heart their own schemas."""
    by_values = {frozenset(words.values): name for name, words in _WORDS.items()}
    _replace_enums(document, by_values)
    schemas = document["components"]["schemas"]
    for name, words in _WORDS.items():
        meanings = "\n".join(f"* `{word.value}`: {word.label}" for word in words)
        schemas[name] = {"type": "string", "enum": list(words.values), "description": meanings}
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _replace_enums(node: Any, by_values: dict[frozenset[str], str]) -> None:
    if isinstance(node, list):
        for item in node:
            _replace_enums(item, by_values)
        return
    if not isinstance(node, dict):
        return
    for inner in node.values():
        _replace_enums(inner, by_values)
    values = node.get("enum")
    if not isinstance(values, list):
        return
    node.pop("x-spec-enum-id", None)
    name = by_values.get(frozenset(value for value in values if value is not None))
    if name is None:
        return
    reference = {"$ref": f"#/components/schemas/{name}"}
    del node["enum"], node["type"]
    node.update({"oneOf": [reference, {"type": "null"}]} if None in values else reference)
