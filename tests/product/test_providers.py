"""`make run PROVIDER=…`: the demo on each of its providers, also with the same folder."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.product_process import CHECKOUT, Product, clean_environ, running

pytestmark = [pytest.mark.product, pytest.mark.slow]

LIMIT = 30.0  # seconds until a call is over


@pytest.fixture
def product(tmp_path) -> Iterator[Product]:
    with running(tmp_path / "state") as started:
        yield started


def api(product: Product, method: str, path: str, **more: Any) -> Any:
    answer = requests.request(
        method,
        f"{product.base_url}/clicktocall/api/v1/{path}",
        headers={"Authorization": f"Bearer {product.api_key}", "Idempotency-Key": f"{time.time()}"},
        timeout=10,
        **more,
    )
    assert answer.ok, answer.text
    return answer.json()


def call_over(product: Product, story: str, button: str = "Bicycle workshop") -> Any:
    """A call through a button to the number of a story, when it has ended."""
    endpoint, number = product.endpoint(button)["id"], product.info["numbers"][story]
    call = api(product, "POST", f"endpoints/{endpoint}/connect/", json={"contact": number})
    give_up = time.monotonic() + LIMIT
    while call["state"] != "ended":
        assert time.monotonic() < give_up, call
        time.sleep(0.1)
        call = api(product, "GET", f"calls/{call['id']}/")
    return call


def restart(product: Product, provider: str) -> None:
    assert product.stop() == 0
    product.provider = provider
    product.start()


def admin_page_of(product: Product, call: Any) -> str:
    session = requests.Session()
    login = f"{product.base_url}/admin/login/"
    token = re.search(
        r'name="csrfmiddlewaretoken" value="([^"]+)"', session.get(login, timeout=10).text
    )
    assert token
    answer = session.post(
        login,
        data={
            "csrfmiddlewaretoken": token[1],
            "username": "admin",
            "password": product.admin_password,
            "next": f"/admin/clicktocall/call/{call['id']}/change/",
        },
        headers={"Referer": login},
        timeout=10,
    )
    assert answer.status_code == 200
    assert call["id"] in answer.url
    return answer.text


def test_the_providers_take_turns_in_one_folder(product):
    on_sandbox = call_over(product, "completed")
    assert (on_sandbox["provider"], on_sandbox["outcome"]) == ("sandbox", "completed")
    assert on_sandbox["legs"]["b"] == "ended"
    sandbox_info = product.info

    restart(product, "infobip")
    assert product.info["provider"] == "infobip"
    assert "Infobip, simulated on this machine" in product.output
    assert [each["name"] for each in product.info["endpoints"]] == [
        each["name"] for each in sandbox_info["endpoints"]
    ]
    on_infobip = call_over(product, "completed")
    assert (on_infobip["provider"], on_infobip["outcome"]) == ("infobip", "completed")
    assert on_infobip["legs"] == {"a": "ended", "b": "unreported"}
    assert "not reported" in admin_page_of(product, on_infobip)
    assert "joined" in admin_page_of(product, on_sandbox)

    restart(product, "")
    assert product.info == sandbox_info
    assert call_over(product, "b_busy")["outcome"] == "busy"
    assert "not reported" in admin_page_of(product, on_infobip)


def test_each_button_of_infobip_works(tmp_path):
    with running(tmp_path / "state", provider="infobip") as product:
        names = [each["name"] for each in product.info["endpoints"]]
        assert len(names) == 5
        for name in names:
            call = call_over(product, "completed", button=name)
            assert (call["outcome"], call["provider"]) == ("completed", "infobip"), name
        assert call_over(product, "a_busy")["outcome"] == "busy"
        assert call_over(product, "refused")["outcome"] == "rejected"


def test_make_hands_the_provider_on(tmp_path):
    """Told on make's command line it reaches the demo, which knows no such one."""
    ended = subprocess.run(
        ["make", "--no-print-directory", "run", "PROVIDER=pigeon"],
        cwd=CHECKOUT,
        env=clean_environ() | {"DEMO_STATE_DIR": str(tmp_path / "state")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode != 0
    assert "PROVIDER must be sandbox or infobip, not 'pigeon'." in ended.stderr
