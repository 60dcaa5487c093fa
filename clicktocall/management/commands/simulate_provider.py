"""`manage.py simulate_provider NAME`: a provider's side, played on this machine."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from clicktocall import providers
from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError


class Command(BaseCommand):
    help = (
        "Play a provider's side on this machine: take orders over HTTP on the loopback address, "
        "play the calls in real time, and report to the address in each order. No telephone "
        "rings. Runs until it is interrupted."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "name", choices=simulated_providers(), help="the provider whose side is played"
        )
        parser.add_argument(
            "--port",
            type=_port,
            help="port on 127.0.0.1; without it, the one in the provider's BASE_URL",
        )
        parser.add_argument(
            "--speed",
            type=_speed,
            default=1.0,
            help="how many times faster than life the calls play (default 1)",
        )
        parser.add_argument(
            "--api-key",
            help="the key customers must present; without it, the API_KEY of the first alias in "
            'CLICKTOCALL["PROVIDERS"] with this provider',
        )
        for name in simulated_providers():
            if (own := _own_options(name)) is not None:
                own.add_arguments(parser.add_argument_group(f"{name} only"))

    def handle(self, *_args: Any, **options: Any) -> None:
        name: str = options["name"]
        _refuse_options_of_others(name, options)
        configured = _configured_options(name)
        simulator_class = import_module(f"{providers.__name__}.{name}.simulator").Simulator
        port = options["port"] or _port_of(name, configured)
        keywords = _keywords(name, options, configured)
        try:
            simulator = simulator_class(port=port, speed=options["speed"], **keywords)
        except OSError as error:
            place = error.filename or f"127.0.0.1:{port}"  # a log file, or the port
            does = "write to" if error.filename else "listen on"
            raise CommandError(f"Cannot {does} {place}: {error.strerror}.") from None
        self._serve(name, simulator, options["speed"])

    def _serve(self, name: str, simulator: Any, speed: float) -> None:
        _log_to(self.stdout)
        stop = threading.Event()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
        simulator.start()
        self.stdout.write(f"{name} listens on {simulator.address}, speed {speed:g}")
        self.stdout.flush()
        try:
            stop.wait()
        finally:
            simulator.stop()
        self.stdout.write(f"{name} stopped")


def simulated_providers() -> list[str]:
    """The names of providers that come with a simulator."""
    return sorted(
        module.name
        for module in iter_modules(providers.__path__)
        if module.ispkg and find_spec(f"{providers.__name__}.{module.name}.simulator")
    )


def _own_options(name: str) -> ModuleType | None:
    """The module that declares options only this provider has; most have none.

    It offers `add_arguments(group)` and `keywords(given, configured)`, which returns what
    `Simulator` takes besides `port` and `speed`. An option that is not given is None.
    """
    own = f"{providers.__name__}.{name}.simulator_options"
    return import_module(own) if find_spec(own) else None


def _refuse_options_of_others(name: str, options: dict[str, Any]) -> None:
    for other in simulated_providers():
        if other == name or (own := _own_options(other)) is None:
            continue
        declared = ArgumentParser()
        own.add_arguments(declared.add_argument_group())
        for option in vars(declared.parse_args([])):
            if options[option] is not None:
                raise CommandError(f"--{option.replace('_', '-')} is for {other}, not for {name}.")


def _keywords(name: str, options: dict[str, Any], configured: dict[str, Any]) -> dict[str, Any]:
    own = _own_options(name)
    if own is None:
        return {"api_key": options["api_key"] or _api_key_of(name, configured)}
    try:
        found: dict[str, Any] = own.keywords(options, configured)
    except ConfigurationError as error:
        raise CommandError(str(error)) from None
    return found


def _configured_options(name: str) -> dict[str, Any]:
    """The options of the first alias whose backend is this provider, else none."""
    package = f"{providers.__name__}.{name}."
    for entry in settings.PROVIDERS.values():
        if str(entry.get("BACKEND", "")).startswith(package):
            found: dict[str, Any] = entry.get("OPTIONS", {})
            return found
    return {}


def _port_of(name: str, configured: dict[str, Any]) -> int:
    try:
        port = urlsplit(str(configured.get("BASE_URL", ""))).port
    except ValueError:
        port = None
    if port is None:
        raise CommandError(f"Give --port: no {name} alias in the settings has one in BASE_URL.")
    return port


def _api_key_of(name: str, configured: dict[str, Any]) -> str:
    api_key = configured.get("API_KEY")
    if not api_key:
        raise CommandError(f"Give --api-key: no {name} alias in the settings has an API_KEY.")
    return str(api_key)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise ArgumentTypeError("must be a number from 1 to 65535")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 1000:
        raise ArgumentTypeError("must be a number from 0.01 to 1000")
    return speed


def _log_to(stream: Any) -> None:
    """Show the simulators' own lines, whatever the host's logging does."""
    logger = logging.getLogger(providers.__name__)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
