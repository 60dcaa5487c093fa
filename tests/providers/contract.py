"""What every provider must do, as classes of tests that a provider's own test file inherits.

    class TestSending(MyCase, SendingContract): ...
    class TestCallbacks(MyCase, CallbackContract): ...
    class TestVocabulary(MyCase, VocabularyContract): ...

where `MyCase` is a `ProviderCase` that tells the suite what it must know. Everything goes over real
HTTP: to the provider's simulator, which is a process of its own, and to servers that misbehave.
See `docs/providers/adding.md`.
"""

from __future__ import annotations

import dataclasses
import logging
import random
import re
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from clicktocall.exceptions import (
    ConfigurationError,
    InvalidOption,
    NotAuthorized,
    OutcomeUnknown,
    ProviderError,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
)
from clicktocall.orders import (
    CallOptions,
    CallOrder,
    Capability,
    Destination,
    Placement,
    ReportedEvent,
)
from clicktocall.providers import CallbackNotUnderstood, CallbackRequest, Provider
from clicktocall.providers.base import Dedupe
from clicktocall.providers.sandbox.stories import contact_for
from clicktocall.states import CallState, EventKind, Fact, LegState, Outcome, Progress
from tests.providers import test_http_faults as faults
from tests.providers.loopback import Behaviour, MisbehavingServer, Peer
from tests.providers.orders import make_one_leg_order, make_order
from tests.providers.test_simulate_provider import (
    ROOT,
    command,
    environment,
    first_line,
    free_port,
)

CANARY = "CANARY"  # is part of every secret in these tests, and must never be seen
CALLBACK_SECRET = f"callback-secret-{CANARY}-0001"
CALLBACK_URL = f"https://www.example.com/clicktocall/callbacks/alias/{CALLBACK_SECRET}/"
TIMEOUT = (0.5, 0.6)
NOWHERE = "http://127.0.0.1:9"  # nobody listens there

# What an order asks for, by the capability it takes. Those not here ask for nothing on the wire.
WISHES: dict[Capability, dict[str, Any]] = {
    Capability.TWO_LEGS: {"leg_b": Destination(kind="number", value="+442079460155")},
    Capability.FLOW: {"flow": "6298AA77"},
    Capability.VOICE_MESSAGE: {
        "leg_b": None,
        "flow": "",
        "options": {"message_text": "Your bicycle is ready."},
    },
    Capability.SIP: {"leg_b": Destination(kind="sip", value="sip:team@example.com")},
    Capability.PBX: {"leg_b": Destination(kind="pbx", value="1000")},
    Capability.CALLER_ID_A: {"caller_id_a": "+442079460150"},
    Capability.CALLER_ID_B: {"caller_id_b": "+442079460151"},
    Capability.WITHHOLD_CALLER_ID: {"options": {"withhold_caller_id": True}},
    Capability.BRIDGE: {"options": {"bridge": "+442079460152"}},
    Capability.MESSAGE: {"options": {"message_text": "Your bicycle is ready."}},
    Capability.AUDIO_MESSAGE: {"options": {"message_audio_url": "https://example.com/a.wav"}},
    Capability.RECORD: {"options": {"record": True}},
    Capability.MAX_DURATION: {"max_duration": 61},
    Capability.WARNING_TIME: {"options": {"warning_time": 7}},
    Capability.MACHINE_DETECTION: {"options": {"machine_detection": "hangup"}},
    Capability.TRANSFERS: {
        "options": {"transfers": [{"transferTo": "+442079460154", "if": "anyDtmf"}]}
    },
    Capability.CALLEE_ID: {"options": {"callee_id_number": "+442079460153"}},
    Capability.RINGBACK: {"options": {"ringback": "%(2000,4000,440,480)"}},
    Capability.HOLD_MUSIC: {"options": {"music_on_hold": "media-1"}},
    Capability.EARLY_MEDIA: {"options": {"ignore_early_media": False}},
    Capability.BYPASS_MEDIA: {"options": {"bypass_media": "auto"}},
    Capability.PRESENCE: {"options": {"presence_id": "team@example.com"}},
    Capability.SIP_HEADERS: {"options": {"custom_sip_headers": {"X-Shop": "17"}}},
    Capability.VARIABLES: {"options": {"custom_application_vars": {"shop": "bikes"}}},
    Capability.CALLBACK_DATA: {"options": {"callback_data": "order 17"}},
}
# What may be ordered: two legs, a message, a flow; by the capability it takes.
SAYING = {"message_text": "Hello."}
KINDS: dict[Capability, tuple[Callable[..., CallOrder], dict[str, Any], dict[str, Any]]] = {
    Capability.TWO_LEGS: (make_order, {}, {}),
    Capability.VOICE_MESSAGE: (make_one_leg_order, {}, SAYING),
    Capability.FLOW: (make_one_leg_order, {"flow": "220"}, {}),
}
# Comfort that may be left out of an order, if it is said; and what a provider must be able to do.
COMFORT: dict[str, tuple[Any, Capability | None]] = {
    "timeout": (17, None),
    "warning_time": (7, Capability.WARNING_TIME),
    "ringback": ("%(2000,4000,440,480)", Capability.RINGBACK),
    "music_on_hold": ("media-1", Capability.HOLD_MUSIC),
    "ignore_early_media": (False, Capability.EARLY_MEDIA),
    "bypass_media": ("auto", Capability.BYPASS_MEDIA),
    "presence_id": ("team@example.com", Capability.PRESENCE),
}
WITHOUT_A_WISH = {Capability.CANCEL, Capability.FETCH_RECORDING}

