"""`make bench`: what a click costs, and how soon it leaves for the provider.

Connect is compared with the thinnest REST framework view that inserts one row, in turns on the
same server, so the ratio holds whatever machine it runs on.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable

from benchmarks import history, placing
from benchmarks.load import Measured, expect, request_bytes, row, send
from benchmarks.recorder import Recorder, recording
from benchmarks.site import free_port, process, settings_for, web

ORIGIN = "http://localhost:1"
CONNECT_IS_AT_LEAST = {"click": 0.35, "API": 0.28}  # of the thin insert
LEAVES_WITHIN = 0.150
CLICKS_A_SECOND = 20
DEEP_PAGE_COSTS_AT_MOST = 1.5  # times the first page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", default=os.environ.get("CLICKTOCALL_TEST_DATABASE_URL"))
    parser.add_argument("--requests", type=int, default=800, help="per view and round (800)")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of rounds (7)")
    parser.add_argument("--clicks", type=int, default=200, help="clicks of the latency run (200)")
    parser.add_argument("--calls", type=int, default=100_000, help="in the history (100,000)")
    parser.add_argument("--check", action="store_true", help="exit non-zero below the floors")
    parser.add_argument("--placed", type=int, default=3000, help="by one dispatcher (3,000)")
    asked = parser.parse_args()
    sandbox_port, slow_port = free_port(), free_port()
    os.environ["SLOW_PORT"] = str(slow_port)
    with settings_for(asked.database_url, sandbox_port) as port:
        endpoint_id, secret = _prepare()
        ratios = _compare(port, endpoint_id, secret, asked.requests, asked.rounds)
        latency = _latency(port, sandbox_port, endpoint_id, asked.clicks)
        fast_enough = placing.compare(slow_port, endpoint_id, asked.placed)
        deeper = history.compare(port, endpoint_id, secret, asked.calls)
    if asked.check and (
        any(ratio < CONNECT_IS_AT_LEAST[name] for name, ratio in ratios.items())
        or latency > LEAVES_WITHIN
        or not fast_enough
        or deeper > DEEP_PAGE_COSTS_AT_MOST
    ):
        print("Below the floor.")
        return 1
    return 0


def _prepare() -> tuple[str, str]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from clicktocall.accounts.keys import issue_key
    from clicktocall.models import Account, Endpoint, OwnedNumber, Scope

    call_command("migrate", run_syncdb=True, verbosity=0)
    account = Account.objects.create(name="Benchmark")
    owned = OwnedNumber.objects.create(account=account, number="+442079460190")
    endpoint = Endpoint.objects.create(
        account=account,
        name="Benchmark",
        extension="+442079460150",
        provider="sandbox",
        caller_id_a=owned,
        caller_id_b=owned,
        allowed_origins=[ORIGIN],
        allowed_countries=["GB", "US"],
        allow_any_number=False,
        consent_text="Call me.",
        consent_version="1",
    )
    for prefix in range(20):
        endpoint.whitelist.create(pattern=rf"\+44207946{prefix:02}")
    _, secret = issue_key(account, "Benchmark", Scope.values)
    connection.close()
    return endpoint.id, secret


def _click(port: int, endpoint_id: str, number: int) -> bytes:
    from clicktocall.embed.tokens import issue_token

    body = {
        "contact": f"020 7946 {200 + number % 800:04}",
        "token": issue_token(endpoint_id, ORIGIN),
        "idempotency_key": str(uuid.uuid4()),
        "consent": "1",
        "page": "http://localhost:1/contact",
    }
    path = f"/clicktocall/embed/{endpoint_id}/calls/"
    return request_bytes(port, path, json.dumps(body).encode(), {"Origin": ORIGIN})


def _connect(port: int, endpoint_id: str, secret: str, number: int) -> bytes:
    body = {"contact": f"020 7946 {200 + number % 800:04}"}
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid.uuid4())}
    path = f"/clicktocall/api/v1/endpoints/{endpoint_id}/connect/"
    return request_bytes(port, path, json.dumps(body).encode(), headers)


def _thin(port: int) -> bytes:
    return request_bytes(port, "/thin/", b'{"contact":"+442079460101"}', {})


def _compare(
    port: int, endpoint_id: str, secret: str, requests: int, rounds: int
) -> dict[str, float]:
    """The ratios of a click and of a connect by API to the thin insert, in turns."""
    print(f"connect against one thin insert, {rounds} rounds of {requests} requests each")
    contestants: dict[str, Callable[[int], bytes]] = {
        "thin insert": lambda number: _thin(port),
        "click": lambda number: _click(port, endpoint_id, number),
        "connect by API": lambda number: _connect(port, endpoint_id, secret, number),
    }
    runs: dict[str, list[Measured]] = {name: [] for name in contestants}
    with process(*web(port), ready=port):
        for prepare in contestants.values():
            send(port, [prepare(number) for number in range(50)], connections=4)
        for _ in range(rounds):
            for name, prepare in contestants.items():
                prepared = [prepare(number) for number in range(requests)]
                runs[name].append(expect(send(port, prepared, connections=8), 202))
    for name, measured in runs.items():
        row(name, measured)
    thin, *ours = runs.values()
    named = zip(CONNECT_IS_AT_LEAST, ours, strict=True)
    return {name: _ratio(name, our, thin) for name, our in named}


def _ratio(name: str, ours: list[Measured], thin: list[Measured]) -> float:
    ratios = [our.rate / yardstick.rate for our, yardstick in zip(ours, thin, strict=True)]
    print(
        f"  ratio of {name:<6}{statistics.median(ratios):6.2f} (lowest {min(ratios):.2f}, "
        f"highest {max(ratios):.2f}; floor {CONNECT_IS_AT_LEAST[name]})"
    )
    return statistics.median(ratios)


def _latency(port: int, sandbox_port: int, endpoint_id: str, clicks: int) -> float:
    print(f"from the click to the provider, {clicks} clicks")
    from django.core.management import call_command

    from clicktocall.models import Call

    Call.objects.all().delete()  # the queue of the first part
    call_command("migrate", verbosity=0)
    with (
        recording(sandbox_port) as recorder,
        process(*web(port), ready=port),
        process("django", "run_dispatcher"),
    ):
        _leave(port, recorder, endpoint_id, 5)
        taken = _leave(port, recorder, endpoint_id, clicks)
        steady = _leave_steadily(port, recorder, endpoint_id, clicks)
    _tell_latency("one at a time", taken)
    _tell_latency(f"{CLICKS_A_SECOND} a second", steady)
    return max(taken.percentile(0.99), steady.percentile(0.99))


def _tell_latency(name: str, taken: Measured) -> None:
    print(
        f"  {name:<14}p50 {taken.percentile(0.5) * 1000:.0f} ms   "
        f"p99 {taken.percentile(0.99) * 1000:.0f} ms   "
        f"max {max(taken.latencies) * 1000:.0f} ms (floor: p99 {LEAVES_WITHIN * 1000:.0f} ms)"
    )


def _leave_steadily(port: int, recorder: Recorder, endpoint_id: str, clicks: int) -> Measured:
    """Clicks come at their own pace, whether the ones before have left or not."""
    prepared = [_click(port, endpoint_id, number) for number in range(clicks)]
    known = len(recorder.arrivals)
    started = time.perf_counter()
    clicked = []
    for number, click in enumerate(prepared):
        time.sleep(max(0.0, started + number / CLICKS_A_SECOND - time.perf_counter()))
        clicked.append(time.perf_counter())
        expect(send(port, [click], connections=1), 202)
    deadline = time.perf_counter() + 20
    while len(recorder.arrivals) < known + clicks and time.perf_counter() < deadline:
        time.sleep(0.01)
    arrived = sorted(list(recorder.arrivals.values())[known:])
    if len(arrived) < clicks:
        raise RuntimeError(f"only {len(arrived)} of {clicks} calls left")
    return Measured(latencies=[there - here for here, there in zip(clicked, arrived, strict=True)])


def _leave(port: int, recorder: Recorder, endpoint_id: str, clicks: int) -> Measured:
    from clicktocall.models import Call

    measured = Measured()
    for number in range(clicks):
        click = _click(port, endpoint_id, number)
        known = len(recorder.arrivals)
        began = time.perf_counter()
        expect(send(port, [click], connections=1), 202)
        deadline = began + 20
        while len(recorder.arrivals) == known and time.perf_counter() < deadline:
            time.sleep(0.001)
        if len(recorder.arrivals) == known:
            raise RuntimeError(f"a call never left: {Call.objects.latest('created_at')}")
        measured.latencies.append(list(recorder.arrivals.values())[-1] - began)
        time.sleep(0.02)
    return measured


if __name__ == "__main__":
    sys.exit(main())
