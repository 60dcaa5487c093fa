"""Deliverers in processes of their own: `python -m tests.webhooks.process deliver|dispatch`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from tests.embed.gunicorn import CHECKOUT, address_of_this_database
from tests.postgres import URL

# Of the processes below, so that what a killed one had taken is soon taken by the next.
LEASE = timedelta(seconds=2)
_PAUSES = (0.1,) * 200


@contextmanager
def running(what: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process on the database of this test; it is killed at the end if it still runs."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        URL: address_of_this_database(),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.webhooks.process", what],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _main(what: str) -> None:
    import django
    from django.conf import settings

    settings.CLICKTOCALL = {
        **settings.CLICKTOCALL,
        "ALLOWED_PRIVATE_HOSTS": ["127.0.0.1"],
        "REPORT_PAUSES": _PAUSES,
    }
    django.setup()
    if what == "dispatch":
        from django.core.management import call_command

        call_command("run_dispatcher")
        return
    from clicktocall.calls.reports.deliver import Deliverer
    from clicktocall.outbound import Limits

    deliverer = Deliverer(Limits(total=1.0), LEASE)
    signal.signal(signal.SIGTERM, lambda *_: deliverer.stop())
    deliverer.run()


if __name__ == "__main__":
    _main(sys.argv[1])