# Each of them breaks after the order has left, so nobody knows whether a phone rings.
IN_DOUBT: tuple[Behaviour, ...] = (
    faults.hang,
    faults.close_without_answer,
    faults.reset_before_answer,
    faults.reset_in_the_answer,
    faults.half_head,
    faults.half_body,
    faults.half_chunks,
    faults.bad_chunks,
    faults.no_http,
    faults.bad_gzip,
    faults.dripping_body,
    faults.endless_continue,
    faults.huge_body,
)
NO_PLACEMENT = (
    b"",
    b"<html><h1>Welcome</h1></html>",
    b"[]",
    b"null",
    b"5",
    b"{}",
    b"[" * 100_000,
    b"\xff\xfe\x00",
    b'{"id": null, "messages": [], "status": "ok"}',
)
REFUSALS = (307, 308, 400, 401, 402, 403, 404, 405, 406, 409, 410, 413, 415, 422)
DOUBTFUL = (300, 301, 302, 303, 304, 408, 500, 501, 502, 503, 504, 505, 507, 520, 599)


class ProviderCase:
    """What the suite must know of a provider."""

    provider: ClassVar[type[Provider]]
    # All it needs but BASE_URL, TIMEOUT and CALLBACK_SECRETS; its secrets contain `CANARY`.
    options: ClassVar[Mapping[str, Any]]
    # Statuses by which it promises that nothing was dialled.
    surely_not_placed: ClassVar[frozenset[int]] = frozenset()
    # Arguments of `manage.py simulate_provider`, without port and speed.
    simulator: ClassVar[tuple[str, ...]]
    # Options by which its reports are pulled; None where they are only ever sent to us.
    pulling: ClassVar[Mapping[str, Any] | None] = None

    def accepted(self, request: bytes) -> bytes:
        """The body of an answer that takes every order in the body of `request`."""
        raise NotImplementedError

    def contact(self, story: str) -> str:
        """The number that makes the simulator play a story."""
        return contact_for(story)

    def order(self, story: str, **changes: Any) -> CallOrder:
        """An order that the simulator plays this story for."""
        contact = Destination(kind="number", value=self.contact(story))
        return new_order(**{"leg_b": contact, **changes})

    def one_leg_orders(self, story: str, **changes: Any) -> list[CallOrder]:
        """A voice message and a flow that the simulator plays this story for, where it can."""
        contact = Destination(kind="number", value=self.contact(story))
        orders = []
        for capability in (Capability.VOICE_MESSAGE, Capability.FLOW):
            make, kind, options = KINDS[capability]
            given = {"callback_url": CALLBACK_URL, "leg_a": contact, "options": options}
            if self.build(NOWHERE).can(capability):
                orders.append(make(**{**given, **kind, **changes}))
        return orders

    def build(self, base_url: str, **options: Any) -> Provider:
        given = {"BASE_URL": base_url, "TIMEOUT": TIMEOUT, "CALLBACK_SECRETS": [CALLBACK_SECRET]}
        return self.provider("alias", {**given, **self.options, **options})

    def accept_all(self, peer: Peer) -> None:
        while request := peer.read_request():
            peer.answer(
                self.accepted(body_of(request)), headers="Content-Type: application/json\r\n"
            )

    @pytest.fixture(scope="class")
    @classmethod
    def address(cls) -> Iterator[str]:
        """The provider's simulator, as a process of its own, far faster than life."""
        with simulating(*cls.simulator) as address:
            yield address


@contextmanager
def simulating(*arguments: str, speed: int = 60) -> Iterator[str]:
    """`manage.py simulate_provider` with these arguments; its address."""
    process, address = _started(arguments, speed)
    try:
        yield address
    finally:
        process.kill()
        process.communicate()


