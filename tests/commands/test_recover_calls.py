"""`manage.py recover_calls`: what every dispatcher does by itself, for whoever runs none."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from clicktocall.calls.claim import claim_due
from clicktocall.models import Call
from clicktocall.states import Outcome
from tests.factories import make_call, make_endpoint


@pytest.mark.django_db(transaction=True)
def test_it_ends_when_nothing_is_left() -> None:
    endpoint = make_endpoint(provider="sandbox")
    for _ in range(101):  # more than are looked after at once
        make_call(endpoint)
    assert len(claim_due("sandbox", "a dispatcher that dies", 200)) == 101
    Call.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    out = StringIO()
    call_command("recover_calls", stdout=out)
    assert "101 calls and reports were brought further." in out.getvalue()
    assert set(Call.objects.values_list("outcome", flat=True)) == {Outcome.UNKNOWN}
    out = StringIO()
    call_command("recover_calls", stdout=out)
    assert out.getvalue() == "0 calls and reports were brought further.\n"
