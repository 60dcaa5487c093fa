"""What happens to a message, chosen by the last four digits of a number it names.

The numbers of the sandbox tell the same story here, as far as this provider can tell it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from clicktocall.providers.infobip.simulation import vocabulary as words
from clicktocall.providers.infobip.simulation.vocabulary import CallError, Status


class Phone(StrEnum):
    """What a telephone does when it is called."""

    ANSWERS = "answers"
    MACHINE = "machine"
    RINGS_OUT = "rings out"
    REFUSES = "refuses"  # while it rings
    IS_OFF = "is off"  # it never rings


class Told(StrEnum):
    """What the customer hears of the end."""

    ONCE = "once"
    LATE_AND_TWICE = "late and twice"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happens to a message. Times are seconds at speed 1.

    `digits` are the last two of a number that ends in 00… or 01…. `status` and `error` are those
    of a call whose first phone does not answer. `rejected` is the status of a message that is
    refused in an answer with HTTP 200; `fault` the name of a request that fails (see `faults`);
    `outages` counts the requests turned away with 503 before one is taken. `old_habits` reports
    as in captured reports of 2018: the price as text, nothing as "null".
    """

    name: str
    digits: str
    summary: str
    leg_a: Phone = Phone.ANSWERS
    leg_b: Phone = Phone.ANSWERS
    a_gives_up: bool = False
    talk: float = 8.0
    status: Status = words.TO_HANDSET
    error: CallError = words.NORMAL_HANGUP
    rejected: Status | None = None
    fault: str = ""
    outages: int = 0
    told: Told = Told.ONCE
    old_habits: bool = False