def _started(arguments: tuple[str, ...], speed: int) -> tuple[subprocess.Popen[str], str]:
    name, *others = arguments
    for _ in range(5):
        port = free_port()
        process = subprocess.Popen(
            command(name, "--port", str(port), "--speed", str(speed), *others),
            env=environment(),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if f"{name} listens on" in first_line(process):
            return process, f"http://127.0.0.1:{port}"
        process.kill()
        errors = process.communicate()[1]
        if "Address already in use" not in errors:  # somebody else took the free port meanwhile
            break
    pytest.fail(f"simulate_provider {name} did not start: {errors}")


def new_order(**changes: Any) -> CallOrder:
    return make_order(**{"callback_url": CALLBACK_URL, **changes})


def wishing(order: CallOrder, wish: Mapping[str, Any]) -> CallOrder:
    """The order with a wish of `WISHES`."""
    options = dataclasses.replace(order.options, **wish.get("options", {}))
    return dataclasses.replace(order, **{**wish, "options": options})


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def answering(status: int, body: bytes, headers: str = "") -> Behaviour:
    def behave(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(body, status=f"{status} Whatever", headers=headers)

    return behave


def echo(status: int, part: Callable[[bytes], bytes]) -> Behaviour:
    """Answers with a part of the request, as chatty error pages do."""

    def behave(peer: Peer) -> None:
        while request := peer.read_request():
            peer.answer(part(request), status=f"{status} Echo")

    return behave


def refused_option(provider: Provider, order: CallOrder) -> str:
    """The option by which `check_order` refuses the order; "" where it lets it pass."""
    try:
        provider.check_order(order)
    except InvalidOption as refused:
        return refused.field
    return ""


def fault_of(provider: Provider, order: CallOrder | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.place_call(order or new_order())
    return caught.value


class SendingContract(ProviderCase):
    """Orders: sent once, whole, and what became of them never better than it is."""

    # To the simulator

    def test_an_order_is_taken(self, address: str) -> None:
        provider = self.build(address)
        first, second = provider.place_call(new_order()), provider.place_call(new_order())
        assert first.provider_reference
        assert first.provider_reference != second.provider_reference
        assert first.words
        assert CANARY not in repr(first)

    def test_what_must_be_remembered_is_plain_data(self, address: str) -> None:
        state = self.build(address).place_call(new_order()).provider_state
        assert_plain(state)

    def test_one_instance_serves_many_threads(self, address: str) -> None:
        provider = self.build(address, TIMEOUT=(5, 10))
        orders = [new_order() for _ in range(60)]
        with ThreadPoolExecutor(12) as threads:
            placements = list(threads.map(provider.place_call, orders))
        assert len({placement.provider_reference for placement in placements}) == 60

    def test_a_refusal_is_certain_and_has_words(self, address: str) -> None:
        fault = fault_of(self.build(address), self.order("refused"))
        assert type(fault) is ProviderRefused
        assert fault.detail.strip()

    def test_hanging_up(self, address: str) -> None:
        provider, order = self.build(address), new_order()
        placement = provider.place_call(order)
        if not provider.can(Capability.CANCEL):
            with pytest.raises(NotImplementedError):
                provider.cancel_call(order, placement)
            return
        provider.cancel_call(order, placement)
        provider.cancel_call(order, placement)
        provider.cancel_call(order, Placement())  # whose answer was lost

    def test_what_became_of_a_call_can_be_asked(self, address: str) -> None:
        provider, order = self.build(address), self.order("a_busy")
        if not provider.looks_up:
            with pytest.raises(NotImplementedError):
                provider.fetch_outcome(order.reference, Placement())
            return
        assert provider.fetch_outcome(order.reference, Placement()) == []
        placement = provider.place_call(order)
        deadline = time.monotonic() + 10
        while (events := provider.fetch_outcome(order.reference, placement)) == []:
            assert time.monotonic() < deadline, "it never knew the call"
            time.sleep(0.05)
        assert {event.reference for event in events} == {order.reference}
        assert progress_of(events).outcome == Outcome.BUSY

    # Reports that are pulled

    def test_reports_are_pulled_only_where_an_option_says_so(self) -> None:
        assert self.build(NOWHERE).pull_every is None
        if self.pulling is None:
            with pytest.raises(NotImplementedError):
                self.build(NOWHERE).pull_reports()
            return
        every = self.build(NOWHERE, **self.pulling).pull_every
        assert every is not None
        assert every > 0
        (request,) = self.wire(new_order(), **self.pulling)
        assert CALLBACK_SECRET.encode() not in request, "what is pushed cannot be pulled"

    def test_pulled_reports_are_handed_out_once(self, address: str) -> None:
        if self.pulling is None:
            return
        provider = self.build(address, **self.pulling, TIMEOUT=(5, 10))
        order = self.order("a_busy")
        provider.place_call(order)
        (pulled,) = wait_for_reports(provider)
        assert list(iter(provider.pull_reports, None)) == [], "it was handed out twice"
        events = provider.parse_callback(pulled)
        assert provider.parse_callback(pulled) == events, "it cannot be replayed"
        assert {event.reference for event in events} == {order.reference}
        assert progress_of(events).outcome == Outcome.BUSY

    def test_pulled_reports_are_kept_as_they_came(self) -> None:
        if self.pulling is None:
            return
        for body in (b"<html>Surprise</html>", b"\xff\xfe", b"{"):
            with MisbehavingServer(answering(200, body)) as server:
                pulled = self.build(server.url, **self.pulling).pull_reports()
            assert pulled is not None
            assert pulled.body == body
            with pytest.raises(CallbackNotUnderstood):
                self.build(NOWHERE).parse_callback(pulled)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(401, ProviderRefused), (429, ProviderThrottled), (500, ProviderUnavailable)],
    )
    def test_pulling_leaves_no_call_in_doubt(self, status: int, kind: type[ProviderError]) -> None:
        if self.pulling is None:
            return
        with MisbehavingServer(answering(status, b"")) as server:
            with pytest.raises(kind):
                self.build(server.url, **self.pulling).pull_reports()
            assert len(server.requests) == 1

    # What is sent

    def test_an_order_is_one_request_with_our_reference(self) -> None:
        order = new_order()
        (request,) = self.wire(order)
        assert order.reference.encode() in request
        assert CALLBACK_SECRET.encode() in request, "it cannot report"

    def test_every_capability_has_a_wish_here(self) -> None:
        assert set(WISHES) | WITHOUT_A_WISH == set(Capability)

    def test_what_it_claims_reaches_the_wire(self) -> None:
        provider = self.build(NOWHERE)
        claimed = [capability for capability in WISHES if provider.can(capability)]
        assert claimed
        assert [each for each in claimed if not self.changes_the_wire(WISHES[each])] == []

    def changes_the_wire(self, wish: Mapping[str, Any]) -> bool:
        """Whether some kind of call is ordered differently for this wish."""
        plain = {"callback_url": CALLBACK_URL, "reference": "r" * 32, "call_id": "c" * 32}
        for make, kind, options in KINDS.values():
            before = make(**plain, **kind, options=options)
            sent, wanted = self.wire(before), self.wire(wishing(before, wish))
            if wanted and sent != wanted:
                return True
        return False

    def test_the_check_of_an_order_says_what_placing_it_would(self) -> None:
        """Of every kind of call with every wish: it is refused beforehand, or it is sent."""
        provider, agreed = self.build(NOWHERE), 0
        for capability, (make, kind, options) in KINDS.items():
            if not provider.can(capability):
                continue
            plain = make(callback_url=CALLBACK_URL, **kind, options=options)
            provider.check_order(plain)
            for wished in filter(provider.can, WISHES):
                order = wishing(plain, WISHES[wished])
                refused = refused_option(provider, order)
                assert bool(refused) == (self.wire(order) == []), f"{capability} with {wished}"
                assert refused in {"", "extension", *CallOptions.names()}
                agreed += 1
        assert agreed

    def test_comfort_reaches_the_wire_or_is_said_to_be_passed_over(self) -> None:
        """Of every kind of call: nothing that it claims to give is left out silently."""
        provider = self.build(NOWHERE)
        fixed = {"callback_url": CALLBACK_URL, "reference": "r" * 32, "call_id": "c" * 32}
        for kind_of_call, (make, kind, options) in KINDS.items():
            if not provider.can(kind_of_call):
                continue
            plain = make(**fixed, **kind, options=options)
            assert provider.passes_over(plain) <= set(COMFORT), "refuse it in check_order"
            before = self.wire(plain)
            for option, (value, capability) in COMFORT.items():
                if capability is not None and not provider.can(capability):
                    continue  # known to everybody by the capability that is missing
                order = wishing(plain, {"options": {option: value}})
                left_out = self.wire(order) == before
                told = option in provider.passes_over(order)
                assert left_out == told, f"{kind_of_call} with {option}"

    def wire(self, *orders: CallOrder, **options: Any) -> list[bytes]:
        """The bodies of the requests that place these orders; none when it refuses to."""
        with MisbehavingServer(self.accept_all) as server:
            provider = self.build(server.url, **options)
            for order in orders:
                try:
                    provider.place_call(order)
                except ProviderRefused:
                    continue
            return [body_of(request) for request in server.requests]

    # Many in one request

    def test_many_in_one_request(self) -> None:
        orders = [new_order() for _ in range(max(self.provider.places_many, 2))]
        with MisbehavingServer(self.accept_all) as server:
            provider = self.build(server.url, TIMEOUT=(5, 10))
            if provider.places_many == 1:
                with pytest.raises(NotImplementedError):
                    provider.place_calls(orders)
                return
            results = provider.place_calls(orders)
            (request,) = server.requests
        placed = [result for result in results if isinstance(result, Placement)]
        assert len(placed) == len(orders), results
        assert len({placement.provider_reference for placement in placed}) == len(orders)
        assert all(order.reference.encode() in request for order in orders)

    def test_each_of_many_has_its_own_fate(self, address: str) -> None:
        provider = self.build(address)
        if provider.places_many == 1:
            return
        orders = [new_order(), self.order("refused"), self.unwritable(), new_order()]
        first, refused, unwritten, last = provider.place_calls(orders)
        assert isinstance(first, Placement)
        assert isinstance(last, Placement)
        assert type(refused) is ProviderRefused
        assert type(unwritten) is ProviderRefused
        assert provider.place_calls([]) == []

    def test_a_fault_of_the_request_is_that_of_each(self) -> None:
        if self.provider.places_many == 1:
            return
        with MisbehavingServer(faults.half_body) as server:
            results = self.build(server.url).place_calls([new_order(), new_order()])
            assert len(server.requests) == 1
        assert [type(result) for result in results] == [OutcomeUnknown, OutcomeUnknown]

    def unwritable(self) -> CallOrder:
        """An order that this provider cannot even write down."""
        return new_order(leg_a=Destination(kind="pigeon", value="loft"))

    # Faults on the way

    @pytest.mark.parametrize("behaviour", IN_DOUBT)
    def test_what_breaks_after_sending_is_unknown_and_sent_once(self, behaviour: Behaviour) -> None:
        with MisbehavingServer(behaviour) as server:
            started = time.monotonic()
            fault = fault_of(self.build(server.url))
            assert time.monotonic() - started < 3
            time.sleep(0.05)  # a hidden second try would be seen by now
            assert (server.connections, len(server.requests)) == (1, 1)
        assert type(fault) is OutcomeUnknown

    def test_nobody_there_is_surely_not_placed(self) -> None:
        assert type(fault_of(self.build(f"http://127.0.0.1:{free_port()}"))) is ProviderUnavailable

    def test_no_tls_is_surely_not_placed(self) -> None:
        with MisbehavingServer(self.accept_all) as server:
            secure = server.url.replace("http:", "https:")
            assert type(fault_of(self.build(secure))) is ProviderUnavailable
            assert [r for r in server.requests if CANARY.encode() in r] == []

    @pytest.mark.parametrize("body", NO_PLACEMENT, ids=lambda body: repr(body[:20]))
    @pytest.mark.parametrize("status", [200, 201, 202])
    def test_a_success_that_names_no_call_is_unknown(self, status: int, body: bytes) -> None:
        with MisbehavingServer(answering(status, body)) as server:
            assert type(fault_of(self.build(server.url))) is OutcomeUnknown

    @pytest.mark.parametrize("status", REFUSALS)
    def test_a_refusing_status_is_a_certain_no(self, status: int) -> None:
        self.assert_means(status, NotAuthorized if status == 401 else ProviderRefused)

    @pytest.mark.parametrize("status", DOUBTFUL)
    def test_a_doubtful_status_is_unknown_unless_it_promises(self, status: int) -> None:
        promises = status in self.surely_not_placed
        self.assert_means(status, ProviderUnavailable if promises else OutcomeUnknown)

    def assert_means(self, status: int, kind: type[ProviderError]) -> None:
        with MisbehavingServer(answering(status, b"<p>It says so.</p>")) as server:
            fault = fault_of(self.build(server.url))
            assert len(server.requests) == 1
        assert type(fault) is kind
        assert str(status) in fault.detail

    @pytest.mark.parametrize(("header", "seconds"), [("Retry-After: 9\r\n", 9.0), ("", 1.0)])
    def test_throttled_with_the_pause_it_asks_for(self, header: str, seconds: float) -> None:
        with MisbehavingServer(answering(429, b"{}", header)) as server:
            fault = fault_of(self.build(server.url))
        assert isinstance(fault, ProviderThrottled)
        assert fault.retry_after == seconds

    def test_redirects_are_not_followed(self) -> None:
        with MisbehavingServer(self.accept_all) as elsewhere:
            behaviour = answering(302, b"", f"Location: {elsewhere.url}/\r\n")
            with MisbehavingServer(behaviour) as server:
                assert type(fault_of(self.build(server.url))) is OutcomeUnknown
            assert elsewhere.connections == 0

    @pytest.mark.parametrize("part", [bytes, body_of, lambda _: CALLBACK_URL.encode()])
    @pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500, 503])
    def test_no_secret_in_errors_logs_and_reprs(
        self, status: int, part: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        with MisbehavingServer(echo(status, part)) as server:
            provider = self.build(server.url)
            fault = fault_of(provider)
            request = server.requests[0].decode()
        assert CANARY in request, "the server did not see the secrets"
        presented = re.findall(r"(?im)^authorization: (?:\w+ )?(\S+)\r$", request)
        seen = "".join(traceback.format_exception(fault)) + repr(vars(fault)) + caplog.text
        seen += f"{provider!r} {provider}"
        assert [secret for secret in (CANARY, *presented) if secret in seen] == []

    # How it is declared

    def test_it_says_what_it_is(self) -> None:
        assert self.provider.name.isidentifier()
        assert self.provider.label
        assert self.provider.dispatch in ("general", "agent")
        assert self.provider.places_many >= 1

    def test_its_options_name_their_secrets(self) -> None:
        secrets = {name for name, value in self.options.items() if CANARY in repr(value)}
        assert secrets
        assert secrets | {"CALLBACK_SECRETS"} <= set(self.provider.secret_options)

    def test_required_options_are_asked_for_by_name(self) -> None:
        given = {"BASE_URL": NOWHERE, **self.options}
        for name in self.provider.required_options:
            without = {key: value for key, value in given.items() if key != name}
            with pytest.raises(ConfigurationError, match=name):
                self.provider("alias", without)

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            ({"BASE_URL": "http://example.com"}, "BASE_URL"),
            ({"BASE_URL": "example.com"}, "BASE_URL"),
            ({"TIMEOUT": 5}, "TIMEOUT"),
            ({"CALLBACK_SECRETS": CALLBACK_SECRET}, "CALLBACK_SECRETS"),
            ({"DEDUPE": "always"}, "DEDUPE"),
            ({"DEDUPE": "window:0"}, "DEDUPE"),
            ({"DEDUPE": None}, "DEDUPE"),
        ],
    )
    def test_a_wrong_option_is_named(self, options: dict[str, Any], named: str) -> None:
        with pytest.raises(ConfigurationError, match=named) as caught:
            self.build(NOWHERE, **options)
        assert CANARY not in str(caught.value)

    def test_nothing_is_repeated_until_that_is_proven_for_the_account(self) -> None:
        assert self.build(NOWHERE).dedupe == Dedupe.none()
        assert self.build(NOWHERE, DEDUPE="none").dedupe == Dedupe.none()
        assert self.build(NOWHERE, DEDUPE="window:600").dedupe == Dedupe.window(600)
        if self.provider.looks_up:
            assert self.build(NOWHERE, DEDUPE="lookup").dedupe == Dedupe.lookup()
        else:
            with pytest.raises(ConfigurationError, match="DEDUPE"):
                self.build(NOWHERE, DEDUPE="lookup")


