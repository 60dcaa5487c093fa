"""The options of `simulate_provider infobip`: how they are written, and what they make."""

from __future__ import annotations

from argparse import ArgumentTypeError, _ArgumentGroup
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from clicktocall.conf import settings
from clicktocall.exceptions import ConfigurationError
from clicktocall.providers.infobip.simulation.account import Account, Dedupe
from clicktocall.providers.infobip.simulation.credentials import Credentials
from clicktocall.providers.infobip.simulation.faults import FAULTS, FaultPlan, Occasion
from clicktocall.providers.infobip.simulation.pushing import Manners
from clicktocall.providers.infobip.simulation.vocabulary import Codes

Given = Mapping[str, Any]


def add_arguments(parser: _ArgumentGroup) -> None:
    """Declare the options; one that is not given is None."""
    _add_who_and_what(parser)
    _add_faults(parser)
    _add_reports(parser)


def keywords(given: Given, configured: Given) -> dict[str, Any]:
    """The arguments of `Simulator` beside port and speed.

    Args:
        given: the options of the command line by name, None where not given.
        configured: OPTIONS of the alias that the simulator serves; it has the credentials.

    Raises:
        ConfigurationError: nobody could present any credentials, or an option lacks another.
    """
    for option in ("fault_on", "fault_times", "fault_share"):
        if given[option] is not None and not given["fault"]:
            raise ConfigurationError(f"--{option.replace('_', '-')} needs --fault.")
    seed = _or(given["seed"], 0)
    found: dict[str, Any] = {
        "credentials": _credentials(given, configured),
        "account": _account(given),
        "manners": _manners(given),
        "faults": FaultPlan(
            given["fault"] or "",
            on=Occasion(given["fault_on"] or Occasion.ORDERS),
            times=given["fault_times"],
            share=_or(given["fault_share"], 1.0),
            seed=seed,
        ),
        "seed": seed,
        "log": given["log"],
    }
    for name in ("slow", "retry_after"):
        if given[name] is not None:
            found[name] = given[name]
    return found


def _add_who_and_what(parser: _ArgumentGroup) -> None:
    parser.add_argument(
        "--basic", type=_user_and_password, metavar="USER:PASSWORD", help="accept these too"
    )
    parser.add_argument("--bearer", metavar="TOKEN", help="accept this OAuth token too")
    parser.add_argument("--session", metavar="TOKEN", help="accept this IBSSO token too")
    parser.add_argument(
        "--log",
        type=_file,
        metavar="FILE",
        help="append a line of JSON for every request, on the disk before it is answered",
    )
    parser.add_argument(
        "--seed", type=_whole(0, 2**63), help="the same seed plays the same chances (default 0)"
    )
    parser.add_argument(
        "--dedupe",
        type=_dedupe,
        metavar="none|window:SECONDS|lookup",
        help="a repeated messageId rings again (none, the default); is rejected with status 23 "
        "for so long (window); rings again, but is in the logs at once (lookup)",
    )
    parser.add_argument(
        "--error-codes", choices=list(Codes), help="the vocabulary of reports (default 10000)"
    )
    parser.add_argument("--price", type=_number(0, 1000), help="of one second (default 0.01)")
    parser.add_argument("--currency", type=_currency, help="of the price (default EUR)")
    parser.add_argument(
        "--no-machine-detection", action="store_true", default=None, help="an account without it"
    )
    parser.add_argument(
        "--no-recording", action="store_true", default=None, help='leave "record" unheeded'
    )


def _add_faults(parser: _ArgumentGroup) -> None:
    listed = "; ".join(f"{fault.name}: {fault.summary}" for fault in FAULTS.values())
    parser.add_argument("--fault", choices=list(FAULTS), help=f"let requests fail. {listed}")
    parser.add_argument(
        "--fault-on", choices=list(Occasion), help="which requests fail (default orders)"
    )
    parser.add_argument(
        "--fault-times", type=_whole(1, 10**9), metavar="N", help="only the first so many of them"
    )
    parser.add_argument(
        "--fault-share",
        type=_number(0, 1),
        metavar="SHARE",
        help="only a part of them, from 0 to 1",
    )
    parser.add_argument(
        "--slow", type=_number(0, 3600), metavar="SECONDS", help="until a slow answer (default 30)"
    )
    parser.add_argument(
        "--retry-after", type=_whole(0, 86_400), metavar="SECONDS", help="with a 429 (default 2)"
    )


