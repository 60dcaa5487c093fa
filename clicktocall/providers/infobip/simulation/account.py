"""What an account at the provider is like: its add-ons, its prices, its habits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clicktocall.providers.infobip.simulation.vocabulary import Codes


class Dedupe(StrEnum):
    """What a message id protects from."""

    NONE = "none"  # nothing: an id may ring again, and logs tell of ended calls only
    WINDOW = "window"  # an id that was taken lately is rejected with status 23
    LOOKUP = "lookup"  # an id may ring again, but the logs tell of it as soon as it is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`dedupe_seconds` (real ones) belongs to `Dedupe.WINDOW`; `price` is that of one second."""

    dedupe: Dedupe = Dedupe.NONE
    dedupe_seconds: float = 0.0
    machine_detection: bool = True
    recording: bool = True
    price: float = 0.01
    currency: str = "EUR"
    codes: Codes = Codes.NEW
    report_version: int = 2