@dataclass(frozen=True)
class Door:
    """A way to know the provider: options, what a genuine callback has, and forgeries of it."""

    name: str
    options: Mapping[str, Any]
    genuine: Mapping[str, Any]
    forged: Sequence[Mapping[str, Any]]


class CallbackContract(ProviderCase):
    """Callbacks: whose they are, and that none can do harm."""

    doors: ClassVar[Sequence[Door]] = ()
    # What a person has keyed or said in `keyed`, by variable.
    answers: ClassVar[Mapping[str, str]] = {}

    def report(self) -> CallbackRequest:
        """A genuine callback that tells how a call ended."""
        raise NotImplementedError

    def keyed(self) -> CallbackRequest:
        """A genuine callback that tells the `answers`, where it reports any."""
        raise NotImplementedError

    @pytest.fixture
    def here(self) -> Provider:
        return self.build(NOWHERE)

    def test_the_secret_in_the_address_is_enough_by_default(self, here: Provider) -> None:
        assert here.callback_secrets == (CALLBACK_SECRET,)
        assert here.authenticate_callback(self.report())

    def test_every_door_opens_to_the_provider_alone(self) -> None:
        for door in self.doors:
            provider = self.build(NOWHERE, **door.options)
            genuine = dataclasses.replace(self.report(), **door.genuine)
            assert provider.authenticate_callback(genuine), door.name
            bare = dataclasses.replace(self.report(), headers={}, peer_address=None)
            assert not provider.authenticate_callback(bare), door.name
            for forged in door.forged:
                callback = dataclasses.replace(genuine, **forged)
                assert not provider.authenticate_callback(callback), f"{door.name}: {forged}"

    def test_odd_headers_open_no_door_and_break_none(self) -> None:
        choose = random.Random("headers")
        for door in self.doors:
            provider = self.build(NOWHERE, **door.options)
            for _ in range(300):
                header = "".join(
                    chr(choose.randrange(1, 0x250)) for _ in range(choose.randrange(40))
                )
                odd = {
                    "authorization": choose.choice(("", "Basic ", "Bearer ", "basic\t")) + header,
                    "x-signature": header,
                }
                peer = choose.choice((None, "", header, "::", "0.0.0.0", "999.1.1.1"))
                callback = dataclasses.replace(self.report(), headers=odd, peer_address=peer)
                assert not provider.authenticate_callback(callback), f"{door.name}: {odd} {peer}"

    def test_a_replay_needs_neither_headers_nor_peer(self, here: Provider) -> None:
        kept = dataclasses.replace(self.report(), headers={}, peer_address=None)
        assert here.parse_callback(kept) == here.parse_callback(self.report()) != []

    def test_a_callback_tells_whose_it_is_and_shows_no_secret(self, here: Provider) -> None:
        for event in here.parse_callback(self.report()):
            assert event.reference or event.provider_reference
            assert_storable(event)
        named = dataclasses.replace(self.report(), headers={"authorization": CANARY})
        assert CANARY not in repr(named)

    def test_answers_are_told_by_variable_and_nowhere_else(self, here: Provider) -> None:
        if not self.answers:
            return
        events = here.parse_callback(self.keyed())
        assert progress_of(events, one_leg=True).answers == self.answers
        assert {event.kind for event in events if event.answers} == {EventKind.COLLECTED}
        for event in events:
            assert_storable(event)
            assert [said for said in self.answers.values() if said in event.words] == []

    @pytest.mark.parametrize(
        "body", [b"", b"text", b"[", b"\xff\xfe", b"{}", b"<a", b"a=b", b"\x00"]
    )
    def test_what_is_no_report_is_not_understood(self, body: bytes, here: Provider) -> None:
        with pytest.raises(CallbackNotUnderstood) as caught:
            here.parse_callback(dataclasses.replace(self.report(), body=body))
        assert 0 < len(str(caught.value)) < 500

    def test_spoiled_reports_break_nothing(self, here: Provider) -> None:
        choose, read = random.Random("spoiled"), 0
        for _ in range(500):
            body = bytearray(self.report().body)
            for _ in range(choose.randrange(4)):
                body[choose.randrange(len(body))] = choose.randrange(256)
            try:
                events = here.parse_callback(dataclasses.replace(self.report(), body=bytes(body)))
            except CallbackNotUnderstood:
                continue
            read += bool(events)
            for event in events:
                assert_storable(event)
        assert read > 50, "hardly any report was read at all"


