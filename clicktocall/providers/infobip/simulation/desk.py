"""The provider's front desk: every request comes here, is checked, logged, then answered."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from clicktocall.providers.infobip.simulation import schema
from clicktocall.providers.infobip.simulation.account import Account
from clicktocall.providers.infobip.simulation.answers import (
    Answer,
    bad_request,
    failed,
    not_found,
    unauthorized,
)
from clicktocall.providers.infobip.simulation.bulks import CANCELED, PAUSED, PENDING, Bulk
from clicktocall.providers.infobip.simulation.checking import check
from clicktocall.providers.infobip.simulation.credentials import Credentials
from clicktocall.providers.infobip.simulation.faults import Fault, FaultPlan, Mishap
from clicktocall.providers.infobip.simulation.message import PRODUCTS, Message, Product
from clicktocall.providers.infobip.simulation.player import Player
from clicktocall.providers.infobip.simulation.reports import log_row, moment, network_of, report_v2
from clicktocall.providers.infobip.simulation.request_log import RequestLog
from clicktocall.providers.infobip.simulation.stories import story_of
from clicktocall.providers.infobip.simulation.switchboard import (
    Decision,
    Switchboard,
    ordered_in,
)
from clicktocall.providers.infobip.simulation.timetable import parse_moment
from clicktocall.providers.simulation.server import Request
from clicktocall.providers.simulation.tone import TONE

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Line = dict[str, Any]

MOST_LISTED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Answers requests. `slow` and `retry_after` are the seconds of those two faults."""

    account: Account
    credentials: Credentials
    switchboard: Switchboard
    player: Player
    faults: FaultPlan
    log: RequestLog
    slow: float
    retry_after: int

    def respond(self, request: Request) -> Answer:
        """The answer; what it decides stands in the log, on the disk, when it returns."""
        if request.path == "/health":
            return Answer(content={"status": "ok", "counts": self.switchboard.counts})
        line: Line = {"method": request.method, "path": request.path}
        if not self.credentials.accept(request.headers.get("Authorization", "")):
            return self._logged(unauthorized(), line, "unauthorized")
        if request.method == "POST" and request.path in PRODUCTS:
            return self._order(PRODUCTS[request.path], request, line)
        route = _ROUTES.get((request.method, request.path)) or _route_of_file(request)
        if route is None:
            return self._logged(not_found(), line, "not found")
        return self._look_up(route, request, line)

    def _logged(self, answer: Answer, line: Line, decision: str) -> Answer:
        self.log.write({**line, "status": answer.status, "decision": decision})
        return answer

    # Orders.

    def _order(self, product: Product, request: Request, line: Line) -> Answer:
        document = _decoded(request)
        if document is None:
            return self._logged(bad_request("The body is not JSON"), line, "refused")
        findings = check(document, product.schema)
        if findings.unknown:
            logger.warning("%s: unknown %s", request.path, ", ".join(findings.unknown))
            line["unknown"] = findings.unknown
        if findings.wrong:
            line["wrong"] = findings.wrong
            return self._logged(bad_request(wrong=findings.wrong), line, "refused")
        fault = self.faults.of_order(
            (ordered.numbers, story_of(*ordered.numbers)) for ordered in ordered_in(document)
        )
        if fault is not None:
            line["fault"] = fault.name
            if not fault.rings:
                return self._fail(fault, document, line)
        return self._take(product, document, fault, line)

    def _fail(self, fault: Fault, document: Json, line: Line) -> Answer:
        line["messages"] = [
            {
                "messageId": ordered.message_id,
                "numbers": list(ordered.numbers),
                "decision": "not taken",
            }
            for ordered in ordered_in(document)
        ]
        return self._logged(failed(fault, self.retry_after), line, "failed")

    def _take(self, product: Product, document: Json, fault: Fault | None, line: Line) -> Answer:
        bulk, decisions = self.switchboard.take(product, document)
        line["bulkId"] = bulk.id
        line["messages"] = [
            {
                "messageId": decision.message_id,
                "numbers": list(decision.numbers),
                "decision": decision.word,
                "status": decision.status.name,
            }
            for decision in decisions
        ]
        answer = self._accepted(bulk, decisions, named="bulkId" in document)
        if fault is not None:
            answer = self._spoiled(answer, fault)
        self._logged(answer, line, "taken")
        self.player.start(bulk)  # not before the log knows that phones ring
        return answer

    def _accepted(self, bulk: Bulk, decisions: list[Decision], *, named: bool) -> Answer:
        """`bulkId` is only told when the customer chose it, or when there are several phones."""
        content: Json = {"bulkId": bulk.id} if named or len(decisions) > 1 else {}
        content["messages"] = [
            {
                "to": decision.numbers[0],
                "status": decision.status.as_json(),
                "messageId": decision.message_id,
            }
            for decision in decisions
        ]
        return Answer(content=content, root="voiceResponse")

    def _spoiled(self, answer: Answer, fault: Fault) -> Answer:
        if fault.status != HTTPStatus.OK:
            return failed(fault, self.retry_after)
        answer.mishap = fault.mishap
        answer.wait = self.slow if fault.mishap == Mishap.SLOW else 0.0
        return answer

    # What became of them.

    def _look_up(self, route: _Route, request: Request, line: Line) -> Answer:
        fault = self.faults.of_lookup()
        if fault is not None:
            line["fault"] = fault.name
            if not fault.rings:
                return self._logged(failed(fault, self.retry_after), line, "failed")
        try:
            answer = route(self, request)
        except _WrongQuery as wrong:
            answer = bad_request(wrong={wrong.name: [wrong.fault]})
        decision = "answered" if answer.status == HTTPStatus.OK else "refused"
        return self._logged(self._spoiled(answer, fault) if fault else answer, line, decision)

    def pull_reports(self, request: Request) -> Answer:
        bulk_id, message_id = _one(request, "bulkId"), _one(request, "messageId")
        found = self.switchboard.hand_out(
            lambda message: bulk_id in (None, message.bulk_id) and message_id in (None, message.id),
            _limit(request),
        )
        reports = [report_v2(message, self.account) for message in found]
        return Answer(content={"results": reports}, root="reportResponse")

    def list_logs(self, request: Request) -> Answer:
        wanted = _log_filter(request)
        found = [message for message in self.switchboard.logged() if wanted(message)]
        rows = [log_row(message, self.account) for message in found[: _limit(request)]]
        return Answer(content={"results": rows}, root="voiceLogsResponse")

    # Bulks that wait.

    def show_bulk_status(self, request: Request) -> Answer:
        bulk = self._bulk(request)
        return _bulk_status(bulk)

    def change_bulk_status(self, request: Request) -> Answer:
        bulk = self._bulk(request)
        document = _decoded(request)
        findings = check(document, schema.BULK_STATUS)
        if findings.wrong or not isinstance(document, dict):
            return bad_request(wrong=findings.wrong)
        change = {
            PAUSED: self.player.pause,
            PENDING: self.player.resume,
            "PROCESSING": self.player.resume,
            CANCELED: self.player.cancel,
        }.get(document["status"])
        if change is None or not bulk.waiting:
            return bad_request("The bulk cannot get this status")
        change(bulk)
        return _bulk_status(bulk)

    def show_bulk(self, request: Request) -> Answer:
        return _bulk_time(self._bulk(request))

    def move_bulk(self, request: Request) -> Answer:
        bulk = self._bulk(request)
        document = _decoded(request)
        findings = check(document, schema.BULK_TIME)
        if findings.wrong or not isinstance(document, dict):
            return bad_request(wrong=findings.wrong)
        if bulk.status != PAUSED:
            return bad_request("Only a paused bulk can be sent at another time")
        self.player.move(bulk, parse_moment(document["sendAt"]))
        return _bulk_time(bulk)

    def _bulk(self, request: Request) -> Bulk:
        bulk = self.switchboard.find_bulk(_one(request, "bulkId") or "")
        if bulk is None:
            raise _WrongQuery("bulkId", "is not that of a scheduled bulk")
        return bulk

    # Recordings.

    def list_files(self, request: Request) -> Answer:
        message_id, number = _one(request, "messageId"), _one(request, "number")
        found = [
            message
            for message in self.switchboard.recorded()
            if message.is_ivr
            and message_id in (None, message.id)
            and number in (None, message.numbers[0])
        ]
        size = _number(request, "pageSize", 20)
        first = _number(request, "page", 0) * size
        files = [_file(message) for message in found[first : first + size]]
        return Answer(content={"files": files}, root="recordedAudioFilesResponse")

    def send_file(self, request: Request) -> Answer:
        """One second of a tone; the two addresses differ in the type they give it."""
        folder, _, recording_id = request.path.rpartition("/")
        known = {message.recording_id for message in self.switchboard.recorded()}
        if recording_id not in known:
            return not_found()
        return Answer(file=TONE, file_type=_FILE_FOLDERS[folder])


