"""Killed deliverers and failing receivers: nothing is lost, and a repeat is known as one."""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from clicktocall.models import Delivery, Webhook
from clicktocall.states import CallState
from tests.factories import make_account, make_call, make_endpoint
from tests.webhooks.making import make_delivery, make_webhook, secret_of
from tests.webhooks.process import running
from tests.webhooks.receiver import TAKEN_WITHOUT_ANSWER, Message, Receiver

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.django_db(transaction=True)

_RECEIVERS = 10


def failing_thirty_percent(seed: int) -> Callable[[Message], int]:
    """Three in ten fail: refused, broken off, or taken with the answer lost."""
    chance, lock = random.Random(seed), threading.Lock()

    def answer(_message: Message) -> int:
        with lock:
            drawn = chance.random()
        if drawn < 0.1:
            return 500
        if drawn < 0.2:
            raise ConnectionAbortedError  # read, not taken, never answered
        return TAKEN_WITHOUT_ANSWER if drawn < 0.3 else 200

    return answer


def until(reached: Callable[[], bool], seconds: float) -> bool:
    give_up_at = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.01)
    return True


def written(webhooks: list[Webhook], count: int) -> set[str]:
    """So many deliveries, in the outbox of all of these."""
    call = make_call(make_endpoint(webhooks[0].account), state=CallState.ENDED)
    rows = [
        make_delivery(webhooks[number % len(webhooks)], call, body=f'{{"n":{number}}}'.encode())
        for number in range(min(count, len(webhooks)))
    ]
    more = []
    for number in range(len(rows), count):
        row = Delivery.objects.get(pk=rows[number % len(rows)].pk)
        row.pk = f"{number:032x}"
        row.body = f'{{"n":{number}}}'.encode()
        more.append(row)
    Delivery.objects.bulk_create(more, batch_size=500)
    return set(Delivery.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("count", "kill_every", "patience"),
    [
        pytest.param(300, 75, 60, id="300"),
        pytest.param(10_000, 100, 900, marks=pytest.mark.slow, id="10000"),
    ],
)
def test_killed_again_and_again_nothing_is_lost(
    count: int, kill_every: int, patience: float
) -> None:
    account = make_account()
    with ExitStack() as stack:
        receivers = [
            stack.enter_context(Receiver(failing_thirty_percent(seed)))
            for seed in range(_RECEIVERS)
        ]
        webhooks = [make_webhook(account, url=receiver.url) for receiver in receivers]
        ids = written(webhooks, count)

        def reached(mark: int) -> bool:
            return sum(len(receiver.accepted) for receiver in receivers) >= mark

        kills, deadline = 0, time.monotonic() + patience
        for mark in range(kill_every, count, kill_every):
            with running("deliver") as process:
                assert until(partial(reached, mark), deadline - time.monotonic())
                process.kill()
                assert process.wait() == -signal.SIGKILL
                kills += 1
        with running("deliver") as process:
            assert until(
                lambda: not Delivery.objects.exclude(state="delivered").exists(),
                deadline - time.monotonic(),
            ), Counter(Delivery.objects.values_list("state", "last_words"))
            process.terminate()
            assert process.wait(20) == 0
        messages = [(number, one) for number, r in enumerate(receivers) for one in r.accepted]

    assert kills == (count - 1) // kill_every
    assert {message.id for _, message in messages} == ids  # none lost, none invented
    bodies = defaultdict(set)
    for number, message in messages:
        Verifier(secret_of(webhooks[number])).verify(message.body, message.headers)
        bodies[message.id].add(message.body)
    assert all(len(each) == 1 for each in bodies.values())
    logger.info("%s reports, %s kills, %s arrived again", count, kills, len(messages) - count)


def test_the_dispatcher_delivers_too_and_stops_cleanly() -> None:
    began = threading.Event()

    def slowly(_message: Message) -> int:
        began.set()
        time.sleep(1.0)
        return 204

    with Receiver(slowly) as receiver:
        webhook = make_webhook(url=receiver.url)
        ids = written([webhook], 30)
        with running("dispatch") as process:
            assert began.wait(20)
            process.terminate()
            assert process.wait(20) == 0
        arrived = {message.id for message in receiver.accepted}
    # What was under way was waited for and recorded, the rest given back at once.
    assert 1 <= len(arrived) <= 2
    assert set(Delivery.objects.filter(state="delivered").values_list("pk", flat=True)) == arrived
    waiting = Delivery.objects.filter(state="pending")
    assert set(waiting.values_list("pk", flat=True)) == ids - arrived
    assert waiting.filter(tries=0).count() == len(ids - arrived)
