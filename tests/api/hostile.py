"""Requests to the API that nobody honest sends, each made from one that is taken as it was."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.api.everything import (
    NOBODY,
    Body,
    House,
    Route,
    address,
    private_routes,
    recipe_of,
    routes,
)
from tests.embed.hostile import JSON, OTHER_TYPES, nested, size_vectors, syntax_vectors

# JSON as it is written, wherever a value stands.
NASTY = (
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "1",
    "-1",
    "3",
    "2147483648",
    "-2147483649",
    "9223372036854775808",
    "9" * 400,
    "9" * 4200,
    "1.5",
    "1e2",
    "1e308",
    "-1e308",
    "1e-400",
    "1e400",
    "-1e400",
    '[{"x": 1e400}]',
    "NaN",
    "Infinity",
    "0.1234567890123456789",
    '""',
    '" "',
    '"\\t\\n"',
    '"x"',
    '"true"',
    '"1"',
    '"٣"',
    '"²"',
    '"null"',
    '"\\u0000"',
    '"a\\u0000b"',
    '"\\ud83d"',
    '"\\ude00\\ud83d"',
    '"\\ud83d\\ude00"',
    '"\u202eevil\u202c"',
    '"\\u202e\\u2066\\ufeff"',
    '"\\u0007\\u001b[31m"',
    '"é́́́́"',
    '"İıſẞ"',
    json.dumps("x" * 300),
    json.dumps("é" * 3000),
    json.dumps("👍" * 5000, ensure_ascii=False),
    json.dumps("x" * 60_000),
    json.dumps("+44" + "0" * 20_000),
    '"<script>alert(1)</script>"',
    '"\' OR 1=1 --"',
    '"%s %(x)s {x} {0}"',
    '"../../etc/passwd"',
    '"http://["',
    '"http://[::1"',
    '"https://shop.example:99999"',
    '"javascript:alert(1)"',
    '"0001-01-01T00:00:00Z"',
    '"9999-12-31T23:59:59-14:00"',
    '"24:00"',
    '"(((((((((((((((((((("',
    '"\\\\p{L}{1000}{1000}"',
    '"(a+)+$"',
    "[]",
    "[[]]",
    "[null]",
    "[1, true, null]",
    '[""]',
    '[["x"], [["y"]]]',
    '[{"x": [1]}, "x"]',
    '["x", "x"]',
    json.dumps(["x"] * 5000),
    json.dumps([{}] * 5000),
    "{}",
    '{"": ""}',
    '{"": null}',
    '{"x": null}',
    '{"x": 1}',
    '{"x": []}',
    '{"x": {"y": {"z": 1}}}',
    '{"x": "y"}',
    '{"x": "y", "x": "z"}',
    '{"\\u0000": 1}',
    '{"\\ud800": 1}',
    '{"non_field_errors": ["x"]}',
    '{"in": 1, "out": []}',
    '{"from": {"hour": 1e308}, "to": {"hour": -1}}',
    '{"days": [null, {}], "from": [], "to": "x"}',
    '{"days": ["MONDAY", ["MONDAY"]], "time_zone": {"x": 1}}',
    '{"from": {"hour": 9.5, "minute": 1e400}, "to": {"hour": 17}}',
    '{"from": {"hour": 25, "minute": 99}, "to": {"hour": true}}',
    '{"time_zone": "../../etc/passwd", "monday": [["00:00", "24:00"]]}',
    '{"time_zone": "UTC", "monday": [["09:00"]], "tuesday": [[1, 2]], "x": {}}',
    '{"time_zone": "UTC", "monday": [["9:00", "08:00"], null]}',
    '{"time_zone": "", "monday": {"x": 1}}',
    json.dumps({str(n): "x" for n in range(3000)}),
    json.dumps({"x" * 5000: "y"}),
    nested(7, "[", "]"),
    nested(9, "[", "]"),
    nested(3000, "[", "]"),
    nested(7, '{"a":', "}"),
    nested(3000, '{"a":', "}"),
    '[{"transferTo": 1, "if": [], "equals": {}}]',
    '[{"transferTo": "+442079460100", "if": "dtmf", "callTransferMaxDuration": 1e400}]',
    '[{"transferTo": {"x": 1}, "if": null}]',
    "undefined",
    "'x'",
    "01",
    "+1",
    '"unfinished',
)

# Of a query, before it is percent-encoded.
NASTY_TEXTS: tuple[str | bytes, ...] = (
    "",
    " ",
    "0",
    "-1",
    "1",
    "1.5",
    "1e9",
    "01",
    "000000000000201",
    "9" * 20,
    "9" * 400,
    "0" * 5000 + "1",
    "9" * 5000,
    "٣",
    "²",
    "true",
    "maybe",
    "None",
    "null",
    "[]",
    "{}",
    "x",
    "x" * 10_000,
    "1" * 10_000,
    "+" * 10_000,
    "+44" + "0" * 10_000,
    "(" * 5000,
    "\x00",
    "a\x00b",
    "\x07\x1b[31m",
    "\u202eevil",
    "👍",
    "é" * 2000,
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    "%",
    "%%",
    "%00",
    "' OR 1=1 --",
    "<script>",
    "../../etc/passwd",
    "/etc/passwd",
    "Europe",
    "Europe/London",
    "posixrules",
    "UTC\n",
    ".",
    "..",
    "z" * 300,
    "yesterday",
    "0000-00-00",
    "0001-01-01",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1969-12-31",
    "1970-01-01T00:00:00Z",
    "1971-01-01",
    "1971-01-01T00:00:00+14:00",
    "1971-01-20",
    "2026-02-30",
    "2026-13-01",
    "2026-11-21T25:00:00Z",
    "2026-11-21T14:00:60Z",
    "2026-11-21T14:00:00+99:99",
    "2026-11-21T14:00:00+24:00",
    "2026-11-21T14:00:00.1234567890Z",
    "2026-11-21T14:00",
    "20261121",
    "2026-W47",
    "2026-W47-6",
    "8999-12-31T23:59:59-14:00",
    "9000-01-01",
    "9999-12-31T23:59:59-14:00",
    "9999999999999",
    "10000-01-01",
    "+442079460101",
    "020 7946",
    "946",
    "12",
    "sip:x@y",
    "queued",
    "ended",
    "completed",
    NOBODY,
    NOBODY.upper(),
    "-".join((NOBODY[:8], NOBODY[8:])),
)

_TIMES = (
    *("", "x", "0", "-1", "1e9", "9" * 18, "9" * 19, "9" * 5000, "٣", "²", "\x00"),
    *("2026-11-21", "2026-11-21 14:00:00", "2026-11-21T14:00:00+00:00"),
    *("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+00:00", "1969-12-31T23:59:59-14:00"),
    *("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999+00:00"),
    *("2026-11-21T14:00:00+23:59", "2026-02-30T14:00:00+00:00", "None", "NaN"),
)
_ROWS = ("", "x", NOBODY, "9" * 18, "9" * 30, "9" * 5000, "f" * 33, "-1", "\x00", "👍", "' OR 1=1")


def cursors() -> list[str | bytes]:
    """Everything that may be hidden in one, and what was never one."""
    sides = ("after", "before", "", "AFTER")
    inside = [f"{side},{at},{row}" for side in sides for at in _TIMES for row in _ROWS]
    inside += [f"{side},{only}" for side in sides for only in (*_TIMES, *_ROWS)]
    inside += ["", ",", ",,", "after", "before,,,", "p=2026-11-21 14:00:00+00:00", "o=5&r=1"]
    hidden = [base64.urlsafe_b64encode(text.encode()).decode() for text in inside]
    return [*hidden, *(text.rstrip("=") for text in hidden), *NASTY_TEXTS]


@dataclass(frozen=True, slots=True)
class Case:
    """One request. `sent` is the object that its body was to be, if it was to be one."""

    about: str
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()  # what an error may name, beside what was sent


def writing(house: House) -> Iterator[tuple[Route, str, str, Body]]:
    """Each route and method that reads a body, with its address and a good body."""
    for name in private_routes():
        recipe, route = recipe_of(name), routes()[name]
        for method in sorted(route.methods & {"POST", "PUT", "PATCH"}):
            good = recipe.bodies.get(method, lambda house: {})(house)
            yield route, method, address(name, recipe.args(house)), good


def bodies(house: House) -> Iterator[Case]:
    """Each field of each request with each nasty value; each nasty value in its place."""
    for route, method, path, good in writing(house):
        known = frozenset(paths_of(good))
        for place in places_of(good):
            for raw in NASTY:
                yield Case(
                    f"{method} {route.name}: {'.'.join(map(str, place))} is {raw[:60]}",
                    method,
                    path,
                    written(good, place, raw),
                    known=known,
                )
        for what, spoil in {**syntax_vectors(), **size_vectors()}.items():
            spoiled = spoil({"contact": "020 7946 0101", **good})
            yield Case(f"{method} {route.name}: {what}", method, path, spoiled, known=known)


def flips(house: House, each: int, seed: int = 20261121) -> Iterator[Case]:
    """Good bodies with a few bytes changed."""
    choose = random.Random(seed)
    for route, method, path, good in writing(house):
        raw = json.dumps(good, ensure_ascii=False).encode()
        for number in range(each):
            spoiled = bytearray(raw)
            for _ in range(choose.choice((1, 1, 1, 2, 5))):
                spoiled[choose.randrange(len(raw))] = choose.randrange(256)
            about = f"{method} {route.name}: flip {number} of seed {seed}"
            yield Case(about, method, path, bytes(spoiled), known=frozenset(paths_of(good)))


def queries(house: House) -> Iterator[Case]:
    """Each parameter of each list and of the figures with each nasty value."""
    for name in private_routes():
        route, recipe = routes()[name], recipe_of(name)
        path = address(name, recipe.args(house))
        if "GET" not in route.methods:
            continue
        parameters = parameters_of(route)
        for parameter in (*parameters, "x", "\u202e", "\x00", "p" * 3000):
            values = cursors() if parameter == "cursor" else NASTY_TEXTS
            for value in values:
                query = f"{quote(parameter)}={quote(value)}"
                about = f"GET {name}: {parameter[:20]}={value[:60]!r}"
                yield Case(about, "GET", f"{path}?{query}", known=frozenset(parameters))
        for query in ("&", "=", "?", "&&=&", "a", "%00", "%", "=x", "cursor", "cursor=&cursor=x"):
            yield Case(f"GET {name}: ?{query}", "GET", f"{path}?{query}", known=frozenset(("",)))


def parameters_of(route: Route) -> tuple[str, ...]:
    if route.name == "api-statistics":
        return ("since", "until", "endpoint", "time_zone")
    if route.actions.get("get") != "list":
        return ()
    filters = getattr(route.view, "filterset_class", None)
    return (*(filters.base_filters if filters else ()), "cursor", "page_size")


_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Type": (*OTHER_TYPES, f"{JSON}; charset=", f"{JSON}; charset=x; charset=utf-8", "é"),
    "Content-Length": ("", " ", "-1", "0", "1", "1.5", "x", "1e9", "9" * 30, "9" * 5000, "٣", "²"),
    "Transfer-Encoding": ("chunked", "identity", "x"),
    "Idempotency-Key": ("", " ", "a b", "x" * 128, "x" * 129, "é", "\x00", "\x7f", "a,b", "👍"),
    "If-Match": ("", "*", "x", '"x"', "W/", 'W/"x"', ",", "," * 5000, '"' * 5000, "\x00", "é"),
    "If-None-Match": ("", "*", "x", '"x"', "W/", ",", "," * 5000, "\x00", "é"),
    "If-Modified-Since": ("", "x", "Sat, 99 Nov 9999 99:99:99 GMT", "é"),
    "Range": ("bytes=0-", "bytes=9-1", "x"),
    "Accept": ("", "*/*", "x", "text/html", "image/*;q=0", ";", ",", "/", "é", f"{JSON};q=x"),
    "Accept-Language": ("", "xx", "de", "x" * 5000, "é", "*;q=9", "../../etc"),
    "Accept-Encoding": ("", "gzip", "x;q=x", "identity;q=0"),
    "Authorization": ("", "x", "Bearer", "Basic x", "Bearer \x00", "Bearer é", "Bearer " * 500),
    "Cookie": ("", "sessionid=", "sessionid=\x00", "sessionid=" + "x" * 5000, "=;=", "csrftoken=x"),
    "X-CSRFToken": ("", "x", "é"),
    "X-HTTP-Method-Override": ("DELETE", "x"),
    "X-Forwarded-Host": ("evil.example", "\x00"),
    "Origin": ("null", "https://evil.example", "\x00"),
}


def headers(house: House) -> Iterator[Case]:
    """Each route and method with each header at its oddest."""
    for name in private_routes():
        recipe, route = recipe_of(name), routes()[name]
        path = address(name, recipe.args(house))
        for method in sorted(route.methods):
            good = recipe.bodies[method](house) if method in recipe.bodies else {}
            body = json.dumps(good).encode() if method in ("POST", "PUT", "PATCH") else b""
            known = frozenset((*paths_of(good), "Idempotency-Key"))
            for header, values in _HEADERS.items():
                for value in values:
                    about = f"{method} {name}: {header}: {value[:60]!r}"
                    yield Case(about, method, path, body, {header: value}, known)


def methods(house: House) -> Iterator[Case]:
    """Each address with methods that it does not take, and addresses that are none."""
    words = ("OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X", "get", "HEAD", "PUT", "DELETE")
    for name in private_routes():
        path = address(name, recipe_of(name).args(house))
        for word in words:
            if word not in routes()[name].methods:
                yield Case(f"{word} {name}", word, path)
                yield Case(f"{word} {name} with a body", word, path, b"[")
        for odd in (path.rstrip("/"), path + "x/", path + "/", path + "%00/"):
            yield Case(f"GET {odd}", "GET", odd)


# --- Places in a body -----------------------------------------------------------------------

Place = tuple[str | int, ...]


def places_of(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every value inside, however deep, and a name that nobody reads."""
    children: Any = ()
    if isinstance(value, dict):
        children = value.items()
        yield (*place, "unknown")
    elif isinstance(value, list):
        children = enumerate(value)
    for name, child in children:
        yield (*place, name)
        yield from places_of(child, (*place, name))


def paths_of(value: Any) -> Iterator[str]:
    """As an error names them."""
    for place in places_of(value):
        yield ".".join(str(name)[:100] for name in place)


_HERE = "HERE-STANDS-THE-VALUE"


def written(good: Body, place: Place, raw: str) -> bytes:
    """The body as JSON, with `raw` at this place of it."""
    copied: Any = json.loads(json.dumps(good))
    inner = copied
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = _HERE
    text = json.dumps(copied, ensure_ascii=False).replace(f'"{_HERE}"', raw)
    return text.encode("utf-8", "surrogatepass")
