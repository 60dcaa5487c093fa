"""A dispatcher is killed (SIGKILL) at every named moment: nobody is rung twice, no call is lost.

Row 50 of the fault table. The phones are counted in the simulator's own durable log.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from clicktocall.models import Call, Endpoint
from clicktocall.orders import DialFirst
from clicktocall.states import CallState, Outcome
from tests.factories import make_account, make_endpoint, make_owned_number
from tests.faults.points import POINTS, Point
from tests.faults.ward import DEDUPE, Ward, ward

pytestmark = pytest.mark.django_db(transaction=True)

CALLS = 3
# At each moment, with each kind of provider, in the long run: three, so 141 in all, by default.
KILLS = int(os.environ.get("CLICKTOCALL_KILLS", "3"))


@pytest.fixture(scope="module", params=list(DEDUPE))
def running_ward(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, django_db_setup: Any
) -> Iterator[tuple[Ward, dict[str, Any]]]:
    with ward(request.param, tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.fixture
def patients(running_ward: tuple[Ward, dict[str, Any]], settings: Any) -> Ward:
    started, configured = running_ward
    settings.CLICKTOCALL = {**settings.CLICKTOCALL, **configured}
    return started


def endpoint() -> Endpoint:
    account = make_account()
    return make_endpoint(
        account=account,
        provider="infobip",
        dial_first=DialFirst.CONTACT,
        extension="+442079460250",  # its digits choose no story of the simulator
        caller_id_a=make_owned_number(account),
    )


def kill_once(patients: Ward, name: str, passing: int) -> list[Call]:
    """Three calls whose dispatcher is killed at this moment, and what became of them."""
    point = POINTS[name]
    calls = patients.new_calls(endpoint(), CALLS)
    prepare(patients, point)
    patients.kill_at(name, passing)
    patients.bring_to_an_end(calls)
    return [Call.objects.get(pk=call.pk) for call in calls]


def prepare(patients: Ward, point: Point) -> None:
    """What must have happened before: a claim of the dead, or that claim found to be in doubt."""
    if point.needs:
        patients.kill_at("sent, no answer read")
        patients.age()
    if point.needs == "doubt":
        patients.kill_at("doubt judged")
        patients.age()


def check(patients: Ward, calls: list[Call]) -> Counter[str]:
    rung = patients.rung(calls)
    for call in calls:
        assert rung[call.pk] <= 1, f"rung {rung[call.pk]} times: {call.pk}"
        if patients.kind == "none":
            assert (call.state, call.outcome) in {
                (CallState.PLACED, None),
                (CallState.ENDED, Outcome.UNKNOWN),
                (CallState.ENDED, Outcome.COMPLETED),  # as the log told later
            }
        else:  # where it was looked up, the talk may be over by now
            assert call.outcome in (None, Outcome.COMPLETED)
            assert rung[call.pk] == 1
        if call.outcome == Outcome.UNKNOWN:
            assert call.outcome_words, "unknown, and it says why"
    return Counter(str(call.outcome or call.state) for call in calls)


@pytest.mark.parametrize("name", POINTS)
def test_a_dispatcher_killed_at_any_moment_rings_nobody_twice_and_loses_no_call(
    patients: Ward, name: str
) -> None:
    if patients.kind not in POINTS[name].kinds:
        pytest.skip("nothing is asked of a provider of this kind")
    check(patients, kill_once(patients, name, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", POINTS)
def test_many_dispatchers_killed_at_every_moment(
    patients: Ward, name: str, table: list[str]
) -> None:
    if patients.kind not in POINTS[name].kinds:
        pytest.skip("nothing is asked of a provider of this kind")
    ends: Counter[str] = Counter()
    for _ in range(KILLS):
        ends += check(patients, kill_once(patients, name, 1))
    told = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
    table.append(f"{patients.kind:<8}{name:<36}{KILLS:>4} kills: {told}")


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    """A line for each kind and moment, shown by `make torture`."""
    lines: list[str] = []
    yield lines
    sys.stdout.write("\n".join(["", *lines, "0 phones rung twice, 0 calls lost\n"]))