@dataclass(frozen=True)
class Played:
    """How a story of the simulator must stand in the history when it is over."""

    outcome: Outcome
    leg_a: LegState
    leg_b: LegState | None
    options: Mapping[str, Any] = field(default_factory=dict)


class VocabularyContract(ProviderCase):
    """Words: every one of the provider's is understood, and no other is believed."""

    # The provider's words, copied from its documents, and the outcome each tells; None for a word
    # that tells of no end.
    documented: ClassVar[frozenset[str]]
    meanings: ClassVar[Mapping[str, Outcome | None]]
    stories: ClassVar[Mapping[str, Played]]

    def saying(self, word: str) -> CallbackRequest:
        """A callback that says this word about a call."""
        raise NotImplementedError

    @pytest.fixture
    def here(self) -> Provider:
        return self.build(NOWHERE)

    def test_every_documented_word_has_a_meaning_here(self) -> None:
        assert set(self.meanings) == set(self.documented)
        assert len(self.documented) > 1

    def test_every_word_is_understood_as_it_is_meant(self, here: Provider) -> None:
        understood = {
            word: outcome_told(here.parse_callback(self.saying(word))) for word in self.meanings
        }
        assert understood == dict(self.meanings)

    @pytest.mark.parametrize("word", ["NO_SUCH_WORD", "completed!", "Ended", "0", "é", "x" * 300])
    def test_no_other_word_is_believed(self, word: str, here: Provider) -> None:
        try:
            events = here.parse_callback(self.saying(word))
        except CallbackNotUnderstood:
            return
        assert outcome_told(events) is None

    def test_what_the_simulator_plays_is_what_the_history_shows(self, address: str) -> None:
        provider = self.build(address, TIMEOUT=(5, 10))
        shown: dict[str, Played] = {}
        with CallbackInbox() as inbox:
            orders = {
                story: self.order(story, callback_url=inbox.url, options=dict(played.options))
                for story, played in self.stories.items()
            }
            for order in orders.values():
                provider.place_call(order)
            for story, order in orders.items():
                progress = inbox.wait_for_end(provider, order)
                assert progress.outcome is not None
                shown[story] = Played(
                    progress.outcome, progress.leg_a, progress.leg_b, self.stories[story].options
                )
        assert shown == dict(self.stories)

    def test_a_message_and_a_flow_end_when_they_were_heard(self, address: str) -> None:
        provider = self.build(address, TIMEOUT=(5, 10))
        with CallbackInbox() as inbox:
            for order in self.one_leg_orders("completed", callback_url=inbox.url):
                provider.place_call(order)
                progress = inbox.wait_for_end(provider, order)
                assert progress.outcome == Outcome.COMPLETED
                assert (progress.leg_a, progress.leg_b) == (LegState.ENDED, None)
                assert progress.joined_at is None
                assert progress.talk_seconds is not None, "nobody says how long it was heard"


