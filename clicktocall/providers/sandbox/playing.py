"""A call of the sandbox: two imagined telephones that do what the story says."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clicktocall.providers.sandbox.reporter import Lane, Reporter
from clicktocall.providers.sandbox.stories import Phone, Reports, Story
from clicktocall.providers.simulation.scheduler import Scheduler

# Seconds at speed 1.
UNTIL_A_RINGS = 0.4
UNTIL_B_RINGS = 0.3
UNTIL_BUSY = 0.6
UNTIL_ANSWER = 2.0
UNTIL_DECLINE = 1.5
UNTIL_A_GIVES_UP = 1.0
UNTIL_MACHINE_IS_KNOWN = 1.5
LONGEST_RINGING = 6.0
MESSAGE = 2.0
ONE_LEG_CONTENT = 4.0
UNTIL_RECORDING_IS_READY = 0.5
LONGEST_DELAY = 2.5

WITHHELD = "withheld"  # what a telephone shows instead of a number
KEYED = {"choice": "1"}  # what everybody keys in a flow

_BUSY = "486 Busy Here"
_NO_ANSWER = "480 Temporarily Unavailable"
_DECLINED = "603 Decline"
_GIVEN_UP = "487 Request Terminated"


@dataclass(frozen=True, slots=True)
class Stage:
    """What all calls share. `address` is where the simulator serves its recordings."""

    scheduler: Scheduler
    reporter: Reporter
    speed: float
    address: str


class Call:
    """One order being played. All public methods may be called from any thread."""

    def __init__(self, order: dict[str, Any], story: Story, stage: Stage) -> None:
        self.id = uuid.uuid4().hex
        self.recording_id = uuid.uuid4().hex
        self.order = order
        self.story = story
        self.accepted_at = datetime.now(UTC)
        self.born = time.monotonic()
        self._stage = stage
        self._options: dict[str, Any] = order["options"]
        self._one_leg = order["leg_b"] is None
        self._legs = {"a": "waiting"} if self._one_leg else {"a": "waiting", "b": "waiting"}
        self._told: list[dict[str, Any]] = []
        self._held: list[dict[str, Any]] = []
        self._lane = Lane()
        self._answered_at: float | None = None
        self._joined_at: float | None = None
        self._state = "accepted"
        self._lock = threading.Lock()
        self._script = self._play()

    def start(self) -> None:
        self._step(time.monotonic())

    def hang_up(self) -> None:
        """End the call on request; one that is over stays as it is."""
        with self._lock:
            if not self._over:
                self._end(
                    "completed" if self._joined_at else "canceled", None, "hung up on request"
                )

    @property
    def state(self) -> str:
        return self._state

    @property
    def recorded(self) -> bool:
        return any(fact["event"] == "recorded" for fact in self._told)

    def describe(self) -> dict[str, Any]:
        """Everything the simulator knows of the call."""
        with self._lock:
            return {
                "id": self.id,
                "reference": self.order["reference"],
                "state": self._state,
                "story": self.story.name,
                "accepted_at": _rfc_3339(self.accepted_at),
                "legs": {leg: self._describe_leg(leg) for leg in self._legs},
                "order": self.order,
                "reports": list(self._told),
            }

    @property
    def _over(self) -> bool:
        return self._state == "ended"

    def _describe_leg(self, leg: str) -> dict[str, Any]:
        """Where a leg was dialled to and what its telephone showed."""
        seen: dict[str, Any] = {
            "state": self._legs[leg],
            "to": self.order[f"leg_{leg}"],
            "shown": self._shown_to(leg),
            "through": self._options.get("bridge", ""),
            "sip_headers": self._options.get("custom_sip_headers", {}),
        }
        if leg == "a":
            seen["callee"] = {
                "number": self._options.get("callee_id_number", ""),
                "name": self._options.get("callee_id_name", ""),
            }
        return seen

    def _shown_to(self, leg: str) -> dict[str, str]:
        if self._options["withhold_caller_id"]:
            return {"number": WITHHELD, "name": ""}
        number = self.order[f"caller_id_{leg}"] or self._options.get("bridge", "")
        return {"number": number, "name": self.order["caller_id_name"]}

    # The story, step by step: a script yields the seconds until its next line.

    def _step(self, due: float) -> None:
        with self._lock:
            if self._over:
                return
            pause = next(self._script, None)
        if pause is not None:
            due += pause / self._stage.speed
            self._stage.scheduler.at(due, lambda: self._step(due))

    def _play(self) -> Iterator[float]:
        yield UNTIL_A_RINGS
        if not (yield from self._reach("a", self.story.leg_a)):
            return
        if self.story.leg_a == Phone.MACHINE and (yield from self._machine_stops_it()):
            return
        if self._one_leg:
            yield from self._play_content()
            return
        yield from self._play_message()
        yield UNTIL_B_RINGS
        if (yield from self._reach("b", self.story.leg_b)):
            yield from self._talk()

    def _reach(self, leg: str, phone: Phone) -> Generator[float, None, bool]:
        """Ring a phone; whether somebody (or a machine) answered."""
        if phone == Phone.BUSY:
            yield UNTIL_BUSY
            self._fail(leg, "busy", _BUSY)
            return False
        self._state = "ringing" if leg == "a" else "connecting"
        self._legs[leg] = "ringing"
        self._tell("ringing", leg, words="180 Ringing")
        timeout: int = self._options["timeout"]
        if leg == "b" and self.story.a_gives_up:
            yield UNTIL_A_GIVES_UP
            self._leg_ends("a", "completed", "BYE from leg a")
            self._end("canceled", "a", "leg a hung up")
            return False
        if phone == Phone.DECLINES:
            yield UNTIL_DECLINE
            self._fail(leg, "declined", _DECLINED)
            return False
        if phone == Phone.NO_ANSWER or timeout < UNTIL_ANSWER:
            yield min(timeout, LONGEST_RINGING)
            self._fail(leg, "no_answer", _NO_ANSWER)
            return False
        yield UNTIL_ANSWER
        if leg == "a":
            self._state = "answered"
            self._answered_at = time.monotonic()
        self._legs[leg] = "answered"
        self._tell("answered", leg, words="200 OK")
        return True

    def _machine_stops_it(self) -> Generator[float, None, bool]:
        detection = self._options["machine_detection"]
        if not detection:
            return False
        yield UNTIL_MACHINE_IS_KNOWN
        if detection == "continue":
            self._tell("note", "a", words="answering machine detected")
            return False
        self._fail("a", "machine", "answering machine detected")
        return True

    def _play_message(self) -> Iterator[float]:
        words = self._message_words()
        if words:
            self._tell("note", "a", words=words)
            yield MESSAGE

    def _message_words(self) -> str:
        if self._options.get("message_audio_url"):
            return "plays the recorded message"
        text = self._options.get("message_text", "")
        if not text:
            return ""
        language = self._options.get("message_language") or "default language"
        return f"speaks a message of {len(text)} characters ({language})"

    def _play_content(self) -> Iterator[float]:
        """The only leg hears its message or goes through its flow."""
        flow = self.order["flow"]
        words = f"runs flow {flow}" if flow else self._message_words()
        if words:
            self._tell("note", "a", words=words)
        if self.story.a_gives_up:
            yield UNTIL_A_GIVES_UP
            self._hangs_up("a")
            return
        yield from self._until_limit(ONE_LEG_CONTENT)
        if self._over:
            return
        if flow:
            self._tell("collected", words="keyed in", answers=KEYED)
        self._end("completed", None, "content played")

    def _talk(self) -> Iterator[float]:
        self._state = "connected"
        self._joined_at = time.monotonic()
        self._tell("joined", words="legs bridged")
        yield from self._until_limit(self.story.talk)
        if not self._over:
            self._hangs_up("b")

    def _until_limit(self, seconds: float) -> Iterator[float]:
        """Let time pass, at most the ordered duration; then the call is cut."""
        limit: int = self.order["max_duration"]
        lasts = min(seconds, limit)
        warning = self._options.get("warning_time")
        passed = 0.0
        if warning and 0 <= limit - warning < lasts:
            passed = float(limit - warning)
            yield passed
            self._tell("note", words=f"warning tone, {warning} s left")
        yield lasts - passed
        if limit <= seconds:
            self._end("completed", None, f"maximum duration of {limit} s reached")

    def _hangs_up(self, leg: str) -> None:
        self._leg_ends(leg, "completed", f"BYE from leg {leg}")
        self._end("completed", leg, f"leg {leg} hung up")

    def _fail(self, leg: str, outcome: str, words: str) -> None:
        self._leg_ends(leg, outcome, words)
        self._end(outcome, leg, words)

    def _leg_ends(self, leg: str, outcome: str, words: str) -> None:
        self._legs[leg] = "ended" if outcome == "completed" else outcome
        self._tell("leg_ended", leg, outcome=outcome, words=words)

    def _end(self, outcome: str, leg: str | None, words: str) -> None:
        for other, state in self._legs.items():
            if state == "ringing":
                self._leg_ends(other, "canceled", _GIVEN_UP)
            elif state == "answered":
                self._leg_ends(other, "completed", "BYE")
        heard = self._joined_at is not None or (self._one_leg and self._legs["a"] == "ended")
        self._state = "ended"
        self._tell(
            "ended",
            leg,
            outcome=outcome,
            words=words,
            talk_seconds=_seconds_since(self._joined_at),
            answered_seconds=_seconds_since(self._answered_at),
        )
        self._release_held()
        if self._options.get("record") and heard:
            pause = UNTIL_RECORDING_IS_READY / self._stage.speed
            self._stage.scheduler.after(pause, self._recording_is_ready)

    def _recording_is_ready(self) -> None:
        address = f"{self._stage.address}/recordings/{self.recording_id}.wav"
        with self._lock:
            self._tell("recorded", recording_url=address, words="recording stored")

    # Reports.

    def _tell(self, event: str, leg: str | None = None, **more: Any) -> None:
        fact = {
            "event_id": uuid.uuid4().hex,
            "reference": self.order["reference"],
            "call": self.id,
            "event": event,
            "leg": leg,
            "outcome": None,
            "at": _rfc_3339(datetime.now(UTC)),
            "words": "",
            "callback_data": self._options.get("callback_data", ""),
            **{name: value for name, value in more.items() if value is not None},
        }
        self._told.append(fact)
        match self.story.reports:
            case Reports.IN_ORDER:
                self._report(fact, self._lane)
            case Reports.DISORDER:
                self._report_in_disorder(fact)

    def _report(self, fact: dict[str, Any], lane: Lane) -> None:
        self._stage.reporter.send(lane, self.order["callback_url"], fact)

    def _report_in_disorder(self, fact: dict[str, Any]) -> None:
        """Late, some twice, and the middle of the call after its end; the same each time.

        Every report gets a lane of its own, so that none waits for another.
        """
        chance = random.Random(f"{fact['reference']} {len(self._told)}")  # noqa: S311 (a story)
        if fact["event"] == "joined" or (fact["event"] == "answered" and fact["leg"] == "b"):
            self._held.append(fact)
        elif fact["event"] == "ended":
            self._report(fact, Lane())
            self._report_later(fact, chance.uniform(0.5, LONGEST_DELAY))
        else:
            self._report_later(fact, chance.uniform(0, LONGEST_DELAY))
            if chance.random() < 0.5:
                self._report_later(fact, chance.uniform(0, LONGEST_DELAY))

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for number, fact in enumerate(reversed(held)):
            self._report_later(fact, 1.0 + number * 0.5)

    def _report_later(self, fact: dict[str, Any], seconds: float) -> None:
        self._stage.scheduler.after(seconds / self._stage.speed, lambda: self._report(fact, Lane()))


def _seconds_since(moment: float | None) -> int | None:
    return None if moment is None else round(time.monotonic() - moment)


def _rfc_3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
