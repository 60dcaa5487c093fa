"""No cell of `docs/providers/matrix.csv` lies: each is tried with the real adapters over HTTP."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from clicktocall.conf import settings as our_settings
from clicktocall.endpoints.checks.who_rings import _ESSENTIAL
from clicktocall.endpoints.save import save_endpoint
from clicktocall.endpoints.specimen import specimen_order
from clicktocall.endpoints.validate import not_honoured
from clicktocall.exceptions import InvalidOption, ProviderError
from clicktocall.models import Endpoint
from clicktocall.orders import CallOptions, CallOrder, Destination
from clicktocall.providers import Provider, get_provider
from clicktocall.providers.sandbox.order_check import faults_of
from tests.dialects.infobip import printed
from tests.factories import TEAM, make_account, make_endpoint, make_owned_number
from tests.providers.loopback import MisbehavingServer, Peer
from tests.providers.matrix import PAGE, PRODUCTS, Cell, Row, page, rows

pytestmark = pytest.mark.django_db

_CHECKOUT = Path(__file__).resolve().parents[2]
OTHER = "+442079460177"
OUR_NUMBER = "+442079460189"
SHOWN = "+442079460190"

# An endpoint of each backend.
TWO_LEGS: dict[str, Any] = {"extension_kind": "number", "extension": TEAM}
MESSAGE: dict[str, Any] = {
    "extension_kind": "message",
    "extension": "",
    "message_text": "Your bicycle is ready.",
}
FLOW: dict[str, Any] = {"extension_kind": "flow", "extension": "6298AA77"}
KINDS = {
    "infobip click-to-call": {**TWO_LEGS, "caller_id_a": OUR_NUMBER},
    "infobip voice message": MESSAGE,
    "infobip IVR": FLOW,
}
SANDBOX_KINDS = {"Infobip voice message": MESSAGE, "Infobip IVR": FLOW}  # else two legs

# An option's other value; of those that go together, all of them.
REDIAL: dict[str, Any] = {"retry_min_period": 1, "retry_max_period": 5, "retry_max_count": 1}
SPOKEN = {"message_text": "One moment, please."}
CHANGES: dict[str, dict[str, Any]] = {
    "caller_id_a": {"caller_id_a": SHOWN},
    "caller_id_b": {"caller_id_b": SHOWN},
    "anonymization": {"anonymization": True},
    "bridge": {"bridge": SHOWN},
    "dial_first": {"dial_first": "contact"},
    "timeout": {"timeout": 20},
    "max_duration": {"max_duration": 240},
    "warning_time": {"warning_time": 20},
    "record": {"record": True},
    "machine_detection": {"machine_detection": "hangup"},
    "message_text": SPOKEN,
    "message_language": {"message_language": "de"},
    "message_voice_name": {"message_voice_name": "Joanna"},
    "message_voice_gender": {"message_voice_gender": "female"},
    "message_audio_url": {"message_audio_url": "https://shop.example/moment.mp3"},
    "ringback": {"ringback": "%(1000,4000,440,480)"},
    "music_on_hold": {"music_on_hold": "media-7"},
    "ignore_early_media": {"ignore_early_media": False},
    "bypass_media": {"bypass_media": "auto"},
    "presence_id": {"presence_id": "sales"},
    "custom_sip_headers": {"custom_sip_headers": {"X-Shop": "7"}},
    "custom_application_vars": {"custom_application_vars": {"order": "7"}},
    "parameters": {"parameters": {"name": "Ada"}},
    "callback_data": {"callback_data": "opaque"},
    "transfers": {"transfers": [{"transferTo": OTHER, "if": "dtmf", "equals": "1"}]},
    "callee_id_name": {"callee_id_name": "Workshop"},
    "callee_id_number": {"callee_id_number": "1000"},
    "retry_min_period": {**REDIAL, "retry_min_period": 2},
    "retry_max_period": {**REDIAL, "retry_max_period": 10},
    "retry_max_count": {**REDIAL, "retry_max_count": 3},
    "validity_period": {"validity_period": 720},
    "delivery_time_window": {"delivery_time_window": {"from": {"hour": 6}, "to": {"hour": 15}}},
    # Of the endpoint, and no option of a call.
    "name": {"name": "Workshop"},
    "extension": {"extension": "+442079460151"},
}
# What must be set besides: for the option to be savable, and for it to make a difference.
NEEDS: dict[str, dict[str, Any]] = {
    "anonymization": {"caller_id_a": SHOWN},
    **dict.fromkeys(REDIAL, REDIAL),
}
MATTERS_WITH = dict.fromkeys(
    ("message_language", "message_voice_name", "message_voice_gender"), SPOKEN
)

# What is no setting of an endpoint, and how another order would have it.
ORDERS: dict[str, Callable[[CallOrder], CallOrder]] = {
    "bulk": lambda order: replace(order, bulk_id="b" * 32),
    "reference": lambda order: replace(order, reference="e" * 32),
    "leg A": lambda order: replace(order, leg_a=_number(OTHER)),
    "leg B": lambda order: replace(order, leg_b=_number(OTHER)),
    "flow": lambda order: replace(order, flow="6298AA78"),
    "callback address": lambda order: replace(order, callback_url="https://x.example/cb/"),
    "contact": lambda order: (
        replace(order, leg_a=_number(OTHER))
        if order.leg_b is None
        else replace(order, leg_b=_number(OTHER))
    ),
}
ORDER_FIELDS = {
    "bulk": "bulk_id",
    "reference": "reference",
    "leg A": "leg_a",
    "leg B": "leg_b",
    "flow": "flow",
    "callback address": "callback_url",
    "contact": "leg_b",
    "name": "caller_id_name",
    "extension": "leg_a",
}
OF_LEG_B = ("leg B", "caller_id_b", "anonymization", "dial_first")
KEPT_BY_US = ("client_reference", "whitelist", "send_at", "speed")  # of which no order knows
PROVIDER_OPTIONS = {"NOTIFY_CONTENT_TYPE": "application/xml"}


def _number(value: str) -> Destination:
    return Destination(kind="number", value=value)


@dataclass(frozen=True, slots=True)
class Bench:
    """One cell: a row, a backend, and where its adapter's requests arrive."""

    row: Row
    backend: str
    server: MisbehavingServer

    @property
    def provider(self) -> Provider:
        return get_provider(self.backend.partition(" ")[0])

    def endpoint(self, **more: Any) -> Endpoint:
        """An endpoint of this backend, saved as anybody would save it."""
        account = make_account()
        for number in (OUR_NUMBER, SHOWN):
            make_owned_number(account, number=number)
        kind = KINDS.get(self.backend) or self._sandbox_kind()
        given = {**kind, **NEEDS.get(self.row.ours, {}), **more}
        return save_endpoint(make_endpoint(account, provider=self.provider.alias), given)

    def _sandbox_kind(self) -> dict[str, Any]:
        if self.row.ours in ("flow", "parameters"):
            return FLOW
        return SANDBOX_KINDS.get(self.row.system, TWO_LEGS)

    def order(self, endpoint: Endpoint) -> CallOrder:
        order = specimen_order(endpoint, self.provider)
        return replace(order, reference="f" * 32, call_id="c" * 32, endpoint_id="d" * 32)

    def written(self, order: CallOrder, provider: Provider | None = None) -> Any:
        """The body of the request that this order makes."""
        self.server.requests.clear()
        with pytest.raises(ProviderError):  # this server has a fault, whatever it is asked
            (provider or self.provider).place_call(order)
        (request,) = self.server.requests
        return json.loads(request.partition(b"\r\n\r\n")[2])

    def applies(self) -> bool:
        """Whether the backend has anything to which the parameter could apply."""
        ours = self.row.ours
        if ours in OF_LEG_B:
            return self.order(self.endpoint()).leg_b is not None
        if ours in MATTERS_WITH:
            return self._may_speak()
        if ours in PROVIDER_OPTIONS:
            return self.backend != "sandbox"
        kind = self.endpoint().extension_kind
        return {"flow": kind == "flow", "extension": kind != "message"}.get(ours, True)

    def _may_speak(self) -> bool:
        try:
            return bool(self.endpoint(**SPOKEN))
        except ValidationError:
            return False

    def is_read(self) -> bool:
        """Whether the sandbox looks at it: it is handed everything, read or not."""
        ours = self.row.ours
        order: dict[str, Any] = asdict(self.order(self.endpoint()))
        if ours in CallOptions.names():
            order["options"][ours] = object()
            needed = _ESSENTIAL.get("message_text" if ours in MATTERS_WITH else ours)
            able = needed is not None and self.provider.can(needed)
            return able or f"options.{ours}" in faults_of(order)
        order[ORDER_FIELDS[ours]] = object()
        return any(fault.startswith(ORDER_FIELDS[ours]) for fault in faults_of(order))

    def makes_a_difference(self) -> bool:
        """Whether another value makes another request."""
        ours = self.row.ours
        if ours in ORDERS:
            order = self.order(self.endpoint())
            return bool(self.written(order) != self.written(ORDERS[ours](order)))
        if ours in PROVIDER_OPTIONS:
            return self._another_setup_makes_a_difference()
        endpoint = self.endpoint(**(MATTERS_WITH.get(ours, {}) if self.applies() else {}))
        before = self.written(self.order(endpoint))
        change = CHANGES[ours]
        if ours == "extension" and endpoint.extension_kind == "flow":
            change = {"extension": "6298AA78"}
        save_endpoint(endpoint, change)
        return bool(before != self.written(self.order(endpoint)))

    def _another_setup_makes_a_difference(self) -> bool:
        order = self.order(self.endpoint())
        here = self.provider
        there = type(here)(
            here.alias, {**here.options, self.row.ours: PROVIDER_OPTIONS[self.row.ours]}
        )
        return bool(self.written(order) != self.written(order, there))


