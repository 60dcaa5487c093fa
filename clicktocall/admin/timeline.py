"""The two-leg timeline as a picture: places on a canvas, words for who cannot see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from clicktocall.admin.display import leg_word, seconds
from clicktocall.history.timeline import Doing, Line, Stretch, Timeline
from clicktocall.states import Leg, LegState

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# The canvas, in its own units.
WIDTH = 640
LEFT = 112
RIGHT = 16
TOP = 26
LINE_GAP = 40
BAR_HEIGHT = 16
_NARROWEST = 2.0
_MOST_TICKS = 6
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


class Look(StrEnum):
    """How a stretch is drawn: also the second part of its CSS class."""

    RINGING = "ringing"
    HOLDING = "holding"
    ONLINE = "online"  # picked up; nobody told whether anybody else was there
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class Bar:
    look: Look
    x: str
    y: int
    width: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    leg: str
    side: str
    y: int  # of the line itself, the middle of its bars
    state: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    x: str
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything the template draws. Coordinates are texts, so that no locale changes them."""

    id: str
    title: str
    description: str
    rows: tuple[Row, ...]
    looks: tuple[tuple[Look, str], ...]  # what the legend explains, with its word
    ticks: tuple[Tick, ...]
    joined: str | None
    now: str | None
    height: int
    axis_y: int
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    width: int = WIDTH
    bar_height: int = BAR_HEIGHT


def picture_of(timeline: Timeline, *, id: str, title: str, sides: dict[Leg, str]) -> Picture:  # noqa: A002
    """Draw `timeline`; `sides` says who is on which leg, `id` is unique on the page."""
    scale = (WIDTH - LEFT - RIGHT) / max(timeline.seconds, 1.0)
    rows = tuple(
        _row(timeline, line, number, scale, sides[line.leg])
        for number, line in enumerate(timeline.lines)
    )
    axis_y = TOP + LINE_GAP * len(rows)
    return Picture(
        id=id,
        title=title,
        description=_description(timeline, sides),
        rows=rows,
        looks=_legend(timeline),
        ticks=_ticks(timeline.seconds, scale),
        joined=None if timeline.joined is None else _x(timeline.joined, scale),
        now=None if timeline.over else _x(timeline.seconds, scale),
        height=axis_y + 22,
        axis_y=axis_y,
    )


def _row(timeline: Timeline, line: Line, number: int, scale: float, side: str) -> Row:
    y = TOP + LINE_GAP * number + LINE_GAP // 2
    return Row(
        leg=line.leg.value.upper(),
        side=side,
        y=y,
        state=str(_state_word(timeline, line)),
        bars=tuple(
            Bar(
                look=_look(timeline, stretch.doing),
                x=_x(stretch.start, scale),
                y=y - BAR_HEIGHT // 2,
                width=_number(max(stretch.length * scale, _NARROWEST)),
                title=f"{side}: {_said(timeline, stretch)}",
            )
            for stretch in line.stretches
        ),
    )


def _description(timeline: Timeline, sides: dict[Leg, str]) -> str:
    parts = []
    for line in timeline.lines:
        did = ", ".join(_said(timeline, stretch) for stretch in line.stretches)
        parts.append(f"{sides[line.leg]}: {did or _('nothing reported')}.")
    if timeline.joined is not None:
        parts.append(_("Joined after %(time)s.") % {"time": seconds(timeline.joined)})
    return " ".join(parts)


def _said(timeline: Timeline, stretch: Stretch) -> str:
    words = {
        Look.RINGING: _("rang for %(time)s"),
        Look.HOLDING: _("waited on the line for %(time)s"),
        Look.ONLINE: _("was on the line for %(time)s"),
        Look.TALKING: _("talked for %(time)s"),
    }
    return words[_look(timeline, stretch.doing)] % {"time": seconds(stretch.length)}


def _look(timeline: Timeline, doing: Doing) -> Look:
    """Who has picked up waits for the other side, if somebody tells of the other side at all."""
    if doing == Doing.HOLDING and not _tells_of_both(timeline):
        return Look.ONLINE
    return Look(doing.value)


def _legend(timeline: Timeline) -> tuple[tuple[Look, str], ...]:
    words = {
        Look.RINGING: _("ringing"),
        Look.HOLDING: _("waiting on the line"),
        Look.ONLINE: _("on the line"),
        Look.TALKING: _("talking"),
    }
    unseen = {Look.ONLINE} if _tells_of_both(timeline) else {Look.HOLDING, Look.TALKING}
    return tuple((look, word) for look, word in words.items() if look not in unseen)


def _tells_of_both(timeline: Timeline) -> bool:
    """Whether there are two sides, and neither is passed over in silence."""
    if timeline.joined is not None:
        return True
    reported = [line for line in timeline.lines if line.state != LegState.UNREPORTED]
    return len(reported) > 1


def _state_word(timeline: Timeline, line: Line) -> StrOrPromise:
    """As long as nothing at all is known of an attempt, nobody can say that a side waits."""
    untold = all(other.state == LegState.WAITING for other in timeline.lines)
    if untold and not timeline.over:
        return _("not reported yet")
    return leg_word(line.state, over=timeline.over)


def _ticks(length: float, scale: float) -> tuple[Tick, ...]:
    step = next((step for step in _STEPS if length / step <= _MOST_TICKS), None)
    if step is None:
        step = round(length / _MOST_TICKS)
    return tuple(
        Tick(_x(at, scale), seconds(at) if at else "0") for at in range(0, int(length) + 1, step)
    )


def _x(at: float, scale: float) -> str:
    return _number(LEFT + at * scale)


def _number(value: float) -> str:
    return f"{value:.1f}"
