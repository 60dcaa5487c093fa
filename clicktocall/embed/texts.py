"""Every word the visitor's button says.

The widget has no words of its own: the embed configuration carries these texts in the visitor's
language, and a key that is missing is shown as nothing. Placeholders stand in braces and are
filled in by the widget; a translation keeps them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from clicktocall.endpoints.checks.visitor import LABEL_KEYS
from clicktocall.orders import ONE_LEG_KINDS, DialFirst, ExtensionKind

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

TEXTS: Mapping[str, StrPromise] = {
    # The button and the head of its panel.
    "button": _("Call us"),
    "running": _("Call in progress"),
    "title": _("We ring you"),
    "close": _("Close"),
    # Before: who rings first, and which number the visitor's phone will show.
    "before_extension": _("We ring our team first, then you, from {number}."),
    "before_extension_plain": _("We ring our team first, then you."),
    "before_contact": _("Your phone rings first, from {number}; then we connect our team."),
    "before_contact_plain": _("Your phone rings first; then we connect our team."),
    # The questions.
    "country": _("Country"),
    "number": _("Your phone number"),
    "optional": _("{label} (optional)"),
    "submit": _("Ring me now"),
    "privacy": _("Privacy"),
    "ring_us": _("Or ring us on {phone}"),
    # What is still missing.
    "number_missing": _("Please enter your phone number."),
    "field_missing": _("Please fill in this field."),
    "consent_missing": _("Please tick the box so that we may ring you."),
    "check_fields": _("Please look through your details once more."),
    # Why a call did not start.
    "invalid_number": _("That does not look like a phone number we can call. Example: {example}"),
    "invalid_number_plain": _("That does not look like a phone number we can call."),
    "not_available": _("We cannot place this call from the website. Please ring us on {phone}."),
    "not_available_plain": _("We cannot place this call from the website."),
    "try_later": _("You can ask again in {duration}."),
    "unavailable": _("We cannot start a call just now. You can ask again in {duration}."),
    "closed": _("We are back on {day} at {time} (your time)."),
    "closed_plain": _("We are closed at the moment."),
    "offline": _("We did not get through. Please press again; we ring you only once."),
    # What is happening.
    "scheduled": _("Your call is planned. We ring you when it is time."),
    "sent": _("Starting your call"),
    "slow": _("This takes longer than usual. You can also ring us on {phone}."),
    "slow_plain": _("This takes longer than usual."),
    "ringing_team": _("Ringing our team"),
    "ringing_you": _("Your phone is ringing. Please pick up."),
    "answered_team": _("Our team is on the line. Your phone rings now."),
    "answered_you": _("Got you. Connecting our team."),
    "answered_alone": _("You are on the line."),
    "connected": _("You are connected"),
    "too_late": _("This call can no longer be cancelled. You need not answer it."),
    "connection_lost": _("Your call goes on. We cannot show its progress at the moment."),
    # What happened.
    "ended": _("Call ended"),
    "ended_after": _("Call ended after {duration}"),
    "you_no_answer": _("We could not reach your phone. Try again?"),
    "you_busy": _("Your phone is busy. Try again?"),
    "you_machine": _("Your voicemail picked up. Try again?"),
    "team_busy": _("Our team is on other calls."),
    "failed": _("We could not connect this call. Try again?"),
    "canceled": _("The call was cancelled."),
    "expired": _("Your call took too long to start, so we left it. Try again?"),
    "unsure": _(
        "We are checking whether the call went through. Please do not ask again for a minute."
    ),
    # The two lines of progress: a name and a word each.
    "you": _("You"),
    "our_team": _("Our team"),
    "leg_waiting": _("waiting"),
    "leg_not_rung": _("not rung"),
    "leg_ringing": _("ringing"),
    "leg_answered": _("on the line"),
    "leg_ended": _("ended"),  # who hung up, few providers tell
    "leg_busy": _("busy"),
    "leg_no_answer": _("no answer"),
    "leg_declined": _("declined"),
    "leg_machine": _("voicemail"),
    "leg_canceled": _("stopped"),
    "leg_failed": _("not reached"),
    # Buttons under the progress, and how long a call was.
    "cancel": _("Cancel"),
    "hang_up": _("Hang up"),
    "again": _("Call again"),
    "minutes": _("{minutes} min {seconds} s"),
    "seconds": _("{seconds} s"),
}

# What is said otherwise of a flow or a message: they ring nobody else, so there is no team.
_TEXTS_OF_KIND: Mapping[str, Mapping[str, StrPromise]] = {
    ExtensionKind.FLOW: {
        "before_contact": _("Your phone rings, from {number}."),
        "before_contact_plain": _("Your phone rings."),
    },
    ExtensionKind.MESSAGE: {
        "before_contact": _("Your phone rings, from {number}; then you hear our message."),
        "before_contact_plain": _("Your phone rings; then you hear our message."),
        "answered_alone": _("Listen to our message."),
    },
}
# What is said otherwise where a provider tells only the end. Nobody sees how far such a call has
# come, so each of these is true from the click on until both sides have talked.
_UNWATCHED_SLOW: StrPromise = _("If your phone has not rung yet, please give it a minute.")
_UNWATCHED_SENT: Mapping[str, StrPromise] = {
    DialFirst.EXTENSION: _("We ring our team, then you"),
    DialFirst.CONTACT: _("We ring you, then our team"),
}
_UNWATCHED_SENT_ALONE: StrPromise = _("Your call is on its way")

# Where no number is shown, people should know so before an unknown caller rings them.
_WITHHELD: StrPromise = _("Your phone shows no number.")

# Names of things, which an operator may give his own. Sentences are not among them: they promise
# what will happen, and only we know that.
OVERRIDABLE_KEYS = LABEL_KEYS


def widget_texts(
    overrides: Mapping[str, str],
    *,
    kind: str = ExtensionKind.NUMBER,
    dial_first: str = DialFirst.EXTENSION,
    withheld: bool = False,
    watched: bool = True,
) -> dict[str, str]:
    """All texts in the active language, with the operator's own labels in place of ours.

    An override that is blank, or whose key is not in `OVERRIDABLE_KEYS`, changes nothing. `kind`
    is an `ExtensionKind`; `withheld` says that no number will be shown; `watched` says that ringing
    and answering will be reported as they happen, whoever places the call.
    """
    spoken = {**TEXTS, **_TEXTS_OF_KIND.get(kind, {})}
    if not watched:
        alone = kind in ONE_LEG_KINDS
        sent = _UNWATCHED_SENT_ALONE if alone else _UNWATCHED_SENT[dial_first]
        # The telephone link below it says where else to ring.
        spoken |= {"sent": sent, "slow": _UNWATCHED_SLOW, "slow_plain": _UNWATCHED_SLOW}
    texts = {key: str(text) for key, text in spoken.items()}
    if withheld:
        for key in ("before_extension_plain", "before_contact_plain"):
            texts[key] = f"{texts[key]} {_WITHHELD}"
    for key in OVERRIDABLE_KEYS:
        label = str(overrides.get(key) or "").strip()
        if label:
            texts[key] = label
    return texts
