"""The frozen values that travel between the heart and a provider. No model, no HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from clicktocall.states import EventKind, Leg, LegState, Outcome


class DialFirst(TextChoices):
    """Which side is leg A. Kazoo `dial_first`; the default is the extension."""

    EXTENSION = "extension", _("our team (the extension)")
    CONTACT = "contact", _("the visitor (the contact)")


class ExtensionKind(TextChoices):
    NUMBER = "number", _("telephone number (E.164)")
    SIP = "sip", _("SIP URI")
    PBX = "pbx", _("PBX extension")
    FLOW = "flow", _("IVR flow or scenario")
    MESSAGE = "message", _("voice message")


# What is played to the contact alone: nobody else is rung.
ONE_LEG_KINDS = (ExtensionKind.FLOW, ExtensionKind.MESSAGE)


class MachineDetection(TextChoices):
    """What to do when an answering machine picks up. Infobip `machineDetection`."""

    OFF = "", _("off")
    HANGUP = "hangup", _("hang up")
    CONTINUE = "continue", _("continue")


class ReportFormat(TextChoices):
    """How a report to a client is written. Infobip `notifyContentType`."""

    JSON = "application/json", _("JSON")
    XML = "application/xml", _("XML")


class SpeedUnit(TextChoices):
    """What a sending speed counts the calls of. Infobip `sendingSpeed.timeUnit`."""

    SECOND = "second", _("second")
    MINUTE = "minute", _("minute")
    HOUR = "hour", _("hour")
    DAY = "day", _("day")

    @property
    def length(self) -> timedelta:
        return timedelta(**{f"{self.value}s": 1})


class Capability(TextChoices):
    """What a provider can do natively; an adapter lists its own in `capabilities`."""

    TWO_LEGS = "two_legs", _("join two telephone legs")
    FLOW = "flow", _("run an IVR flow")
    VOICE_MESSAGE = "voice_message", _("play a message to one party")
    SIP = "sip", _("reach SIP URIs")
    PBX = "pbx", _("reach PBX extensions")
    CALLER_ID_A = "caller_id_a", _("caller id for leg A")
    CALLER_ID_B = "caller_id_b", _("caller id for leg B")
    WITHHOLD_CALLER_ID = "withhold_caller_id", _("withhold the caller id")
    BRIDGE = "bridge", _("bridge number")
    MESSAGE = "message", _("message before joining")
    AUDIO_MESSAGE = "audio_message", _("recorded message before joining")
    RECORD = "record", _("recording")
    MAX_DURATION = "max_duration", _("longest duration")
    WARNING_TIME = "warning_time", _("warning tone before the end")
    MACHINE_DETECTION = "machine_detection", _("answering machine detection")
    TRANSFERS = "transfers", _("transfers by key press")
    CALLEE_ID = "callee_id", _("callee id")
    RINGBACK = "ringback", _("ringback")
    HOLD_MUSIC = "hold_music", _("hold music")
    EARLY_MEDIA = "early_media", _("early media control")
    BYPASS_MEDIA = "bypass_media", _("media bypass")
    PRESENCE = "presence", _("presence id")
    SIP_HEADERS = "sip_headers", _("custom SIP headers")
    VARIABLES = "variables", _("custom application variables")
    CALLBACK_DATA = "callback_data", _("callback data")
    CANCEL = "cancel", _("hang up on request")
    FETCH_RECORDING = "fetch_recording", _("hand out its recordings")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """Every option a call is placed with, frozen when it is requested.

    An endpoint has a field of each of these names. Times are seconds unless named otherwise;
    the names in brackets are those of the documents this system implements.
    """

    dial_first: str = DialFirst.EXTENSION
    caller_id_a: str = ""  # shown to leg A (Infobip `from`, Kazoo `caller_id_number`)
    caller_id_b: str = ""  # shown to leg B (Infobip `fromB`)
    anonymization: bool = False  # leg B sees caller_id_a instead of leg A's own number
    withhold_caller_id: bool = False  # neither leg sees a number (RFC 3323 `Privacy: id`)
    bridge: str = ""  # MobTexting `bridge`
    callee_id_name: str = ""  # Kazoo `outbound_callee_id_name`
    callee_id_number: str = ""  # Kazoo `outbound_callee_id_number`
    timeout: int = 30  # ringing of one leg (Kazoo `timeout`)
    max_duration: int | None = None  # from the join (Infobip `maxDuration`)
    warning_time: int | None = None  # before the end (Infobip `warningTime`)
    record: bool = False
    machine_detection: str = MachineDetection.OFF
    message_text: str = ""  # played to leg A before the join (Infobip `text`)
    message_language: str = ""
    message_voice_name: str = ""
    message_voice_gender: str = ""
    message_audio_url: str = ""  # wins over the text (Infobip `audioFileUrl`)
    ringback: str = ""
    music_on_hold: str = ""  # Kazoo `music_on_hold.media_id`
    ignore_early_media: bool = True  # Kazoo `media.ignore_early_media`
    bypass_media: str = ""  # "", "true", "false" or "auto" (Kazoo `bypass_media`)
    presence_id: str = ""
    custom_sip_headers: dict[str, Any] = field(default_factory=dict)
    custom_application_vars: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)  # of the flow (both vendors)
    callback_data: str = ""
    transfers: list[dict[str, Any]] = field(default_factory=list)  # Infobip `callTransfers`
    retry_min_period: int | None = None  # minutes (Infobip `retry.minPeriod`)
    retry_max_period: int | None = None  # minutes (Infobip `retry.maxPeriod`)
    retry_max_count: int = 0  # redials (Infobip `retry.maxCount`, MobTexting `attempts`)
    validity_period: int | None = None  # minutes (Infobip `validityPeriod`)
    delivery_time_window: dict[str, Any] = field(default_factory=dict)
    notify_url: str = ""  # gets our report when the call is over (Infobip `notifyUrl`)
    notify_content_type: str = ReportFormat.JSON  # of that report (Infobip `notifyContentType`)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return _OPTION_NAMES

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The options of a stored call; names that no longer exist are passed over."""
        return cls(**{name: stored[name] for name in _OPTION_NAMES if name in stored})

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _OPTION_NAMES}


