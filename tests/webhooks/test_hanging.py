"""One receiver that hangs holds up nobody else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from statistics import quantiles

import pytest
from django.utils import timezone

from clicktocall.calls.reports.deliver import delivering
from clicktocall.calls.reports.outbox import receiver_of
from clicktocall.models import Call, Delivery, Webhook
from tests.factories import make_account, make_call, make_endpoint
from tests.webhooks.making import make_delivery, make_webhook
from tests.webhooks.receiver import Message, Receiver

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.django_db(transaction=True)


def wait_for(reached: Callable[[], bool], seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while not reached() and time.monotonic() < give_up_at:
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("hanging", "rounds"),
    [
        pytest.param(1, 4, id="1 of 50"),
        pytest.param(20, 4, marks=pytest.mark.slow, id="20 of 50"),
        pytest.param(1, 100, marks=pytest.mark.slow, id="1 of 50, 4900 reports"),
    ],
)
def test_others_are_told_in_time(hanging: int, rounds: int) -> None:
    over = threading.Event()

    def hang(_message: Message) -> int:
        over.wait(60)
        return 204

    account = make_account()
    call = make_call(make_endpoint(account))
    with ExitStack() as stack:
        stack.callback(over.set)
        receivers = [
            stack.enter_context(Receiver(hang if number < hanging else lambda _message: 204))
            for number in range(50)
        ]
        accounts = [make_account() for _ in range(3)]
        webhooks = [
            make_webhook(accounts[number % 3], url=receiver.url)
            for number, receiver in enumerate(receivers)
        ]
        for webhook in webhooks[:hanging]:  # and it has a queue before anybody else
            for _ in range(100 // hanging):
                make_delivery(webhook, call)
        with delivering():
            time.sleep(1.0)
            for _ in range(rounds):
                now = timezone.now()
                Delivery.objects.bulk_create(_row(webhook, call, now) for webhook in webhooks)
                time.sleep(0.2)
            quick = receivers[hanging:]
            wait_for(lambda: all(len(r.accepted) == rounds for r in quick), 30)
            over.set()
        assert [len(receiver.accepted) for receiver in quick] == [rounds] * len(quick)
        assert all(receiver.most_at_once <= 2 for receiver in quick)
        written_at = dict(Delivery.objects.values_list("pk", "created_at"))
        waits = [
            message.at - written_at[message.id].timestamp()
            for receiver in quick
            for message in receiver.accepted
        ]
    p95 = quantiles(waits, n=20)[-1]
    logger.info("%s to others: p95 %.2f s, longest %.2f s", len(waits), p95, max(waits))
    assert p95 <= 2.0


def _row(webhook: Webhook, call: Call, now: datetime) -> Delivery:
    return Delivery(
        account_id=webhook.account_id,
        webhook=webhook,
        call=call,
        event="call.ended",
        receiver=receiver_of(webhook.url),
        content_type="application/json",
        body=b"{}",
        next_try_at=now,
    )
