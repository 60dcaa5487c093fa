"""Bodies nobody honest sends. Each is made from a request that would place a call as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

JSON = "application/json"

Spoil = Callable[[dict[str, Any]], bytes]


def dumps(wish: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**wish, **changes}).encode()


def with_member(name: str, raw: str) -> Spoil:
    """The wish with one member written as this raw JSON."""

    def spoil(wish: dict[str, Any]) -> bytes:
        rest = dumps({key: value for key, value in wish.items() if key != name})
        return rest[:-1] + f', "{name}": {raw}}}'.encode("utf-8", "surrogatepass")

    return spoil


def with_answer(name: str, raw: str) -> Spoil:
    return with_member("fields", f'{{"{name}": {raw}}}')


def nested(depth: int, opening: str, closing: str) -> str:
    return opening * depth + "1" + closing * depth


WRONG_TYPES = {
    "null": "null",
    "true": "true",
    "false": "false",
    "zero": "0",
    "integer": "2079460101",
    "e164 integer": "442079460101",
    "negative": "-2079460101",
    "float": "2079460101.0",
    "exponent": "2.079460101e9",
    "infinite": "1e999",
    "list": '["020 7946 0101"]',
    "empty list": "[]",
    "object": '{"value": "020 7946 0101"}',
    "empty object": "{}",
}
TEXTS = ("contact", "country", "token", "idempotency_key", "consent", "page", "context")
ANSWERS = ("name", "email", "question")
MEANS_ABSENT = {("consent", "null"), ("context", "null")}

UNSTORABLE = {
    "NUL": r'"a\u0000b"',
    "NUL alone": r'"\u0000"',
    "high surrogate": r'"\ud83d"',
    "low surrogate": r'"\ude00"',
    "surrogates the wrong way round": r'"\ude00\ud83d"',
}


def field_vectors() -> dict[str, Spoil]:
    """Well-formed JSON with something wrong in one of its members."""
    vectors: dict[str, Spoil] = {}
    for kind, raw in WRONG_TYPES.items():
        for name in TEXTS:
            if (name, kind) not in MEANS_ABSENT:
                vectors[f"{name} is {kind}"] = with_member(name, raw)
        for name in ANSWERS:
            vectors[f"answer {name} is {kind}"] = with_answer(name, raw)
        if kind not in ("null", "empty object", "object"):
            vectors[f"fields is {kind}"] = with_member("fields", raw)
    return vectors


def text_vectors() -> dict[str, Spoil]:
    """Text that a database cannot keep, wherever it stands."""
    vectors: dict[str, Spoil] = {}
    for kind, raw in UNSTORABLE.items():
        for name in (*TEXTS, "unknown"):
            vectors[f"{kind} in {name}"] = with_member(name, raw)
        for name in (*ANSWERS, "unknown"):
            vectors[f"{kind} in the answer {name}"] = with_answer(name, raw)
        vectors[f"{kind} in a name"] = with_member("x", f"{{{raw}: 1}}")
        vectors[f"{kind} in a list"] = with_member("x", f"[[{raw}]]")
    return vectors


def syntax_vectors() -> dict[str, Spoil]:
    """What is not a JSON object, not UTF-8, or beyond measure."""
    deep = (9, 20, 100, 1000, 10_000)
    return {
        "empty": lambda wish: b"",
        "spaces": lambda wish: b"   \n\t ",
        "a NUL byte": lambda wish: b"\x00",
        "null": lambda wish: b"null",
        "true": lambda wish: b"true",
        "a number": lambda wish: b"42",
        "a text": lambda wish: b'"hello"',
        "an empty list": lambda wish: b"[]",
        "the wish in a list": lambda wish: b"[" + dumps(wish) + b"]",
        "the wish as a text": lambda wish: json.dumps(dumps(wish).decode()).encode(),
        "two wishes": lambda wish: dumps(wish) + dumps(wish),
        "two wishes, one a line": lambda wish: dumps(wish) + b"\n" + dumps(wish),
        "the first half": lambda wish: dumps(wish)[: len(dumps(wish)) // 2],
        "all but the last byte": lambda wish: dumps(wish)[:-1],
        "all but the first byte": lambda wish: dumps(wish)[1:],
        "something behind it": lambda wish: dumps(wish) + b"x",
        "a NUL behind it": lambda wish: dumps(wish) + b"\x00",
        "something before it": lambda wish: b")]}'\n" + dumps(wish),
        "a comma at the end": lambda wish: dumps(wish)[:-1] + b",}",
        "single quotes": lambda wish: dumps(wish).replace(b'"', b"'"),
        "a comment": lambda wish: b"/* */" + dumps(wish),
        "a raw newline in a text": lambda wish: dumps(wish)[:-1] + b', "x": "a\nb"}',
        "a raw NUL in a text": lambda wish: dumps(wish)[:-1] + b', "x": "a\x00b"}',
        "names without quotes": lambda wish: dumps(wish).replace(b'"contact"', b"contact"),
        "hexadecimal": with_member("x", "0x10"),
        "a leading zero": with_member("x", "007"),
        "a plus sign": with_member("x", "+1"),
        "a bad escape": with_member("x", r'"\x41"'),
        "half an escape": with_member("x", r'"\u12"'),
        "undefined": with_member("x", "undefined"),
        "NaN": with_member("x", "NaN"),
        "Infinity": with_member("x", "Infinity"),
        "minus Infinity": with_member("x", "-Infinity"),
        "NaN in a list": with_member("x", "[NaN]"),
        "an integer of 5,000 digits": with_member("x", "9" * 5000),
        "an integer of 60,000 digits": with_member("x", "9" * 60_000),
        "a name twice": lambda wish: dumps(wish)[:-1] + b', "contact": "020 7946 0102"}',
        "a name twice, first absurd": lambda wish: b'{"contact": "12", ' + dumps(wish)[1:],
        "a name twice, spelled differently": (
            lambda wish: dumps(wish)[:-1] + rb', "\u0063ontact": "020 7946 0102"}'
        ),
        "an answer twice": with_member("fields", '{"name": "a", "name": "b"}'),
        "an unknown name twice": with_member("x", '{"a": 1, "a": 1}'),
        **{f"{depth} lists": with_member("x", nested(depth, "[", "]")) for depth in deep},
        **{f"{depth} objects": with_member("x", nested(depth, '{"a":', "}")) for depth in deep},
        "60,000 lists that never end": lambda wish: b"[" * 60_000,
        "10,000 objects that never end": lambda wish: b'{"a":' * 10_000,
        "latin-1": lambda wish: dumps(wish)[:-1] + ', "x": "ä"}'.encode("latin-1"),
        "UTF-16": lambda wish: dumps(wish).decode().encode("utf-16"),
        "UTF-16 little endian": lambda wish: dumps(wish).decode().encode("utf-16-le"),
        "UTF-16 big endian": lambda wish: dumps(wish).decode().encode("utf-16-be"),
        "UTF-32": lambda wish: dumps(wish).decode().encode("utf-32"),
        "a byte order mark": lambda wish: b"\xef\xbb\xbf" + dumps(wish),
        "a byte of no character": lambda wish: dumps(wish)[:-1] + b', "x": "\xff"}',
        "an overlong NUL": lambda wish: dumps(wish)[:-1] + b', "x": "\xc0\x80"}',
        "a surrogate in UTF-8": lambda wish: dumps(wish)[:-1] + b', "x": "\xed\xa0\x80"}',
        "half a character at the end": lambda wish: dumps(wish)[:-1] + b', "x": "\xc3',
        "gzip": lambda wish: b"\x1f\x8b\x08\x00" + dumps(wish),
        "a form": lambda wish: b"contact=020+7946+0101&token=x",
        "XML": lambda wish: b'<?xml version="1.0"?><contact>020 7946 0101</contact>',
    }


def size_vectors() -> dict[str, Spoil]:
    """Larger than 64 KiB, however it is filled."""
    return {
        "one byte too many": lambda wish: dumps(wish).ljust(64 * 1024 + 1),
        "a huge text": lambda wish: dumps(wish, x="a" * 70_000),
        "a megabyte": lambda wish: dumps(wish, x="a" * 1_000_000),
        "a huge list": lambda wish: dumps(wish, x=[0] * 40_000),
        "a huge number of names": lambda wish: dumps(wish, **{f"x{n}": 1 for n in range(9000)}),
        "100,000 lists that never end": lambda wish: b"[" * 100_000,
    }


OTHER_TYPES = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/plain; charset=utf-8",
    "text/json",
    "text/html",
    "application/xml",
    "application/x-json",
    "application/jsonp",
    "application/json-patch+json",
    "application/vnd.api+json",
    "application/x-ndjson",
    "application/octet-stream",
    "application/json, text/plain",
    "application/json; charset=utf-16",
    "application/json; charset=latin-1",
    "application/json; charset=utf-7",
    'application/json; charset="iso-8859-1"',
    "application/*",
    "*/*",
    "*/json",
    "json",
    "/",
    ";",
    "nonsense",
    "",
)
