"""Infobip's side of the wire, on the loopback address.

It takes orders over HTTP, plays the calls, and pushes reports. It follows the documents of the
provider and knows nothing of the adapter, so that each can prove the other wrong.
"""

from __future__ import annotations

from pathlib import Path

from clicktocall.providers.infobip.simulation.account import Account
from clicktocall.providers.infobip.simulation.answers import unreadable
from clicktocall.providers.infobip.simulation.credentials import Credentials
from clicktocall.providers.infobip.simulation.desk import Desk
from clicktocall.providers.infobip.simulation.faults import FaultPlan
from clicktocall.providers.infobip.simulation.message import Message
from clicktocall.providers.infobip.simulation.player import Player
from clicktocall.providers.infobip.simulation.pushing import Destination, Manners, Pusher
from clicktocall.providers.infobip.simulation.reports import report_v1, report_v2
from clicktocall.providers.infobip.simulation.request_log import RequestLog
from clicktocall.providers.infobip.simulation.stories import Told
from clicktocall.providers.infobip.simulation.switchboard import Switchboard
from clicktocall.providers.simulation.scheduler import Scheduler
from clicktocall.providers.simulation.server import LoopbackServer

LARGEST_REQUEST = 8 * 1024 * 1024  # bytes; twenty thousand destinations take two

_DEFAULT_ACCOUNT = Account()
_DEFAULT_MANNERS = Manners()


class Simulator:
    """The simulated provider as a server of its own.

    Args:
        port: where to listen; 0 takes a free one, see `address`.
        credentials: what customers may present.
        account: the add-ons, prices and habits of their account.
        manners: how reports are pushed.
        faults: requests that fail; without it, only those whose numbers choose it.
        speed: how many times faster than life the calls play.
        seed: chooses every chance there is; the same seed plays the same again.
        log: the file that gets a line for each request before it is answered.
        slow: (real) seconds until a slow answer.
        retry_after: the seconds a throttled customer is asked to wait.

    Raises:
        OSError: the port is taken, or the log cannot be written.
    """

    def __init__(
        self,
        *,
        port: int,
        credentials: Credentials,
        account: Account = _DEFAULT_ACCOUNT,
        manners: Manners = _DEFAULT_MANNERS,
        faults: FaultPlan | None = None,
        speed: float = 1.0,
        seed: int = 0,
        log: Path | None = None,
        slow: float = 30.0,
        retry_after: int = 2,
    ) -> None:
        self._account = account
        self._log = RequestLog(log)
        self._scheduler = Scheduler()
        self._pusher = Pusher(self._scheduler, manners, speed=speed, seed=seed)
        self._switchboard = Switchboard(account, speed=speed, seed=seed)
        desk = Desk(
            account=account,
            credentials=credentials,
            switchboard=self._switchboard,
            player=Player(
                self._scheduler,
                speed=speed,
                seed=seed,
                recording=account.recording,
                ended=self._report,
            ),
            faults=faults or FaultPlan(),
            log=self._log,
            slow=slow,
            retry_after=retry_after,
        )
        try:
            self._server = LoopbackServer(
                port,
                "infobip",
                lambda request: desk.respond(request).as_response(request),
                lambda request, fault: unreadable(fault).as_response(request),
                largest_request=LARGEST_REQUEST,
            )
        except OSError:
            self._log.close()
            raise
        self.address = self._server.address

    def start(self) -> None:
        """Serve in the background until `stop`."""
        self._scheduler.start()
        self._server.start()

    def stop(self) -> None:
        """Stop serving, drop every connection and all that is still to come."""
        self._server.stop()
        self._scheduler.stop()
        self._pusher.stop()
        self._log.close()

    def _report(self, message: Message) -> None:
        """Push the end of a message, or keep it for a customer who pulls."""
        if not message.notify_url:
            if message.story.told != Told.NEVER:
                self._switchboard.keep_for_pulling(message)
            return
        version = message.fields.get("notifyContentVersion") or self._account.report_version
        as_xml = message.fields.get("notifyContentType") == "application/xml"
        report = (
            report_v1(message, self._account, as_xml=as_xml)
            if version == 1
            else report_v2(message, self._account)
        )
        destination = Destination(message.notify_url, as_xml, version)
        self._pusher.tell(destination, report, message.story.told)