@pytest.fixture(scope="module")
def server() -> Iterator[MisbehavingServer]:
    def fail(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(status="500 Internal Server Error")

    with MisbehavingServer(fail) as running:
        yield running


@pytest.fixture
def site(server: MisbehavingServer, settings: Any) -> Any:
    options = {
        "BASE_URL": server.url,
        "API_KEY": "an-api-key-of-the-matrix",
        "CALLBACK_SECRETS": ["a-callback-secret-of-the-matrix"],
    }
    settings.CLICKTOCALL = {
        "PUBLIC_URL": "https://www.example.com/clicktocall/",
        "CHECK_AUDIO": False,
        "PROVIDERS": {
            "infobip": {
                "BACKEND": "clicktocall.providers.infobip.InfobipProvider",
                "OPTIONS": options,
            },
            "sandbox": {
                "BACKEND": "clicktocall.providers.sandbox.SandboxProvider",
                "OPTIONS": options,
            },
        },
    }
    return settings


def every_cell(*wanted: Cell) -> Any:
    found = [(row, backend) for row in rows() for backend in PRODUCTS]
    return pytest.mark.parametrize(
        ("row", "backend"),
        [(row, backend) for row, backend in found if row.cells[backend] in wanted],
        ids=lambda part: part if isinstance(part, str) else f"{part.system} {part.parameter}",
    )


@every_cell(Cell.NATIVE)
def test_native_is_written(row: Row, backend: str, server: MisbehavingServer, site: Any) -> None:
    bench = Bench(row, backend, server)
    assert bench.makes_a_difference()
    assert backend != "sandbox" or bench.is_read()
    if row.ours in CallOptions.names():
        assert row.ours not in not_honoured(save_endpoint(bench.endpoint(), CHANGES[row.ours]))


@every_cell(Cell.REFUSED)
def test_refused_is_refused_by_name(
    row: Row, backend: str, server: MisbehavingServer, site: Any
) -> None:
    bench = Bench(row, backend, server)
    endpoint = bench.endpoint()
    with pytest.raises(ValidationError) as caught:
        save_endpoint(endpoint, CHANGES[row.ours])
    assert row.ours in caught.value.message_dict


@every_cell(Cell.COMFORT)
def test_comfort_is_kept_and_said_not_to_be_honoured(
    row: Row, backend: str, server: MisbehavingServer, site: Any
) -> None:
    bench = Bench(row, backend, server)
    assert backend == "sandbox" or not bench.makes_a_difference()
    endpoint = save_endpoint(bench.endpoint(), CHANGES[row.ours])
    assert row.ours in not_honoured(endpoint)


@every_cell(Cell.BY_US)
def test_done_by_us_is_not_left_to_the_provider(
    row: Row, backend: str, server: MisbehavingServer, site: Any
) -> None:
    bench = Bench(row, backend, server)
    if row.ours not in KEPT_BY_US:
        assert not bench.is_read() if backend == "sandbox" else not bench.makes_a_difference()
    else:
        assert row.ours not in asdict(bench.order(bench.endpoint()))
    assert exists(row.shown_by), f"there is no test {row.shown_by!r}"


@every_cell(Cell.NOT_YET)
def test_not_yet_cannot_be_asked_for(row: Row, backend: str) -> None:
    """When this fails, something was built: say in the table what it is now."""
    assert not row.ours
    assert not row.shown_by
    assert row.parameter not in {field.name for field in Endpoint._meta.fields}


@every_cell(Cell.NOT_APPLICABLE)
def test_what_does_not_apply_changes_nothing(
    row: Row, backend: str, server: MisbehavingServer, site: Any
) -> None:
    bench = Bench(row, backend, server)
    assert not bench.applies()
    if row.ours in ("leg B", "flow"):
        assert not getattr(bench.order(bench.endpoint()), ORDER_FIELDS[row.ours])
    elif row.ours == "extension":
        with pytest.raises(ValidationError):
            save_endpoint(bench.endpoint(), CHANGES["extension"])
    else:
        assert not bench.makes_a_difference()


def test_a_machine_may_be_talked_to_by_voice_messages_only(
    server: MisbehavingServer, site: Any
) -> None:
    (row, *_) = (row for row in rows() if row.ours == "machine_detection")
    go_on = {"machine_detection": "continue"}
    save_endpoint(Bench(row, "infobip voice message", server).endpoint(), go_on)
    with pytest.raises(ValidationError) as caught:
        save_endpoint(Bench(row, "infobip click-to-call", server).endpoint(), go_on)
    assert list(caught.value.message_dict) == ["machine_detection"]


@pytest.mark.parametrize("backend", ["infobip click-to-call", "infobip IVR"])
def test_an_account_that_records_does_so_natively(
    backend: str, server: MisbehavingServer, site: Any
) -> None:
    providers = our_settings.PROVIDERS
    recording = {**providers["infobip"]["OPTIONS"], "RECORD": True}
    site.CLICKTOCALL = {
        **site.CLICKTOCALL,
        "PROVIDERS": {**providers, "infobip": {**providers["infobip"], "OPTIONS": recording}},
    }
    (row, *_) = (row for row in rows() if row.ours == "record")
    assert Bench(row, backend, server).makes_a_difference()
    with pytest.raises(ValidationError) as caught:
        Bench(row, "infobip voice message", server).endpoint(record=True)
    assert list(caught.value.message_dict) == ["record"]


# --- The table itself -----------------------------------------------------------------------


def test_the_page_is_written_from_the_table() -> None:
    message = "run `python -m tests.providers.matrix`"
    assert PAGE.read_text(encoding="utf-8") == page(), message


def test_every_parameter_of_infobip_s_examples_has_its_row() -> None:
    for system, example in (
        ("Infobip click-to-call", printed.CLICK_TO_CALL),
        ("Infobip click-to-call", printed.CLICK_TO_CALL_WITH_WINDOW),
        ("Infobip voice message", printed.VOICE_MESSAGE),
        ("Infobip IVR", printed.IVR),
    ):
        known = {row.parameter for row in rows() if row.system == system}
        missing = {path for path in paths(printed.repaired(example)) if path not in known}
        assert not missing, f"{system}: {missing}"


# As the documents' own tables of parameters name them.
DOCUMENTED = {
    "Infobip click-to-call": (
        "bulkId messageId from fromB destinationA destinationB text language audioFileUrl record "
        "anonymization notifyUrl notifyContentType maxDuration warningTime retry.minPeriod "
        "retry.maxPeriod retry.maxCount"
    ),
    "Infobip IVR": (
        "bulkId from destinations.to scenarioId messageId parameters notifyUrl notifyContentType "
        "validityPeriod sendAt callbackData retry.minPeriod retry.maxPeriod retry.maxCount "
        "sendingSpeed.speed sendingSpeed.timeUnit"
    ),
    "MobTexting": "bridge from mid webhook_id variables record duration attempts",
    "Kazoo": (
        "extension name auth_required bypass_media caller_id_number custom_application_vars "
        "custom_sip_headers custom_sip_headers.in custom_sip_headers.out dial_first "
        "media.ignore_early_media music_on_hold.media_id outbound_callee_id_name "
        "outbound_callee_id_number presence_id ringback throttle timeout whitelist contact"
    ),
}


@pytest.mark.parametrize("system", DOCUMENTED)
def test_every_documented_parameter_has_its_row(system: str) -> None:
    known = {row.parameter for row in rows() if row.system == system}
    assert set(DOCUMENTED[system].split()) <= known


def test_no_parameter_has_two_rows() -> None:
    named = [(row.system, row.parameter) for row in rows()]
    assert len(named) == len(set(named))


def test_only_what_we_do_names_a_test() -> None:
    for row in rows():
        assert bool(row.shown_by) == (Cell.BY_US in row.cells.values()), row


def test_a_check_of_a_specimen_is_what_refuses_here(site: Any) -> None:
    """The words of a refusal are the adapter's own, so it would refuse the call as well."""
    endpoint = make_endpoint(provider="infobip")
    endpoint.caller_id_a = make_owned_number(endpoint.account)
    order = specimen_order(endpoint, get_provider("infobip"))
    asked = replace(order, options=replace(order.options, parameters={"name": "Ada"}))
    with pytest.raises(InvalidOption) as caught:
        get_provider("infobip").check_order(asked)
    assert caught.value.field == "parameters"


def paths(body: Any, above: str = "") -> Iterator[str]:
    """The parameters of a request; what a client names itself, and clocks, are one parameter."""
    if isinstance(body, list):
        for item in body:
            yield from paths(item, above)
    elif isinstance(body, dict) and not above.startswith(("parameters", "deliveryTimeWindow.")):
        for name, value in body.items():
            inside = name if above in ("", "messages") else f"{above}.{name}"
            yield from paths(value, inside)
    else:
        yield above


@cache
def _names_in(file: str) -> frozenset[str]:
    tree = ast.parse((_CHECKOUT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def exists(test: str) -> bool:
    file, _, name = test.partition("::")
    return (_CHECKOUT / file).is_file() and name.startswith("test_") and name in _names_in(file)