class CallbackInbox:
    """Where a simulator reports to: keeps the callbacks whole."""

    def __init__(self) -> None:
        self._server = MisbehavingServer(answering(200, b""))
        self.url = f"{self._server.url}/callbacks/alias/{CALLBACK_SECRET}/"

    def __enter__(self) -> CallbackInbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @property
    def callbacks(self) -> list[CallbackRequest]:
        return [_callback(raw) for raw in list(self._server.requests)]

    def wait_for_end(self, provider: Provider, order: CallOrder) -> Progress:
        """The progress of the order by what was reported, as soon as that tells of an end."""
        deadline = time.monotonic() + 20
        while True:
            progress = progress_of(self.events_of(provider, order), one_leg=order.leg_b is None)
            if progress.state == CallState.ENDED:
                return progress
            assert time.monotonic() < deadline, f"no end was reported: {self.callbacks}"
            time.sleep(0.02)

    def events_of(self, provider: Provider, order: CallOrder) -> list[ReportedEvent]:
        events = []
        for callback in self.callbacks:
            assert provider.authenticate_callback(callback)
            events += provider.parse_callback(callback)
        return [event for event in events if event.reference == order.reference]


def wait_for_reports(provider: Provider) -> list[CallbackRequest]:
    """What can be pulled, as soon as there is something."""
    deadline = time.monotonic() + 10
    while not (pulled := list(iter(provider.pull_reports, None))):
        assert time.monotonic() < deadline, "nothing ever waited"
        time.sleep(0.02)
    return pulled