_Route = Callable[[Desk, Request], Answer]

_ROUTES: dict[tuple[str, str], _Route] = {
    ("GET", "/voice/1/reports"): Desk.pull_reports,
    ("GET", "/tts/3/logs"): Desk.list_logs,
    ("GET", "/tts/3/bulks/status"): Desk.show_bulk_status,
    ("PUT", "/tts/3/bulks/status"): Desk.change_bulk_status,
    ("GET", "/tts/3/bulks"): Desk.show_bulk,
    ("PUT", "/tts/3/bulks"): Desk.move_bulk,
    ("GET", "/voice/ivr/1/files"): Desk.list_files,
}
_FILE_FOLDERS = {
    "/voice/ivr/1/files": "audio/vnd.wave",
    "/calls/1/recordings/files": "application/octet-stream",
}


class _WrongQuery(Exception):
    def __init__(self, name: str, fault: str) -> None:
        super().__init__(name)
        self.name = name
        self.fault = fault


def _route_of_file(request: Request) -> _Route | None:
    folder = request.path.rpartition("/")[0]
    return Desk.send_file if request.method == "GET" and folder in _FILE_FOLDERS else None


def _decoded(request: Request) -> Any:
    """The JSON of a request; None when it is not JSON, or does not say so."""
    if request.headers.get_content_type() != "application/json":
        return None
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        return None