_ALL = (
    Story(
        name="completed",
        digits="01",
        summary="Both sides answer and talk for eight seconds.",
    ),
    Story(
        name="a_busy",
        digits="02",
        summary="The first phone is busy.",
        leg_a=Phone.IS_OFF,
        status=words.BUSY,
        error=words.CALL_BUSY,
    ),
    Story(
        name="a_no_answer",
        digits="03",
        summary="The first phone rings and nobody answers.",
        leg_a=Phone.RINGS_OUT,
        status=words.NO_ANSWER,
        error=words.CALL_NO_ANSWER,
    ),
    Story(
        name="a_declined",
        digits="04",
        summary="The first phone rings and the call is declined.",
        leg_a=Phone.REFUSES,
        status=words.DECLINED,
        error=words.CALL_DECLINED,
    ),
    Story(
        name="b_busy",
        digits="05",
        summary="The first side answers; the second phone is busy, which nobody reports.",
        leg_b=Phone.IS_OFF,
    ),
    Story(
        name="b_no_answer",
        digits="06",
        summary="The first side answers; the second phone rings out, which nobody reports.",
        leg_b=Phone.RINGS_OUT,
    ),
    Story(
        name="machine",
        digits="07",
        summary="An answering machine picks up the first phone.",
        leg_a=Phone.MACHINE,
    ),
    Story(
        name="a_hangup",
        digits="08",
        summary="The first side answers and hangs up while the second phone rings.",
        a_gives_up=True,
    ),
    Story(
        name="b_hangup",
        digits="09",
        summary="Both sides answer; the second one hangs up after three seconds.",
        talk=3.0,
    ),
    Story(
        name="refused",
        digits="10",
        summary="HTTP 200, and the message is rejected for its destination (52).",
        rejected=words.DESTINATION,
    ),
    Story(
        name="outage",
        digits="11",
        summary="503 for the first two requests; a third one is taken.",
        outages=2,
    ),
    Story(
        name="disorder",
        digits="12",
        summary="Both sides talk; the report comes late and twice.",
        told=Told.LATE_AND_TWICE,
    ),
    Story(
        name="silent",
        digits="13",
        summary="The message is taken and nothing is ever reported.",
        told=Told.NEVER,
    ),
    Story(
        name="network_error",
        digits="14",
        summary="The network fails before the first phone rings.",
        leg_a=Phone.IS_OFF,
        status=words.NOT_DELIVERED,
        error=words.CALL_NETWORK,
    ),
    Story(
        name="expired",
        digits="15",
        summary="Nobody answered while the message was valid; reported as old reports are.",
        leg_a=Phone.RINGS_OUT,
        status=words.VALIDITY_OVER,
        error=words.CALL_NO_ANSWER,
        old_habits=True,
    ),
    Story(
        name="canceled",
        digits="16",
        summary="The call is canceled before the first phone rings.",
        leg_a=Phone.IS_OFF,
        status=words.CANCELLED,
        error=words.CALL_CANCELLED,
    ),
    Story(
        name="unavailable",
        digits="17",
        summary="The first phone is switched off.",
        leg_a=Phone.IS_OFF,
        status=words.NOT_DELIVERED,
        error=words.CALL_UNAVAILABLE,
    ),
    Story(
        name="no_such_number",
        digits="18",
        summary="Nobody has the first number.",
        leg_a=Phone.IS_OFF,
        status=words.NOT_DELIVERED,
        error=words.CALL_NO_SUCH_NUMBER,
    ),
    Story(
        name="no_audio",
        digits="19",
        summary="The audio file cannot be fetched.",
        leg_a=Phone.IS_OFF,
        status=words.NOT_DELIVERED,
        error=words.CALL_NO_AUDIO,
    ),
    Story(
        name="duplicate",
        digits="23",
        summary="HTTP 200, and the message id is said to be taken (23).",
        rejected=words.DUPLICATE,
    ),
    Story(name="throttled", digits="29", summary="429 with Retry-After.", fault="429"),
    Story(name="bad_request", digits="40", summary="400 naming destinationA.", fault="400"),
    Story(
        name="unauthorized",
        digits="41",
        summary="401: the login is wrong. No more calls are sent until staff let them.",
        fault="401",
    ),
    Story(name="forbidden", digits="43", summary="403.", fault="403"),
    Story(name="server_error", digits="50", summary="500; nothing rings.", fault="500"),
    Story(
        name="server_error_rang",
        digits="51",
        summary="500, yet the call is played.",
        fault="500-rang",
    ),
    Story(name="out_of_service", digits="53", summary="503; nothing rings.", fault="503"),
    Story(name="slow", digits="60", summary="Taken, but answered very late.", fault="slow"),
    Story(name="reset", digits="61", summary="Taken; the answer breaks off.", fault="reset"),
    Story(
        name="no_credits",
        digits="62",
        summary="HTTP 200, and the message is rejected for want of credits (12).",
        rejected=words.NO_CREDITS,
    ),
    Story(
        name="hung_up_on",
        digits="63",
        summary="The connection breaks before anything is taken.",
        fault="reset-early",
    ),
    Story(
        name="garbled",
        digits="64",
        summary="Taken, and answered with a page instead of JSON.",
        fault="garbled",
    ),
    Story(
        name="no_network",
        digits="65",
        summary="HTTP 200, and the message is rejected for its network (6).",
        rejected=words.NETWORK,
    ),
)

STORIES: dict[str, Story] = {story.name: story for story in _ALL}

_CHOOSING = re.compile(r"\d*0[01](?P<digits>\d\d)", re.ASCII)
_BY_DIGITS = {story.digits: story for story in _ALL}


def story_of(*numbers: str) -> Story:
    """The story chosen by the first of a message's numbers that chooses one, else `completed`.

    The second number counts too, because the visitor, who chooses, may be dialled second.
    """
    for number in numbers:
        chosen = _CHOOSING.fullmatch(number)
        if chosen and chosen["digits"] in _BY_DIGITS:
            return _BY_DIGITS[chosen["digits"]]
    return STORIES["completed"]


def number_for(name: str) -> str:
    """The number (digits only, as the provider wants it) that chooses the story `name`."""
    return f"4420794600{STORIES[name].digits}"
