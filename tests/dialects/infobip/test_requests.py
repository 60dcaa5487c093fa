"""The three products' requests: the documents' own examples, then every option by itself."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicktocall.dialects.infobip.envelope import MOST_DESTINATIONS, envelope
from clicktocall.dialects.infobip.manner import Manner, SendingSpeed
from clicktocall.dialects.infobip.requests import (
    Message,
    Product,
    click_to_call_message,
    ivr_message,
    message_of,
    product_of,
    voice_message,
)
from clicktocall.exceptions import InvalidOption
from clicktocall.orders import CallOptions, CallOrder, Destination
from tests.dialects.infobip import printed
from tests.dialects.infobip.orders import (
    FROM,
    FROM_B,
    A,
    B,
    make_flow_order,
    make_message_order,
    make_order,
)

EVERY_DAY = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
RETRY = {"retry_min_period": 1, "retry_max_period": 5, "retry_max_count": 5}
LANGUAGE = {"message_text": "Test Voice message.", "message_language": "en"}
JOANNA = {"message_voice_name": "Joanna", "message_voice_gender": "female"}


def corrected(message: dict[str, Any], **said_besides: Any) -> dict[str, Any]:
    """A printed message as the live service takes it, and what we always say besides.

    Four is the most retries Infobip makes, whatever the examples print.
    """
    corrections: dict[str, Any] = {"notifyContentVersion": 2} if "notifyUrl" in message else {}
    if "retry" in message:
        corrections["retry"] = {**message["retry"], "maxCount": 4}
    return {**message, **corrections, **said_besides}


def test_the_documents_click_to_call() -> None:
    example = printed.repaired(printed.CLICK_TO_CALL)
    order = make_order(options={**LANGUAGE, **RETRY, "warning_time": 5})
    body = envelope([click_to_call_message(order, Manner(redial_there=True))], "BULK-ID-123-xyz")
    assert body == {**example, "messages": [corrected(example["messages"][0])]}


def test_the_documents_click_to_call_with_a_window() -> None:
    example = printed.repaired(printed.CLICK_TO_CALL_WITH_WINDOW)
    window = example["messages"][0]["deliveryTimeWindow"]
    order = make_order(
        options={
            **LANGUAGE,
            **JOANNA,
            **RETRY,
            "warning_time": 5,
            "machine_detection": "hangup",
            "delivery_time_window": window,
        }
    )
    body = envelope([click_to_call_message(order, Manner(redial_there=True))], "BULK-ID-123-xyz")
    # Infobip requires the days that its example leaves out.
    with_days = {"days": EVERY_DAY, **window}
    assert body == {
        **example,
        "messages": [corrected(example["messages"][0], deliveryTimeWindow=with_days)],
    }


def test_the_documents_voice_message() -> None:
    example = printed.repaired(printed.VOICE_MESSAGE)
    options = {
        "message_text": " Hello world.",
        "message_language": "en",
        "message_audio_url": "https://www.example.com/media.mp3",
        **JOANNA,
    }
    orders = [
        make_message_order(options=options, callback_url="", reference=reference, leg_a=leg_a)
        for reference, leg_a in (
            ("MESSAGE-ID-123-xyz", Destination(kind="number", value=A)),
            ("another", Destination(kind="number", value=B)),
        )
    ]
    body = envelope(voice_message(order) for order in orders)
    (expected,) = example["messages"]
    for spoken in ("text", "language", "voice"):  # the recording wins
        del expected[spoken]
    expected["destinations"][1]["messageId"] = "another"
    expected |= {"ringTimeout": 30, "callTimeout": 60}  # always said: both are money
    assert body == example


def test_the_documents_ivr() -> None:
    example = printed.repaired(printed.IVR)
    orders = [
        make_flow_order(
            reference=reference,
            leg_a=Destination(kind="number", value=to),
            callback_url="https://www.example.com/voice/advanced",
            options={
                **RETRY,
                "parameters": {"foo": "bar"},
                "callback_data": "DLR callback data",
                "validity_period": 720,
            },
        )
        for reference, to in (("first", A), ("second", B))
    ]
    manner = Manner(
        redial_there=True,
        record=True,
        send_at=datetime(2016, 7, 7, 17, tzinfo=timezone(timedelta(hours=1))),
    )
    body = envelope((ivr_message(order, manner) for order in orders), "BULK-ID-123-xyz")
    (expected,) = example["messages"]
    expected["destinations"][0]["messageId"] = "first"
    expected["destinations"][1]["messageId"] = "second"
    expected = corrected(expected, ringTimeout=30, callTimeout=60)
    assert body == {**example, "messages": [expected]}


def ctc(manner: Manner | None = None, **changes: Any) -> dict[str, Any]:
    return click_to_call_message(make_order(**changes), manner or Manner())


def test_the_smallest_click_to_call() -> None:
    assert ctc(caller_id_b=A, callback_url="") == {
        "messageId": "MESSAGE-ID-123-xyz",
        "from": "41793026700",
        "destinationA": "41793026727",
        "destinationB": "41793026731",
        "anonymization": False,
        "maxDuration": 60,
    }


@pytest.mark.parametrize(
    ("anonymization", "shown_to_b", "from_b"),
    [
        (False, A, None),  # A's own number is what Infobip shows by itself
        (True, FROM, None),  # so is `from`, when anonymised
        (True, FROM_B, "41793026701"),  # a number for leg B wins over both
        (False, FROM_B, "41793026701"),
        (False, FROM, "41793026700"),
        (False, "", None),
    ],
)
def test_what_is_shown_to_leg_b(anonymization: bool, shown_to_b: str, from_b: str | None) -> None:
    message = ctc(caller_id_b=shown_to_b, options={"anonymization": anonymization})
    assert message["anonymization"] is anonymization
    assert message.get("fromB") == from_b


def test_redials_are_ours_unless_asked_for() -> None:
    assert "retry" not in ctc(options=RETRY)
    asked = Manner(redial_there=True)
    assert ctc(asked, options=RETRY)["retry"]["maxCount"] == 4
    assert ctc(asked, options={**RETRY, "retry_max_count": 2})["retry"]["maxCount"] == 2
    assert "retry" not in ctc(asked, options={**RETRY, "retry_max_period": None})


def test_recording_is_asked_for_only_where_the_account_still_has_it() -> None:
    assert "record" not in ctc()
    assert ctc(Manner(record=True), options={"record": True})["record"] is True
    assert ctc(Manner(record=True))["record"] is False


def test_reports_may_be_asked_for_in_xml() -> None:
    message = ctc(Manner(notify_content_type="application/xml"))
    assert message["notifyContentType"] == "application/xml"
    assert message["notifyContentVersion"] == 2


def test_a_recorded_message_wins_over_a_text() -> None:
    message = ctc(options={**LANGUAGE, **JOANNA, "message_audio_url": "https://example.com/a.mp3"})
    assert message["audioFileUrl"] == "https://example.com/a.mp3"
    assert not {"text", "language", "voice"} & set(message)


def test_a_zoned_window_that_utc_cannot_express_is_left_to_us() -> None:
    window = {
        "days": ["monday"],
        "from": {"hour": 9},
        "to": {"hour": 17},
        "time_zone": "Europe/London",
    }
    assert "deliveryTimeWindow" not in ctc(options={"delivery_time_window": window})


def test_every_field_of_a_voice_message() -> None:
    order = make_message_order(
        options={
            **LANGUAGE,
            **JOANNA,
            **RETRY,
            "callback_data": "x" * 700,
            "validity_period": 10_000,
            "timeout": 45,
            "machine_detection": "continue",
            "delivery_time_window": {"days": ["friday"], "from": {"hour": 6}, "to": {"hour": 15}},
            "transfers": [
                {"transferTo": FROM, "if": "dtmf", "equals": "2", "callTransferMaxDuration": 45},
                {"transferTo": FROM_B, "if": "anyDtmf"},
            ],
        },
        max_duration=130,
    )
    manner = Manner(
        redial_there=True,
        sending_speed=SendingSpeed(5, "minute"),
        pause=3,
        speech_rate=1.0,
        repeat_dtmf="123",
        max_dtmf=1,
        dtmf_timeout=10,
    )
    assert voice_message(order, manner) == {
        "from": "41793026700",
        "destinations": [{"to": "41793026727", "messageId": "MESSAGE-ID-123-xyz"}],
        "text": "Test Voice message.",
        "language": "en",
        "voice": {"name": "Joanna", "gender": "female"},
        "speechRate": 1.0,
        "notifyUrl": "https://www.example.com/voice/clicktocall",
        "notifyContentType": "application/json",
        "notifyContentVersion": 2,
        "callbackData": "x" * 700,
        "validityPeriod": 2880,
        "repeatDtmf": "123",
        "maxDtmf": 1,
        "ringTimeout": 45,
        "dtmfTimeout": 10,
        "callTimeout": 130,
        "callTransfers": [
            {
                "transferTo": "41793026700",
                "if": "dtmf",
                "equals": "2",
                "callTransferMaxDuration": 45,
            },
            {"transferTo": "41793026701", "if": "anyDtmf"},
        ],
        "pause": 3,
        "retry": {"minPeriod": 1, "maxPeriod": 5, "maxCount": 4},
        "sendingSpeed": {"speed": 5, "timeUnit": "minute"},
        "machineDetection": "continue",
        "deliveryTimeWindow": {
            "days": ["FRIDAY"],
            "from": {"hour": 6, "minute": 0},
            "to": {"hour": 15, "minute": 0},
        },
    }


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (make_order(caller_id_a=""), "caller_id_a"),
        (make_order(options={"machine_detection": "continue"}), "machine_detection"),
        (make_order(options={"transfers": [{"transferTo": A, "if": "dtmf"}]}), "transfers"),
        (make_order(options={"parameters": {"foo": "bar"}}), "parameters"),
        (make_order(options={"record": True}), "record"),
        (make_order(leg_b=Destination(kind="sip", value="sip:a@example.com")), "extension"),
        (make_order(leg_a=Destination(kind="pbx", value="1000")), "extension"),
        (make_order(leg_a=Destination(kind="number", value="0041793026727")), "extension"),
        (make_message_order(options={"message_text": ""}), "message_text"),
        (make_message_order(options={"message_text": "x" * 1401}), "message_text"),
        (make_message_order(options={"record": True}), "record"),
        (make_message_order(options={"callback_data": "x" * 701}), "callback_data"),
        (make_message_order(options={"parameters": {"foo": "bar"}}), "parameters"),
        (make_message_order(options={"transfers": [{"transferTo": A, "if": "x"}]}), "transfers"),
        (make_message_order(options={"transfers": [{"transferTo": A}]}), "transfers"),
        (make_message_order(options={"transfers": [{"if": "anyDtmf"}]}), "transfers"),
        (make_order(options={"withhold_caller_id": True}), "withhold_caller_id"),
        (make_message_order(options={"withhold_caller_id": True}), "withhold_caller_id"),
        (make_flow_order(options={"withhold_caller_id": True}), "withhold_caller_id"),
        (
            make_order(options={"delivery_time_window": {"days": ["someday"]}}),
            "delivery_time_window",
        ),
        (make_flow_order(options={"callback_data": "x" * 201}), "callback_data"),
        (make_flow_order(options={"message_text": "Hello."}), "message_text"),
        (
            make_flow_order(options={"message_audio_url": "https://e.com/a.mp3"}),
            "message_audio_url",
        ),
        (make_flow_order(options={"machine_detection": "hangup"}), "machine_detection"),
        (make_flow_order(options={"transfers": [{}]}), "transfers"),
        (make_flow_order(options={"record": True}), "record"),
        (make_flow_order(caller_id_a="+417930267001234"), "caller_id_a"),
    ],
)
def test_what_a_product_cannot_do_is_refused_by_name(order: CallOrder, field: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        message_of(order)
    assert refused.value.field == field


def test_an_order_for_another_product_is_refused() -> None:
    for make, order in (
        (click_to_call_message, make_message_order()),
        (voice_message, make_order(options={"message_text": "Hello."})),
        (ivr_message, make_order()),
        (ivr_message, make_message_order()),
    ):
        with pytest.raises(InvalidOption):
            make(order)


@pytest.mark.parametrize(
    ("order", "product", "key"),
    [
        (make_order(), Product.CLICK_TO_CALL, "destinationB"),
        (make_flow_order(), Product.IVR, "scenarioId"),
        (make_message_order(), Product.VOICE_MESSAGE, "text"),
    ],
)
def test_an_order_says_its_product(order: CallOrder, product: Product, key: str) -> None:
    assert product_of(order) == product
    assert key in message_of(order)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"speech_rate": 0.4}, "speech_rate"),
        ({"speech_rate": 2.1}, "speech_rate"),
        ({"pause": 11}, "pause"),
        ({"pause": -1}, "pause"),
        ({"send_at": datetime(2026, 11, 20, 9)}, "send_at"),
    ],
)
def test_a_manner_out_of_bounds_is_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Manner(**wrong)


def test_only_messages_that_are_alike_share_a_request_entry() -> None:
    messages = [
        ivr_message(make_flow_order(reference="1")),
        ivr_message(make_flow_order(reference="2", flow="another")),
        ivr_message(make_flow_order(reference="3")),
        click_to_call_message(make_order(reference="4")),
        click_to_call_message(make_order(reference="5")),
    ]
    before = json.dumps(messages)
    gathered = envelope(messages)["messages"]
    ids = [
        [to["messageId"] for to in message.get("destinations", [message])] for message in gathered
    ]
    assert ids == [["1", "3"], ["2"], ["4"], ["5"]]
    assert json.dumps(messages) == before, "the messages themselves were changed"


def test_no_message_goes_to_more_than_infobip_takes() -> None:
    one = ivr_message(make_flow_order())
    many = {**one, "destinations": one["destinations"] * (MOST_DESTINATIONS - 1)}
    sizes = [len(m["destinations"]) for m in envelope([many, one, one])["messages"]]
    assert sizes == [MOST_DESTINATIONS, 1]


TEXT = st.text(max_size=300)
MINUTES = st.none() | st.integers(1, 100_000)
NUMBERS = st.from_regex(r"\A\+[1-9][0-9]{6,14}\Z")
OPTIONS = st.builds(
    CallOptions,
    anonymization=st.booleans(),
    timeout=st.integers(5, 300),
    warning_time=st.none() | st.integers(1, 600),
    record=st.booleans(),
    machine_detection=st.sampled_from(["", "hangup", "continue"]),
    message_text=st.text(max_size=1500),
    message_language=st.sampled_from(["", "en", "de"]),
    message_voice_gender=st.sampled_from(["", "male", "female"]),
    message_audio_url=st.sampled_from(["", "https://example.com/a.mp3"]),
    parameters=st.dictionaries(st.text(min_size=1, max_size=20), TEXT, max_size=3),
    callback_data=st.text(max_size=250),
    retry_min_period=MINUTES,
    retry_max_period=MINUTES,
    retry_max_count=st.integers(0, 20),
    validity_period=MINUTES,
)
ORDERS = st.builds(
    CallOrder,
    reference=st.uuids().map(str),
    call_id=st.just("c"),
    account_id=st.just("a"),
    endpoint_id=st.just("e"),
    attempt_number=st.integers(1, 9),
    leg_a=st.builds(Destination, kind=st.just("number"), value=NUMBERS),
    leg_b=st.none() | st.builds(Destination, kind=st.just("number"), value=NUMBERS),
    caller_id_name=TEXT,
    caller_id_a=st.just("") | NUMBERS,
    caller_id_b=st.just("") | NUMBERS,
    max_duration=st.integers(1, 14_400),
    options=OPTIONS,
    callback_url=st.sampled_from(["", "https://example.com/callbacks/infobip/secret/"]),
    flow=st.sampled_from(["", "6298AA7707903A4ED680B436929681AD"]),
)
MANNERS = st.builds(Manner, redial_there=st.booleans(), record=st.booleans())
DIGITS = re.compile(r"[1-9][0-9]{6,14}")


def asked(order: CallOrder, manner: Manner) -> tuple[Message | None, str]:
    """The message, or the option that was refused."""
    try:
        return message_of(order, manner), ""
    except InvalidOption as refused:
        return None, refused.field


@given(ORDERS, MANNERS)
def test_any_order_is_refused_by_name_or_kept_within_the_limits(
    order: CallOrder, manner: Manner
) -> None:
    message, refused = asked(order, manner)
    if message is None:
        assert refused in {*CallOptions.names(), "extension"}
        return
    assert json.loads(json.dumps(envelope([message]))) == {"messages": [message]}
    (to,) = message.get("destinations", [message])
    assert to["messageId"] == order.reference
    numbers = {"from", "fromB", "destinationA", "destinationB"} & set(message)
    assert all(DIGITS.fullmatch(message[number]) for number in numbers)
    assert message.get("retry", {"maxCount": 1})["maxCount"] in range(1, 5)
    assert message.get("validityPeriod", 1) in range(1, 2881)
    assert len(message.get("callbackData", "")) <= (200 if order.flow else 700)
    assert not ("audioFileUrl" in message and {"text", "language", "voice"} & set(message))
    assert ("record" in message) <= manner.record
    assert ("retry" in message) <= manner.redial_there
    assert message.get("maxDuration", message.get("callTimeout")) == order.max_duration
    assert ("notifyUrl" in message) == bool(order.callback_url)