def _bulk_status(bulk: Bulk) -> Answer:
    return Answer(content={"bulkId": bulk.id, "status": bulk.status}, root="BulkStatusResponse")


def _bulk_time(bulk: Bulk) -> Answer:
    return Answer(content={"bulkId": bulk.id, "sendAt": moment(bulk.send_at)}, root="BulkResponse")


def _file(message: Message) -> Json:
    return {
        "messageId": message.id,
        "from": message.sender,
        "to": message.numbers[0],
        "scenarioId": message.fields["scenarioId"],
        "groupId": "#/script/1",
        "url": f"/voice/ivr/1/files/{message.recording_id}",
        "recordedAt": moment(message.ended_at),
    }


def _log_filter(request: Request) -> Callable[[Message], bool]:
    ids, bulks = _all(request, "messageId"), _all(request, "bulkId")
    since, until = _moment(request, "sentSince"), _moment(request, "sentUntil")
    exact: list[tuple[str | None, Callable[[Message], str]]] = [
        (_one(request, "from"), lambda message: message.sender),
        (_one(request, "to"), lambda message: message.numbers[0]),
        (_one(request, "generalStatus"), lambda message: message.status.group_name),
        (_one(request, "mcc"), lambda message: network_of(message.numbers[0])[:3]),
        (_one(request, "mnc"), lambda message: network_of(message.numbers[0])[3:]),
    ]

    def wanted(message: Message) -> bool:
        sent = message.begun_at or message.accepted_at
        return (
            (not ids or message.id in ids)
            and (not bulks or message.bulk_id in bulks)
            and (since is None or sent >= since)
            and (until is None or sent <= until)
            and all(value in (None, told(message)) for value, told in exact)
        )

    return wanted


def _all(request: Request, name: str) -> list[str]:
    """Every value of a name, given several times or with commas between."""
    return [value for text in request.query.get(name, []) for value in text.split(",")]


def _one(request: Request, name: str) -> str | None:
    values = request.query.get(name)
    return values[0] if values else None


def _limit(request: Request) -> int:
    return max(_number(request, "limit", MOST_LISTED), 1)


def _number(request: Request, name: str, otherwise: int) -> int:
    text = _one(request, name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise _WrongQuery(name, "must be a number")
    return int(text)


def _moment(request: Request, name: str) -> datetime | None:
    text = _one(request, name)
    if text is None:
        return None
    try:
        return parse_moment(text)
    except (ValueError, OverflowError):
        raise _WrongQuery(name, "must be a date and time") from None
