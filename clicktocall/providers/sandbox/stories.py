"""The stories the sandbox plays, and the numbers, which nobody has, that choose them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Phone(StrEnum):
    """What a telephone of a story does when it is called."""

    ANSWERS = "answers"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINES = "declines"
    MACHINE = "machine"


class Reports(StrEnum):
    """How a story is reported."""

    IN_ORDER = "in_order"
    DISORDER = "disorder"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happens to a call. Times are seconds at speed 1.

    `digits` end the contact's number; `summary` is for people. `outages` counts the orders of a
    call that are turned away before one is taken.
    """

    name: str
    digits: str
    summary: str | Promise
    leg_a: Phone = Phone.ANSWERS
    leg_b: Phone = Phone.ANSWERS
    a_gives_up: bool = False
    talk: float = 8.0
    refused: bool = False
    outages: int = 0
    reports: Reports = Reports.IN_ORDER


_ALL = (
    Story(
        name="completed",
        digits="01",
        summary=_("Both sides answer and talk for eight seconds; the second one hangs up."),
    ),
    Story(
        name="a_busy",
        digits="02",
        summary=_("The first phone is busy."),
        leg_a=Phone.BUSY,
    ),
    Story(
        name="a_no_answer",
        digits="03",
        summary=_("The first phone rings and nobody answers."),
        leg_a=Phone.NO_ANSWER,
    ),
    Story(
        name="a_declined",
        digits="04",
        summary=_("The first phone rings and the call is declined."),
        leg_a=Phone.DECLINES,
    ),
    Story(
        name="b_busy",
        digits="05",
        summary=_("The first side answers; the second phone is busy."),
        leg_b=Phone.BUSY,
    ),
    Story(
        name="b_no_answer",
        digits="06",
        summary=_("The first side answers; the second phone rings and nobody answers."),
        leg_b=Phone.NO_ANSWER,
    ),
    Story(
        name="machine",
        digits="07",
        summary=_("An answering machine picks up the first phone."),
        leg_a=Phone.MACHINE,
    ),
    Story(
        name="a_hangup",
        digits="08",
        summary=_("The first side answers and hangs up while the second phone rings."),
        a_gives_up=True,
    ),
    Story(
        name="b_hangup",
        digits="09",
        summary=_("Both sides answer; the second one hangs up after three seconds."),
        talk=3.0,
    ),
    Story(
        name="refused",
        digits="10",
        summary=_("The provider refuses the call; nothing rings."),
        refused=True,
    ),
    Story(
        name="outage",
        digits="11",
        summary=_("The provider is down for the first two tries, then both sides talk."),
        outages=2,
    ),
    Story(
        name="disorder",
        digits="12",
        summary=_("Both sides talk, but the reports come late, twice and out of order."),
        reports=Reports.DISORDER,
    ),
    Story(
        name="silent",
        digits="13",
        summary=_("The provider takes the call and never reports anything."),
        reports=Reports.NONE,
    ),
)

STORIES: dict[str, Story] = {story.name: story for story in _ALL}

# Ofcom's and NANPA's numbers for drama: nobody has them, and they pass as valid.
_STARTS = {"GB": "+4420794600", "US": "+120255501"}
_CHOOSING = re.compile(
    r"(?:sips?:)?(?:\+442079460[0-9]|\+120255501)(?P<digits>[0-9]{2})(?:[@;].*)?", re.ASCII
)
_BY_DIGITS = {story.digits: story for story in _ALL}


def story_of(contact: str) -> Story:
    """The story a contact (E.164 or SIP URI) chooses; `completed` where it chooses none."""
    chosen = _CHOOSING.fullmatch(contact)
    story = _BY_DIGITS.get(chosen["digits"]) if chosen else None
    return story or STORIES["completed"]


def contact_for(name: str, country: str = "GB") -> str:
    """The E.164 number of `country` ("GB" or "US") that chooses the story `name`."""
    return f"{_STARTS[country]}{STORIES[name].digits}"
