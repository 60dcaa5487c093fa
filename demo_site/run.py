"""`make run`: prepare the demo and run its processes until stopped."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from demo_site.ports import HIGHEST_PORT, free_port, is_answered, is_free
from demo_site.processes import Family, end_with_parent
from demo_site.providers import DEMO_PROVIDERS, SANDBOX, UnknownProvider, demo_provider
from demo_site.state import Running, StateError, save_running

_CHECKOUT = Path(__file__).resolve().parent.parent
_GRACE = 10.0  # seconds a process has to stop before it is killed
_START_LIMIT = 60.0  # seconds until everything must answer
_LOOK_EVERY = 0.1  # seconds
_BEAT_LIMIT = 30.0  # seconds since a dispatcher said that it is at work

_ENVIRONMENT = f"""\
environment:
  PORT                 port of the web server (8000)
  HOST                 address it listens on (127.0.0.1)
  PROVIDER             which provider is simulated: {" or ".join(DEMO_PROVIDERS)} ({SANDBOX.name})
  DATABASE_URL         such as postgres://user:password@host/name (an SQLite file)
  DEMO_ADMIN_PASSWORD  password of the user admin (random, printed once)
  DEMO_API_KEY         API key, 16 to 128 characters (random, printed once)
  DEMO_SPEED           how many times faster than life simulated calls play (1)
  DEMO_STATE_DIR       folder for database, secrets and collected files (.demo)
