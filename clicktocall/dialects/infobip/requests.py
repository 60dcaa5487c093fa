"""From an order to the message that asks for it, for each of the three products.

What a product cannot say is refused by name, never left out, where it concerns money, identity,
consent or recording. Comfort that it has no word for is left out, and `passed_over` names it. The
delivery time window is left out where it does not fit, and this system waits for it before it
places the call.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeAlias

from clicktocall.dialects.infobip.manner import PLAIN, Manner
from clicktocall.dialects.infobip.windows import window_in_utc
from clicktocall.exceptions import InvalidOption
from clicktocall.numbers import is_e164
from clicktocall.orders import CallOptions, CallOrder, Destination, ExtensionKind, MachineDetection

Message: TypeAlias = dict[str, Any]

REPORT_VERSION = 2
MOST_RETRIES = 4
LONGEST_VALIDITY = 48 * 60  # minutes
LONGEST_TEXT = 1400  # of a voice message
LONGEST_CALLBACK_DATA = 700
LONGEST_IVR_CALLBACK_DATA = 200
IVR_SENDER_DIGITS = (3, 14)
TRANSFER_TRIGGERS = frozenset({"dtmf", "anydtmf"})  # in any case


class Product(StrEnum):
    CLICK_TO_CALL = "click_to_call"
    VOICE_MESSAGE = "voice_message"
    IVR = "ivr"


# Comfort that is left out; everything else that a product cannot say is refused.
_PASSED_OVER = {
    Product.CLICK_TO_CALL: frozenset({"timeout"}),  # it rings as long as Infobip likes
    Product.VOICE_MESSAGE: frozenset({"warning_time"}),
    Product.IVR: frozenset({"warning_time"}),
}


def product_of(order: CallOrder) -> Product:
    """What an order asks for: two legs, a flow, or, with neither, a message played to leg A."""
    if order.leg_b is not None:
        return Product.CLICK_TO_CALL
    return Product.IVR if order.flow else Product.VOICE_MESSAGE


def message_of(order: CallOrder, manner: Manner = PLAIN) -> Message:
    """The message of whatever product the order asks for. See the three below.

    Raises:
        InvalidOption: the order cannot be written.
    """
    _refuse_if(order.options, withhold_caller_id="Infobip cannot withhold it; it shows a number.")
    make = {
        Product.CLICK_TO_CALL: click_to_call_message,
        Product.VOICE_MESSAGE: voice_message,
        Product.IVR: ivr_message,
    }[product_of(order)]
    return make(order, manner)


def passed_over(order: CallOrder) -> frozenset[str]:
    """Options for which the product of this order has no word, and which it is ordered without."""
    return _PASSED_OVER[product_of(order)]


def click_to_call_message(order: CallOrder, manner: Manner = PLAIN) -> Message:
    """The message of `POST /voice/ctc/1/send`.

    Raises:
        InvalidOption: the product cannot do what an option asks for.
    """
    if order.leg_b is None:
        raise InvalidOption("extension", "A click-to-call needs a second number.")
    if not order.caller_id_a:
        raise InvalidOption("caller_id_a", "A click-to-call needs a number to show.")
    options = order.options
    _refuse_if(
        options,
        transfers="A click-to-call has no transfers; they belong to voice messages.",
        parameters="A click-to-call has no parameters; they belong to an IVR flow.",
    )
    if options.machine_detection == MachineDetection.CONTINUE:
        raise InvalidOption("machine_detection", "A click-to-call can only hang up on a machine.")
    message: Message = {
        "messageId": order.reference,
        "from": _digits(order.caller_id_a, "caller_id_a"),
        "destinationA": _number(order.leg_a),
        "destinationB": _number(order.leg_b),
        "anonymization": options.anonymization,
        "maxDuration": order.max_duration,
        **_spoken(options),
        **_notified(order, manner),
        **_retried(options, manner),
        **_recorded(options, manner),
        **_windowed(options),
    }
    shown_to_b = _own_choice_for_b(order)
    if shown_to_b:
        message["fromB"] = _digits(shown_to_b, "caller_id_b")
    if options.warning_time:
        message["warningTime"] = options.warning_time
    if options.machine_detection:
        message["machineDetection"] = str(options.machine_detection)
    return message


def voice_message(order: CallOrder, manner: Manner = PLAIN) -> Message:
    """The message of `POST /tts/3/advanced`, for an order of one leg and no flow.

    Raises:
        InvalidOption: there is nothing to say, or the product cannot do what an option asks for.
    """
    options = order.options
    _refuse_if_recording(options, "A voice message is not recorded.")
    _refuse_if(options, parameters="A voice message has no parameters; they belong to a flow.")
    if not (options.message_text or options.message_audio_url):
        raise InvalidOption("message_text", "A voice message needs a text or an audio file.")
    if len(options.message_text) > LONGEST_TEXT and not options.message_audio_url:
        raise InvalidOption("message_text", f"Write at most {LONGEST_TEXT} characters.")
    message: Message = {
        **_addressed(order),
        **_spoken(options),
        **_timed(order, manner),
        **_notified(order, manner),
        **_echoed(options, LONGEST_CALLBACK_DATA),
        **_retried(options, manner),
        **_windowed(options),
        **_keyed(manner),
    }
    if order.caller_id_a:
        message["from"] = _digits(order.caller_id_a, "caller_id_a")
    if options.machine_detection:
        message["machineDetection"] = str(options.machine_detection)
    if options.transfers:
        message["callTransfers"] = [_transfer(transfer) for transfer in options.transfers]
    return message


def ivr_message(order: CallOrder, manner: Manner = PLAIN) -> Message:
    """The message of `POST /voice/ivr/1/messages`.

    Raises:
        InvalidOption: no flow is named, or the product cannot do what an option asks for.
    """
    if not order.flow:
        raise InvalidOption("extension", "An IVR call needs the id of its scenario.")
    options = order.options
    _refuse_if(
        options,
        message_text="An IVR flow speaks for itself; it takes no message.",
        message_audio_url="An IVR flow speaks for itself; it takes no message.",
        machine_detection="An IVR flow does not detect machines.",
        transfers="An IVR flow has no transfers but those of its scenario.",
    )
    message: Message = {
        "scenarioId": order.flow,
        **_addressed(order),
        **_timed(order, manner),
        **_notified(order, manner),
        **_echoed(options, LONGEST_IVR_CALLBACK_DATA),
        **_retried(options, manner),
        **_recorded(options, manner),
        **_windowed(options),
    }
    if order.caller_id_a:
        message["from"] = _ivr_sender(order.caller_id_a)
    if options.parameters:
        message["parameters"] = {name: str(value) for name, value in options.parameters.items()}
    return message


def _own_choice_for_b(order: CallOrder) -> str:
    """The number to show to leg B, unless `anonymization` brings the same about by itself."""
    shown_anyway = order.caller_id_a if order.options.anonymization else order.leg_a.value
    return "" if order.caller_id_b == shown_anyway else order.caller_id_b


def _addressed(order: CallOrder) -> Message:
    if order.leg_b is not None:
        raise InvalidOption("extension", "A voice message or IVR flow has one leg only.")
    return {"destinations": [{"to": _number(order.leg_a), "messageId": order.reference}]}


def _spoken(options: CallOptions) -> Message:
    """What is played first. An audio file wins over a text."""
    if options.message_audio_url:
        return {"audioFileUrl": options.message_audio_url}
    if not options.message_text:
        return {}
    spoken: Message = {"text": options.message_text}
    if options.message_language:
        spoken["language"] = options.message_language
    voice = {"name": options.message_voice_name, "gender": str(options.message_voice_gender)}
    voice = {key: said for key, said in voice.items() if said}
    if voice:
        spoken["voice"] = voice
    return spoken


def _timed(order: CallOrder, manner: Manner) -> Message:
    """What the one-leg products know of time: ringing, talking, validity, schedule, speed."""
    timed: Message = {"ringTimeout": order.options.timeout, "callTimeout": order.max_duration}
    if order.options.validity_period:
        timed["validityPeriod"] = min(order.options.validity_period, LONGEST_VALIDITY)
    if manner.send_at is not None:
        timed["sendAt"] = manner.send_at.isoformat(timespec="milliseconds")
    if manner.sending_speed is not None:
        speed = manner.sending_speed
        timed["sendingSpeed"] = {"speed": speed.speed, "timeUnit": speed.time_unit}
    if manner.pause is not None:
        timed["pause"] = manner.pause
    return timed


def _notified(order: CallOrder, manner: Manner) -> Message:
    if not order.callback_url:
        return {}
    return {
        "notifyUrl": order.callback_url,
        "notifyContentType": manner.notify_content_type,
        "notifyContentVersion": REPORT_VERSION,
    }


def _echoed(options: CallOptions, longest: int) -> Message:
    if len(options.callback_data) > longest:
        raise InvalidOption("callback_data", f"Infobip takes at most {longest} characters here.")
    return {"callbackData": options.callback_data} if options.callback_data else {}


def _retried(options: CallOptions, manner: Manner) -> Message:
    """Redials by Infobip. All three figures are required, and more than four counts as four."""
    low, high, count = (
        options.retry_min_period,
        options.retry_max_period,
        options.retry_max_count,
    )
    if not (manner.redial_there and low and high and count):
        return {}
    return {"retry": {"minPeriod": low, "maxPeriod": high, "maxCount": min(count, MOST_RETRIES)}}


def _recorded(options: CallOptions, manner: Manner) -> Message:
    if manner.record:
        return {"record": options.record}
    _refuse_if_recording(options, "This account is not set up to record.")
    return {}


def _windowed(options: CallOptions) -> Message:
    try:
        window = window_in_utc(options.delivery_time_window)
    except ValueError as error:
        raise InvalidOption("delivery_time_window", str(error)) from None
    return {"deliveryTimeWindow": window} if window else {}


def _keyed(manner: Manner) -> Message:
    keyed: Message = {
        "speechRate": manner.speech_rate,
        "repeatDtmf": manner.repeat_dtmf or None,
        "maxDtmf": manner.max_dtmf,
        "dtmfTimeout": manner.dtmf_timeout,
    }
    return {key: said for key, said in keyed.items() if said is not None}


def _transfer(stored: dict[str, Any]) -> Message:
    if str(stored.get("if", "")).lower() not in TRANSFER_TRIGGERS:
        raise InvalidOption("transfers", "if: Infobip transfers on dtmf or anyDtmf.")
    return {**stored, "transferTo": _digits(str(stored.get("transferTo", "")), "transfers")}


def _ivr_sender(caller_id: str) -> str:
    fewest, most = IVR_SENDER_DIGITS
    digits = _digits(caller_id, "caller_id_a")
    if not fewest <= len(digits) <= most:
        raise InvalidOption(
            "caller_id_a", f"An IVR flow shows a number of {fewest} to {most} digits."
        )
    return digits


def _number(destination: Destination) -> str:
    if destination.kind != ExtensionKind.NUMBER:
        raise InvalidOption("extension", "Infobip's click-to-call rings telephone numbers only.")
    return _digits(destination.value, "extension")


def _digits(e164: str, option: str) -> str:
    """A number as Infobip writes it: international, without the plus."""
    if not is_e164(e164):
        raise InvalidOption(option, "Write the number in international form.")
    return e164.removeprefix("+")


def _refuse_if(options: CallOptions, **reasons: str) -> None:
    for option, reason in reasons.items():
        if getattr(options, option):
            raise InvalidOption(option, reason)


def _refuse_if_recording(options: CallOptions, reason: str) -> None:
    _refuse_if(options, record=reason)
