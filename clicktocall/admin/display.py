"""How things are shown: numbers grouped, times exact, states as word, colour and shape."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clicktocall.models import ReceiptStatus
from clicktocall.numbers import group
from clicktocall.states import CallState, LegState, Outcome

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

NOTHING = "–"

# Outlines in a box of 12 by 12, told apart without their colours.
_SHAPES = {
    "tick": "M1.5 6.5 4.5 9.5 10.5 2.5",
    "ring": "M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z",
    "square": "M2 2h8v8h-8z",
    "diamond": "M6 1 11 6 6 11 1 6z",
    "triangle": "M6 1.5 11 10.5H1z",
    "cross": "M2.5 2.5 9.5 9.5M9.5 2.5 2.5 9.5",
    "octagon": "M4 1h4l3 3v4l-3 3h-4l-3-3v-4z",
    "reels": "M3.5 3.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 1 0 0-5zM8.5 3.5a2.5 2.5 0 1 0 0 5"
    "a2.5 2.5 0 1 0 0-5zM3.5 8.5h5",
    "hourglass": "M2.5 1.5h7L2.5 10.5h7z",
    "question": "M4 4a2 2 0 1 1 2.6 2C6 6.3 6 6.8 6 7.5M6 9.6v1",
    "clock": "M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9zM6 3.5V6l2 1.5",
    "waves": "M2 8.5a5.5 5.5 0 0 1 8 0M4 10.5a2.8 2.8 0 0 1 4 0M6 6V1.5M4 3.5l2-2 2 2",
    "arrow": "M2 1.5v9l8-4.5z",
    "dash": "M2 6h8",
}
# value -> (tone, shape)
_OUTCOMES = {
    Outcome.COMPLETED: ("good", "tick"),
    Outcome.NO_ANSWER: ("missed", "ring"),
    Outcome.BUSY: ("missed", "square"),
    Outcome.DECLINED: ("missed", "diamond"),
    Outcome.MACHINE: ("missed", "reels"),
    Outcome.CANCELED: ("quiet", "cross"),
    Outcome.EXPIRED: ("bad", "hourglass"),
    Outcome.REJECTED: ("bad", "octagon"),
    Outcome.FAILED: ("bad", "triangle"),
    Outcome.UNKNOWN: ("unsure", "question"),
}
_STATES = {
    CallState.SCHEDULED: ("quiet", "clock"),
    CallState.QUEUED: ("quiet", "clock"),
    CallState.PLACING: ("live", "arrow"),
    CallState.PLACED: ("live", "arrow"),
    CallState.RINGING: ("live", "waves"),
    CallState.ANSWERED: ("live", "waves"),
    CallState.CONNECTING: ("live", "waves"),
    CallState.CONNECTED: ("good", "arrow"),
    CallState.ENDED: ("quiet", "dash"),
}
_LEGS = {
    LegState.UNREPORTED: ("unsure", "question"),
    LegState.WAITING: ("quiet", "clock"),
    LegState.RINGING: ("live", "waves"),
    LegState.ANSWERED: ("good", "arrow"),
    LegState.ENDED: ("good", "tick"),
    LegState.BUSY: ("missed", "square"),
    LegState.NO_ANSWER: ("missed", "ring"),
    LegState.DECLINED: ("missed", "diamond"),
    LegState.MACHINE: ("missed", "reels"),
    LegState.CANCELED: ("quiet", "cross"),
    LegState.FAILED: ("bad", "triangle"),
}
_RECEIPTS = {
    ReceiptStatus.RECEIVED: ("live", "clock"),
    ReceiptStatus.APPLIED: ("good", "tick"),
    ReceiptStatus.IGNORED: ("quiet", "dash"),
    ReceiptStatus.UNMATCHED: ("unsure", "question"),
    ReceiptStatus.NOT_UNDERSTOOD: ("bad", "octagon"),
    ReceiptStatus.FAILED: ("bad", "triangle"),
}


def badge(word: StrOrPromise, tone: str, shape: str) -> SafeString:
    """A word with its colour and its shape; the shape is one of `_SHAPES`."""
    return format_html(
        '<span class="ctc-badge ctc-{}"><svg class="ctc-shape" viewBox="0 0 12 12" '
        'aria-hidden="true" focusable="false"><path d="{}"/></svg>{}</span>',
        tone,
        _SHAPES[shape],
        word,
    )


def outcome_badge(progress: Any) -> SafeString:
    """How a call or an attempt ended, or where it stands."""
    if progress.outcome:
        outcome = Outcome(progress.outcome)
        return badge(outcome.label, *_OUTCOMES[outcome])
    state = CallState(progress.state)
    return badge(state.label, *_STATES[state])


def leg_badge(leg: str | None, *, over: bool) -> SafeString | str:
    """Where a leg stands; a dash for a call without that leg. `over`: the call has ended."""
    if leg is None:
        return NOTHING
    state = LegState(leg)
    tone, shape = ("quiet", "dash") if over and state == LegState.WAITING else _LEGS[state]
    return badge(leg_word(state, over=over), tone, shape)


def leg_word(state: LegState, *, over: bool) -> StrOrPromise:
    """Who still waits when all is over was never rung."""
    return _("not rung") if over and state == LegState.WAITING else state.label


def receipt_badge(status: str) -> SafeString:
    known = ReceiptStatus(status)
    return badge(known.label, *_RECEIPTS[known])


def alive_badge(alive: bool) -> SafeString:
    return badge(_("alive"), "good", "tick") if alive else badge(_("silent"), "bad", "triangle")


def phone(number: Any) -> SafeString | str:
    """A number as people write it; one line, whatever the column's width."""
    text = getattr(number, "as_e164", None) or str(number or "")
    if not text:
        return NOTHING
    return format_html('<span class="ctc-number">{}</span>', group(text))


def moment(at: datetime | None) -> SafeString | str:
    """A time: readable here, exact on hover, put into the viewer's zone by `times.js`."""
    if at is None:
        return NOTHING
    local = timezone.localtime(at)
    exact = local.isoformat(sep=" ", timespec="milliseconds")
    return format_html(
        '<time class="ctc-time" datetime="{}" title="{}">{}</time>',
        at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        f"{exact} ({timezone.get_current_timezone_name()})",
        format_date(local, "j M Y H:i:s"),
    )


def two_lines(first: Any, second: Any) -> SafeString:
    """Two values that share a column of a list, the second in a quieter tone."""
    return format_html('{}<div class="ctc-below">{}</div>', first, second)


def seconds(length: float | None) -> str:
    """A duration as people say it: "3 min 12 s"."""
    if length is None:
        return NOTHING
    hours, rest = divmod(round(length), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": left}
    return _("%(seconds)d s") % {"seconds": left}


def ago(at: datetime, now: datetime) -> str:
    """How long ago `at` was, in its largest unit."""
    length = max(0, round((now - at).total_seconds()))
    if length >= 86400:
        return ngettext("%d day ago", "%d days ago", length // 86400) % (length // 86400)
    if length >= 3600:
        return ngettext("%d hour ago", "%d hours ago", length // 3600) % (length // 3600)
    if length >= 60:
        return ngettext("%d minute ago", "%d minutes ago", length // 60) % (length // 60)
    return ngettext("%d second ago", "%d seconds ago", length) % length