def _callback(raw: bytes) -> CallbackRequest:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    method, target, _ = first.split(" ")
    kind = headers.get("content-type", "").partition(";")[0]
    query = dict(parse_qsl(urlsplit(target).query))
    return CallbackRequest(method, kind, headers, query, body, peer_address="127.0.0.1")


def progress_of(events: Sequence[ReportedEvent], *, one_leg: bool = False) -> Progress:
    told = {"occurred_at", "talk_seconds"}
    names = [each.name for each in dataclasses.fields(Fact) if each.name not in told]
    facts = [
        Fact(
            occurred_at=event.occurred_at or datetime.now(UTC),
            talk_seconds=talked(event, one_leg=one_leg),
            **{name: getattr(event, name) for name in names},
        )
        for event in events
    ]
    return Progress.from_facts(facts, one_leg=one_leg)


def talked(event: ReportedEvent, *, one_leg: bool) -> int | None:
    """The seconds talked as the heart takes them: of one leg those since its answer."""
    if event.talk_seconds is None and one_leg:
        return event.answered_seconds
    return event.talk_seconds


def outcome_told(events: Sequence[ReportedEvent]) -> Outcome | None:
    """The outcome that the events state."""
    told = {event.outcome for event in events if event.outcome is not None}
    assert len(told) <= 1, f"it says two things at once: {told}"
    return told.pop() if told else None


def assert_plain(value: Any) -> None:
    """JSON keeps it as it is."""
    if isinstance(value, dict):
        assert all(isinstance(name, str) for name in value)
        for inner in value.values():
            assert_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            assert_plain(inner)
    else:
        assert value is None or type(value) in (str, int, bool)


def assert_storable(event: ReportedEvent) -> None:
    """The heart and any database can take it as it is."""
    assert all(isinstance(said, str) for said in event.answers.values())
    answers = [*event.answers, *event.answers.values()]
    for text in (event.words, event.reference, event.provider_reference, event.event_id, *answers):
        text.encode("utf-8")
        assert "\x00" not in text
    assert len(event.words) <= 500
    assert len(event.recording_url) <= 500
    assert max(len(event.reference), len(event.provider_reference), len(event.event_id)) <= 128
    assert event.occurred_at is None or event.occurred_at.tzinfo is not None
    for seconds in (event.talk_seconds, event.answered_seconds):
        assert seconds is None or 0 <= seconds <= 24 * 60 * 60
    assert event.price is None or (event.price.is_finite() and event.price >= 0)
    assert CANARY not in repr(event)