_OPTION_NAMES = tuple(option.name for option in fields(CallOptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where one leg is dialled. `value` is E.164 for a number."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOrder:
    """One attempt, as a provider is asked to place it.

    `reference` is our own id of the attempt, committed before the provider is asked; a provider
    that can carry an id carries this one. `leg_b` is None for a one-leg call (message or flow).
    `max_duration` is always set, in seconds. `callback_url` is where the provider reports to.
    """

    reference: str
    call_id: str
    account_id: str
    endpoint_id: str
    attempt_number: int
    leg_a: Destination
    leg_b: Destination | None
    caller_id_name: str
    caller_id_a: str
    caller_id_b: str
    max_duration: int
    options: CallOptions
    callback_url: str
    bulk_id: str = ""
    flow: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A provider's acceptance. `provider_state` is kept and handed back to the adapter later."""

    provider_reference: str = ""
    provider_state: dict[str, Any] = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedEvent:
    """One fact a provider told us, in our words, with its own words beside it.

    `reference` is ours (of the attempt) where the provider echoes it, else empty and
    `provider_reference` is theirs. `event_id` is the provider's own id of this event, empty if
    it has none. `occurred_at` is None when the provider gave no usable time. `talk_seconds` counts
    from the join; a provider that only counts from leg A's answer gives `answered_seconds`, which
    are the seconds talked of a one-leg call. `answers` is what the person called has keyed or
    said, by variable.
    """

    kind: EventKind
    reference: str = ""
    provider_reference: str = ""
    event_id: str = ""
    leg: Leg | None = None
    leg_state: LegState | None = None
    outcome: Outcome | None = None
    occurred_at: datetime | None = None
    talk_seconds: int | None = None
    answered_seconds: int | None = None
    recording_url: str = ""
    price: Decimal | None = None
    currency: str = ""
    words: str = ""
    answers: dict[str, str] = field(default_factory=dict, repr=False)