def _add_reports(parser: _ArgumentGroup) -> None:
    parser.add_argument(
        "--report-never", action="store_true", default=None, help="push no report at all"
    )
    parser.add_argument(
        "--report-copies", type=_whole(1, 10), metavar="N", help="push each so often (default 1)"
    )
    parser.add_argument(
        "--report-delay", type=_number(0, 86_400), metavar="SECONDS", help="push each so late"
    )
    parser.add_argument(
        "--report-disorder",
        action="store_true",
        default=None,
        help="let each be late by chance, so that those of several messages are mixed",
    )
    parser.add_argument(
        "--report-batch", type=_whole(1, 1000), metavar="N", help="up to so many in one POST"
    )
    parser.add_argument(
        "--report-pause",
        type=_number(0, 86_400),
        metavar="SECONDS",
        help="the unit of the pauses before a refused report is pushed again (default 60)",
    )
    parser.add_argument(
        "--report-basic",
        type=_user_and_password,
        metavar="USER:PASSWORD",
        help="send these with each",
    )
    parser.add_argument(
        "--report-version",
        type=int,
        choices=(1, 2),
        help="where an order names no notifyContentVersion (default 2)",
    )


def _credentials(given: Given, configured: Given) -> Credentials:
    user, password = configured.get("USERNAME"), configured.get("PASSWORD")
    credentials = Credentials(
        app=str(given["api_key"] or configured.get("API_KEY") or ""),
        basic=given["basic"] or (f"{user}:{password}" if user and password else ""),
        bearer=str(given["bearer"] or configured.get("BEARER_TOKEN") or ""),
        session=str(given["session"] or configured.get("SESSION_TOKEN") or ""),
    )
    if not credentials:
        raise ConfigurationError(
            "Give --api-key, --basic, --bearer or --session: no infobip alias in the settings "
            "has an API_KEY, or a USERNAME with its PASSWORD."
        )
    return credentials


def _account(given: Given) -> Account:
    kind, seconds = _or(given["dedupe"], (Dedupe.NONE, 0.0))
    return Account(
        dedupe=kind,
        dedupe_seconds=seconds,
        machine_detection=not given["no_machine_detection"],
        recording=not given["no_recording"],
        price=_or(given["price"], 0.01),
        currency=given["currency"] or "EUR",
        codes=Codes(given["error_codes"] or Codes.NEW),
        report_version=given["report_version"] or 2,
    )


def _manners(given: Given) -> Manners:
    public = urlsplit(str(settings.PUBLIC_URL or "")).hostname
    return Manners(
        never=bool(given["report_never"]),
        copies=given["report_copies"] or 1,
        delay=_or(given["report_delay"], 0.0),
        disorder=bool(given["report_disorder"]),
        batch=given["report_batch"] or 1,
        pause=_or(given["report_pause"], 60.0),
        basic=given["report_basic"] or "",
        hosts=frozenset({public}) if public else frozenset(),
    )


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def _number(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not least <= number <= most:
            raise ArgumentTypeError(f"must be a number from {least:g} to {most:g}")
        return number

    return parse


def _dedupe(text: str) -> tuple[Dedupe, float]:
    kind, colon, seconds = text.partition(":")
    if kind in (Dedupe.NONE, Dedupe.LOOKUP) and not colon:
        return Dedupe(kind), 0.0
    if kind == Dedupe.WINDOW and colon:
        return Dedupe.WINDOW, _number(0, 31_536_000)(seconds)
    raise ArgumentTypeError("must be none, window:SECONDS or lookup")


def _currency(text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()):
        raise ArgumentTypeError("must be three capital letters, such as EUR")
    return text


def _user_and_password(text: str) -> str:
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise ArgumentTypeError("must be USER:PASSWORD")
    return text


def _file(text: str) -> Path:
    path = Path(text)
    if not path.parent.is_dir() or path.is_dir():
        raise ArgumentTypeError("must be a file in a folder that exists")
    return path
