"""The processes behind `make run`: they start, stop and die together, and keep their data."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest
import requests

from tests.product_process import CHECKOUT, READY, Product, running

pytestmark = pytest.mark.product

_CHILDREN = {
    "web server": "gunicorn",
    "dispatcher": "run_dispatcher",
    "sandbox": "simulate_provider",
}


def wait_until(true, limit=20.0):
    give_up = time.monotonic() + limit
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_it_tells_an_automated_client_what_it_needs(product):
    info = product.info
    assert info["base_url"] == product.base_url
    assert len(info["account_id"]) == 32
    buttons = info["endpoints"][:3]  # other tests may have made more of them since
    assert [endpoint["name"] for endpoint in buttons] == [
        "Bicycle workshop",
        "Bicycle workshop, visitor first",
        "Whitelist only",
    ]
    assert all(len(endpoint["id"]) == 32 for endpoint in buttons)
    assert {endpoint["origin"] for endpoint in buttons} == {f"http://localhost:{product.port}"}
    assert {"completed", "a_busy", "b_no_answer", "silent"} <= set(info["numbers"])
    assert all(re.fullmatch(r"\+[1-9][0-9]{6,14}", number) for number in info["caller_ids"])
    assert "+442079460190" in info["caller_ids"]


def test_it_serves_shop_admin_widget_and_health(product):
    for address in (product.shop_url, product.info["widget_url"], product.info["admin_url"]):
        assert requests.get(address, timeout=10).status_code == 200, address
    health = requests.get(f"{product.base_url}/clicktocall/health/", timeout=10).json()
    assert health["status"] == "ok"


def test_silent_connections_do_not_hold_the_web_server(product):
    import socket

    silent = [socket.create_connection(("127.0.0.1", product.port)) for _ in range(8)]
    try:
        started = time.monotonic()
        assert requests.get(product.shop_url, timeout=10).status_code == 200
        assert time.monotonic() - started < 5
    finally:
        for connection in silent:
            connection.close()


def test_its_secrets_are_the_owners_alone(product):
    assert product.state_dir.joinpath("secrets.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything(tmp_path, number):
    with running(tmp_path / "state") as product:
        assert len(product.processes) >= 5  # supervisor, gunicorn and its workers, the other two
        product.supervisor.send_signal(number)
        assert product.supervisor.wait(30) == 0
        assert product.processes == {}
        assert product.output.endswith("Stopped.\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", _CHILDREN)
def test_all_stop_when_one_dies(tmp_path, name):
    with running(tmp_path / "state") as product:
        victim = min(
            pid for pid, command in product.processes.items() if _CHILDREN[name] in command
        )
        os.kill(victim, signal.SIGKILL)
        assert product.supervisor.wait(30) == 1
        assert f"The {name} ended (killed by SIGKILL); the demo stops." in product.output
        assert product.processes == {}


@pytest.mark.slow
def test_nothing_is_left_when_it_is_killed_itself(tmp_path):
    with running(tmp_path / "state") as product:
        product.supervisor.kill()
        product.supervisor.wait()
        wait_until(lambda: product.processes == {})


@pytest.mark.slow
def test_a_second_start_is_quick_and_keeps_everything(tmp_path):
    with running(tmp_path / "state", admin_password="", api_key="") as product:
        first = product.output
        info = product.info
        secrets = (product.state_dir / "secrets.json").read_text()
        assert "Password of admin (shown only now): " in first
        assert re.search(r"API key \(shown only now\): [A-Za-z0-9_-]{64}\n", first)
        assert product.stop() == 0

        started = time.monotonic()
        product.start()
        assert time.monotonic() - started < 15
        assert "shown only now" not in product.output
        assert "Collecting" not in product.output
        assert product.info == info
        assert (product.state_dir / "secrets.json").read_text() == secrets


@pytest.mark.slow
def test_ctrl_c_reaches_everything_through_make(tmp_path):
    product = Product(tmp_path / "state")
    product.state_dir.mkdir()
    with product.log_file.open("wb") as log:
        make = subprocess.Popen(
            ["make", "--no-print-directory", "run"],
            cwd=CHECKOUT,
            env=product.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until(lambda: READY in product.output or make.poll() is not None, limit=120)
        os.killpg(make.pid, signal.SIGINT)  # as a terminal does
        make.wait(30)
        assert product.processes == {}
        assert "Stopped.\n" in product.output
        assert "Traceback" not in product.output
    finally:
        if make.poll() is None:
            make.kill()
