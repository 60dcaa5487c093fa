"""The running product, asked by a hundred impatient visitors at once."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

PARALLEL = 100


def test_100_parallel_clicks_with_one_key_are_one_call(product: Any) -> None:
    info = product.info
    endpoint = info["endpoints"][0]
    base = f"{product.base_url}/clicktocall/embed/{endpoint['id']}"
    headers = {"Origin": endpoint["origin"]}
    config = requests.get(f"{base}/", headers=headers, timeout=20).json()
    token = requests.post(f"{base}/token/", json={}, headers=headers, timeout=20).json()["token"]
    body = {
        "contact": info["numbers"]["completed"],
        "token": token,
        "idempotency_key": str(uuid.uuid4()),
        "consent": config["consent"] and config["consent"]["version"],
    }

    def click(_number: int) -> requests.Response:
        return requests.post(f"{base}/calls/", json=body, headers=headers, timeout=60)

    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(click, range(PARALLEL)))

    assert {answer.status_code for answer in answers} == {202}, answers[0].text
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert_it_ends_completed(answers[0].json()["status_url"], headers)


def assert_it_ends_completed(status_url: str, headers: dict[str, str]) -> None:
    """The one call is placed, reported over HTTP and over, as any other."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        told = requests.get(status_url, headers=headers, timeout=20).json()
        if told["state"] == "ended":
            assert told["outcome"] == "completed", told
            assert told["legs"] == {"a": "ended", "b": "ended"}
            return
        time.sleep(0.2)
    raise AssertionError(f"The call never ended: {told}")