"""


class CannotRun(Exception):
    """Why the demo cannot run, in one line for the person who started it."""


class StopRequested(BaseException):
    """Somebody wants the demo to stop while it is being prepared."""


def main() -> None:
    arguments = _parse_arguments()
    for number in _STOPPING:
        signal.signal(number, _raise_stop)
    if arguments.end_with_parent:
        end_with_parent(os.getppid())
    try:
        _run()
    except StopRequested:
        sys.exit(0)
    except CannotRun as error:
        sys.exit(f"{error}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo_site.run",
        description="Runs the demo site: web server, dispatcher and a simulated provider, "
        "until it is stopped.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--end-with-parent",
        action="store_true",
        help="stop when the process that started this one ends (Linux)",
    )
    return parser.parse_args()


def _run() -> None:
    host = os.environ.get("HOST") or "127.0.0.1"
    port = _port()
    provider = _provider()
    speed = _speed()
    _refuse_busy_port(host, port)
    sandbox_port = free_port(port + 1)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "demo_site.settings",
        "HOST": host,
        "PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "PROVIDER": provider,
    }
    running = Running(port=port, sandbox_port=sandbox_port, provider=provider)
    _prepare(running)
    _serve(running, speed)


def _port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= HIGHEST_PORT:
        raise CannotRun(f"PORT must be a number from 1 to {HIGHEST_PORT}, not {text!r}.")
    return int(text)


def _provider() -> str:
    try:
        return demo_provider(os.environ.get("PROVIDER") or SANDBOX.name).name
    except UnknownProvider as error:
        raise CannotRun(str(error)) from error


def _speed() -> str:
    text = os.environ.get("DEMO_SPEED") or "1"
    try:
        possible = 0.01 <= float(text) <= 1000
    except ValueError:
        possible = False
    if not possible:
        raise CannotRun(f"DEMO_SPEED must be a number from 0.01 to 1000, not {text!r}.")
    return text


def _refuse_busy_port(host: str, port: int) -> None:
    try:
        free = is_free(host, port)
    except OSError as error:
        raise CannotRun(f"Cannot listen on {host}:{port}: {error.strerror or error}.") from error
    if not free:
        raise CannotRun(
            f"Port {port} is in use. Stop what listens there, or choose another: "
            f"PORT={min(port + 10, HIGHEST_PORT)} make run"
        )


def _prepare(running: Running) -> None:
    """Database, files and data, ready for the processes; says what takes long."""
    import django
    from django.core.exceptions import ImproperlyConfigured

    try:
        django.setup()
    except (ImproperlyConfigured, StateError) as error:
        raise CannotRun(f"Wrong settings: {_one_line(error)}") from error

    from django.core.management import call_command
    from django.db import DatabaseError, connections

    from demo_site import settings
    from demo_site.collected import collect_changed

    try:
        _say("Preparing the database …")
        call_command("migrate", interactive=False, verbosity=0)
        _create_data()
    except (DatabaseError, ImproperlyConfigured) as error:
        raise CannotRun(f"Cannot use the database: {_one_line(error)}") from error
    finally:
        connections.close_all()
    if collect_changed(settings.STATE_DIR, before=lambda: _say("Collecting static files …")):
        _say("Static files are ready.")
    save_running(settings.STATE_DIR, running)


def _create_data() -> None:
    from demo_site.data import ADMIN, WrongApiKey, create_demo

    try:
        created = create_demo(
            os.environ.get("DEMO_ADMIN_PASSWORD", ""), os.environ.get("DEMO_API_KEY", "")
        )
    except WrongApiKey as error:
        raise CannotRun(f"DEMO_API_KEY: {error}") from error
    if created.password:
        _say(f"Password of {ADMIN} (shown only now): {created.password}")
    if created.api_key:
        _say(f"API key (shown only now): {created.api_key}")


def _serve(running: Running, speed: str) -> None:
    stop = _note_stop()
    family = Family()
    python = [sys.executable, "-u"]
    manage = [*python, str(_CHECKOUT / "manage.py")]
    try:
        family.start(
            "web server", [*python, "-m", "gunicorn", "-c", "python:demo_site.gunicorn_conf"]
        )
        family.start("dispatcher", [*manage, "run_dispatcher"])
        simulate = [*manage, "simulate_provider", running.provider]
        simulate += ["--port", str(running.sandbox_port), "--speed", speed]
        family.start(running.provider, simulate)
        _watch(family, stop, running)
    finally:
        family.stop(_GRACE)
    _say("Stopped.")


def _watch(family: Family, stop: list[int], running: Running) -> None:
    """Return when a stop is requested.

    Raises:
        CannotRun: a process ended by itself, or the site does not answer in time.
    """
    announced = False
    give_up = time.monotonic() + _START_LIMIT
    while not stop:
        dead = family.first_dead()
        if dead:
            raise CannotRun(f"The {dead.name} ended ({dead.end}); the demo stops.")
        if not announced:
            announced = _is_ready(running.port, running.sandbox_port)
            if announced:
                _announce()
            elif time.monotonic() > give_up:
                raise CannotRun(f"The site does not answer after {_START_LIMIT:.0f} seconds.")
        time.sleep(_LOOK_EVERY)
    _say("Stopping …")


def _is_ready(port: int, provider_port: int) -> bool:
    """Whether the site answers, the provider listens and a dispatcher is at work."""
    connection = http.client.HTTPConnection(_reachable(os.environ["HOST"]), port, timeout=2)
    try:
        connection.request("GET", "/clicktocall/health/", headers={"Host": f"localhost:{port}"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    if answer.status == http.HTTPStatus.OK:  # else it is a redirect to https, for example
        beat = json.loads(body)["dispatcher_beat_seconds"]
        if beat is None or beat > _BEAT_LIMIT:
            return False
    return is_answered(provider_port)


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _announce() -> None:
    from clicktocall.numbers import group
    from demo_site import settings
    from demo_site.data import ADMIN

    connected = settings.PROVIDER.numbers()[0]
    folder = os.environ.get("DEMO_STATE_DIR")
    manage = (f"DEMO_STATE_DIR={folder} " if folder else "") + ".venv/bin/python manage.py"
    shop = f"http://localhost:{settings.PORT}/"
    if settings.BASE_URL.startswith("https:"):
        shop = f"{settings.BASE_URL}/"
    _say(
        f"""
  Shop      {shop}
  Provider  {settings.PROVIDER.label}, simulated on this machine
  Admin     {settings.BASE_URL}/admin/   (user {ADMIN}; to change its password:
            {manage} changepassword {ADMIN})
  API       {settings.BASE_URL}/clicktocall/api/v1/docs/   (its key is printed on the first
            start; new ones are made in the admin)

Give the shop {group(connected.contact)} to be connected; its page has the numbers of all
other stories, and so has `{manage} demo_info`.
No telephone rings.
Ctrl-C stops everything.
"""
    )


_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _raise_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise StopRequested


def _note_stop() -> list[int]:
    """From now on a request to stop is only noted, in the list returned."""
    noted: list[int] = []

    def note(number: int, _frame: Any) -> None:
        noted.append(number)

    for number in _STOPPING:
        signal.signal(number, note)
    return noted


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
