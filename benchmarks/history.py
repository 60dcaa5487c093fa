"""The history of an account with many calls: its first page, a deep one, a number, the figures."""

from __future__ import annotations

import json
import statistics
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from benchmarks.load import Measured, expect, request_bytes, row, send
from benchmarks.site import process, web

ROUNDS = 5
REQUESTS = 60
DEPTH = 0.9  # of the history lies before the deep page

_API = "/clicktocall/api/v1/"
_BATCH = 1_000


def compare(port: int, endpoint_id: str, secret: str, calls: int) -> float:
    """How many times as long as the first page a deep one takes, in turns on one server."""
    print(f"the history with {calls} calls, {ROUNDS} rounds of {REQUESTS} requests each")
    _fill(endpoint_id, calls)
    with process(*web(port), ready=port):
        paths = {
            "first page": f"{_API}calls/",
            "deep page": _deep(port, secret, int(calls * DEPTH)),
            "of an endpoint": f"{_API}endpoints/{endpoint_id}/history/",
            "of a number": f"{_API}calls/?contact=020+7946+0207",
            "statistics": f"{_API}statistics/",
        }
        runs: dict[str, list[Measured]] = {name: [] for name in paths}
        for _ in range(ROUNDS):
            for name, path in paths.items():
                request = _get(port, path, secret)
                runs[name].append(expect(send(port, [request] * REQUESTS, connections=2), 200))
    for name, measured in runs.items():
        row(name, measured)
    ratio = statistics.median(
        deep.percentile(0.5) / first.percentile(0.5)
        for first, deep in zip(runs["first page"], runs["deep page"], strict=True)
    )
    print(f"  a deep page takes {ratio:.2f} times as long as the first")
    return ratio


def _get(port: int, path: str, secret: str) -> bytes:
    return request_bytes(port, path, b"", {"Authorization": f"Bearer {secret}"}, method="GET")


def _deep(port: int, secret: str, depth: int) -> str:
    """The address of the page that begins after `depth` calls, as the API itself names it."""
    path = f"{_API}calls/?page_size=200"
    for _ in range(depth // 200):
        path = _read(port, path, secret)["next"].partition(f":{port}")[2]
    return path.replace("page_size=200", "page_size=50")


def _read(port: int, path: str, secret: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {secret}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        content: dict[str, Any] = json.load(answer)
    return content


def _fill(endpoint_id: str, calls: int) -> None:
    """Ended calls with an attempt each, one a minute, up to now."""
    from django.db import connection

    from clicktocall.models import Attempt, Call, Endpoint

    Call.objects.all().delete()
    endpoint = Endpoint.objects.get(pk=endpoint_id)
    written_at: Any = Call._meta.get_field("created_at")
    written_at.auto_now_add = False  # these calls were made in the past
    rows = _calls(endpoint, calls)
    while batch := list(islice(rows, _BATCH)):
        Call.objects.bulk_create(batch)
        Attempt.objects.bulk_create(
            Attempt(
                call=call,
                number=1,
                reference=call.id,
                provider=call.provider,
                state=call.state,
                outcome=call.outcome,
            )
            for call in batch
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()


def _calls(endpoint: Any, calls: int) -> Iterator[Any]:
    from clicktocall.models import Call
    from clicktocall.states import CallState, Outcome

    now = datetime.now(UTC)
    options = endpoint.call_options().to_json()
    outcomes = (Outcome.COMPLETED, Outcome.NO_ANSWER, Outcome.BUSY)
    for number in range(calls):
        requested = now - timedelta(minutes=calls - number)
        yield Call(
            account_id=endpoint.account_id,
            endpoint=endpoint,
            contact=f"+442079460{200 + number % 800:03}",
            extension_kind=endpoint.extension_kind,
            extension=endpoint.extension,
            options=options,
            door="embed",
            provider=endpoint.provider,
            state=CallState.ENDED,
            outcome=outcomes[number % 3],
            joined_at=requested if number % 3 == 0 else None,
            ended_at=requested,
            talk_seconds=number % 300 if number % 3 == 0 else None,
            expires_at=requested,
            attempt_count=1,
            created_at=requested,
        )
