"""What the documentation says of each operation, beside what its view and serializers tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clicktocall.api.contract.shapes import ADDRESS, ID

TITLE = "Click-to-call API"
VERSION = "1"
LICENSE = {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"}
DESCRIPTION = """\
Places calls that join two telephones, and tells what became of them.

* **Who asks:** `Authorization: Bearer <API key>`. A key belongs to one account and has scopes:
  `read`, `call`, `manage`. Somebody who is logged in to the admin may use the API too.
* **Bodies** are JSON objects in UTF-8. A name that nobody reads is refused.
* **Times** are RFC 3339 in UTC.
* **Errors** are `{"error": {"code", "message", "fields"?}}`; programs read `code`.
* **Lists** are pages, newest first: follow `next` until it is null.
* **Every address ends with a slash.**
"""
TAGS = [
    {"name": "Endpoints", "description": "Buttons: who is rung, who may be called, and how."},
    {"name": "Whitelist", "description": "Patterns of numbers that an endpoint may call."},
    {"name": "Calls", "description": "Asking for calls, watching them, ending them."},
    {"name": "Bulks", "description": "Many calls in one request."},
    {"name": "Numbers", "description": "Numbers an account may show or bridge with."},
    {"name": "Webhooks", "description": "Addresses that are told of calls, and what was sent."},
    {"name": "History", "description": "Figures, and requests that were refused."},
]

_STATUS_URL = {"Location": "Where the call is read."}
_NEW = {"Location": "Where it is read."}
_TAG = "The version, for `If-Match` and `If-None-Match`."
IF_MATCH = "If-Match"
IF_NONE_MATCH = "If-None-Match"
IDEMPOTENCY_KEY = "Idempotency-Key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Of a query."""

    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One operation. `more` follows what the view's method says of itself."""

    id: str
    tag: str
    summary: str
    more: str = ""
    success: int = 200
    answer: str = "The answer."
    headers: Mapping[str, str] = field(default_factory=dict)  # of the success: name to meaning
    takes: tuple[str, ...] = ()  # request headers
    problems: tuple[str, ...] = ()  # codes besides those that follow from its kind
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


_MOMENT = {"type": "string", "format": "date-time"}
_OF_ENDPOINT = {"endpoint_id": "$response.body#/id"}
_OF_CALL = {
    "readCall": {"id": "$response.body#/id"},
    "listCallEvents": {"call_id": "$response.body#/id"},
    "cancelCall": {"id": "$response.body#/id"},
}

# view and action -> what is said of it
OPERATIONS: Mapping[str, Described] = {
    "EndpointsView.list": Described(
        id="listEndpoints",
        tag="Endpoints",
        summary="List endpoints",
        answer="A page of endpoints.",
    ),
    "EndpointsView.create": Described(
        id="createEndpoint",
        tag="Endpoints",
        summary="Create an endpoint",
        more="Without a whitelist, or `allow_any_number`, it may call nobody yet.",
        success=201,
        answer="The endpoint.",
        headers={**_NEW, "ETag": _TAG},
        links={
            "readEndpoint": {"id": "$response.body#/id"},
            "changeEndpoint": {"id": "$response.body#/id"},
            "deleteEndpoint": {"id": "$response.body#/id"},
            "connect": _OF_ENDPOINT,
            "listWhitelist": _OF_ENDPOINT,
            "addToWhitelist": _OF_ENDPOINT,
        },
        problems=("conflict",),
    ),
    "EndpointsView.retrieve": Described(
        id="readEndpoint",
        tag="Endpoints",
        summary="Read an endpoint",
        answer="The endpoint.",
        headers={"ETag": _TAG},
        takes=(IF_NONE_MATCH,),
    ),
    "EndpointsView.update": Described(
        id="replaceEndpoint",
        tag="Endpoints",
        summary="Replace an endpoint",
        answer="The endpoint as it is now.",
        headers={"ETag": _TAG},
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "EndpointsView.partial_update": Described(
        id="changeEndpoint",
        tag="Endpoints",
        summary="Change an endpoint",
        answer="The endpoint as it is now.",
        headers={"ETag": _TAG},
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "EndpointsView.destroy": Described(
        id="deleteEndpoint",
        tag="Endpoints",
        summary="Delete an endpoint",
        success=204,
        answer="It is gone.",
        takes=(IF_MATCH,),
        problems=(
            "conflict",
            "in_use",
        ),
    ),
    "ConnectView.create": Described(
        id="connect",
        tag="Calls",
        summary="Ask for a call",
        more=(
            "The answer comes as soon as the call is safely in the queue; follow `status_url`.\n\n"
            "With an `Idempotency-Key` the request can be repeated without ringing twice: the same "
            "key and body get the first answer again, another body is refused (422).\n\n"
            "`options` changes what the endpoint says, for this call. Whose number is shown, "
            "recording, a longer call, redials, transfers, SIP headers and who gets the report "
            "take the scope `manage`."
        ),
        success=202,
        answer="The call is in the queue.",
        headers=_STATUS_URL,
        takes=(IDEMPOTENCY_KEY,),
        problems=(
            "conflict",
            "invalid_number",
            "not_available",
            "closed",
            "idempotency_mismatch",
            "try_later",
        ),
        links=_OF_CALL,
    ),
    "EndpointHistoryView.list": Described(
        id="listEndpointHistory",
        tag="Calls",
        summary="List an endpoint's calls",
        answer="A page of calls.",
    ),
    "WhitelistView.list": Described(
        id="listWhitelist",
        tag="Whitelist",
        summary="List an endpoint's whitelist",
        answer="A page of entries.",
    ),
    "WhitelistView.create": Described(
        id="addToWhitelist",
        tag="Whitelist",
        summary="Add a pattern to a whitelist",
        more=(
            "A pattern is a regular expression (RE2) that is matched from the start of the number "
            r"in E.164, so it begins with `\+`; `$` pins the end."
        ),
        success=201,
        answer="The entry.",
        headers={**_NEW, "ETag": _TAG},
        links={
            "readWhitelistEntry": {
                "endpoint_id": "$request.path.endpoint_id",
                "id": "$response.body#/id",
            },
            "removeFromWhitelist": {
                "endpoint_id": "$request.path.endpoint_id",
                "id": "$response.body#/id",
            },
        },
        problems=("conflict",),
    ),
    "WhitelistView.retrieve": Described(
        id="readWhitelistEntry",
        tag="Whitelist",
        summary="Read an entry",
        answer="The entry.",
        headers={"ETag": _TAG},
        takes=(IF_NONE_MATCH,),
    ),
    "WhitelistView.update": Described(
        id="replaceWhitelistEntry",
        tag="Whitelist",
        summary="Replace an entry",
        answer="The entry as it is now.",
        headers={"ETag": _TAG},
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "WhitelistView.partial_update": Described(
        id="changeWhitelistEntry",
        tag="Whitelist",
        summary="Change an entry",
        answer="The entry as it is now.",
        headers={"ETag": _TAG},
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "WhitelistView.destroy": Described(
        id="removeFromWhitelist",
        tag="Whitelist",
        summary="Remove an entry",
        success=204,
        answer="It is gone.",
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "CallsView.list": Described(
        id="listCalls",
        tag="Calls",
        summary="List calls",
        answer="A page of calls.",
    ),
    "CallsView.retrieve": Described(
        id="readCall",
        tag="Calls",
        summary="Read a call",
        more="`poll_after` says in how many seconds it is worth asking again; null: never.",
        answer="The call.",
        headers={"ETag": _TAG},
        takes=(IF_NONE_MATCH,),
    ),
    "CallEventsView.list": Described(
        id="listCallEvents",
        tag="Calls",
        summary="List a call's events",
        answer="A page of events.",
    ),
    "CallsView.cancel": Described(
        id="cancelCall",
        tag="Calls",
        summary="Cancel a call",
        more="A call that is over stays as it is. The body, if any, is not read.",
        success=202,
        answer="The call as it is now; that it ended may take a moment.",
        problems=("not_cancellable",),
    ),
    "CallsView.recording": Described(
        id="getRecording",
        tag="Calls",
        summary="Listen to a recording",
        answer="The sound, in the type its provider keeps it in.",
        headers={"Content-Disposition": "A name for the file."},
        problems=("provider_refused",),
    ),
    "BulksView.list": Described(
        id="listBulks",
        tag="Bulks",
        summary="List bulks",
        answer="A page of bulks.",
    ),
    "BulksView.create": Described(
        id="createBulk",
        tag="Bulks",
        summary="Ask for many calls",
        more=(
            "A call that a rule refuses is told in `refused` and stops no other. With an "
            "`Idempotency-Key` the request can be repeated without ringing anybody twice."
        ),
        success=202,
        answer="What was accepted is in the queue.",
        headers={"Location": "Where the bulk is read."},
        takes=(IDEMPOTENCY_KEY,),
        problems=("idempotency_mismatch", "try_later"),
        links={
            "readBulk": {"id": "$response.body#/id"},
            "pauseBulk": {"id": "$response.body#/id"},
            "resumeBulk": {"id": "$response.body#/id"},
            "rescheduleBulk": {"id": "$response.body#/id"},
            "cancelBulk": {"id": "$response.body#/id"},
        },
    ),
    "BulksView.retrieve": Described(
        id="readBulk",
        tag="Bulks",
        summary="Read a bulk",
        answer="The bulk.",
    ),
    "BulksView.pause": Described(
        id="pauseBulk",
        tag="Bulks",
        summary="Pause a bulk",
        more="What a provider has goes on, and nothing expires. The body, if any, is not read.",
        answer="The bulk as it is now.",
    ),
    "BulksView.resume": Described(
        id="resumeBulk",
        tag="Bulks",
        summary="Resume a bulk",
        more="One that is not paused stays as it is. The body, if any, is not read.",
        answer="The bulk as it is now.",
    ),
    "BulksView.reschedule": Described(
        id="rescheduleBulk",
        tag="Bulks",
        summary="Move a bulk",
        answer="The bulk as it is now.",
    ),
    "BulksView.cancel": Described(
        id="cancelBulk",
        tag="Bulks",
        summary="Cancel a bulk",
        more="What a provider has goes on; cancel those one by one. The body, if any, is not read.",
        answer="The bulk as it is now.",
    ),
    "NumbersView.list": Described(
        id="listNumbers",
        tag="Numbers",
        summary="List numbers",
        answer="A page of numbers.",
    ),
    "NumbersView.create": Described(
        id="createNumber",
        tag="Numbers",
        summary="Add a number",
        success=201,
        answer="The number.",
        headers={**_NEW, "ETag": _TAG},
        links={
            "readNumber": {"id": "$response.body#/id"},
            "changeNumber": {"id": "$response.body#/id"},
            "deleteNumber": {"id": "$response.body#/id"},
        },
        problems=("conflict",),
    ),
    "NumbersView.retrieve": Described(
        id="readNumber",
        tag="Numbers",
        summary="Read a number",
        answer="The number.",
        headers={"ETag": _TAG},
        takes=(IF_NONE_MATCH,),
    ),
    "NumbersView.update": Described(
        id="replaceNumber",
        tag="Numbers",
        summary="Replace a number",
        answer="The number as it is now.",
        headers={"ETag": _TAG},
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "NumbersView.partial_update": Described(
        id="changeNumber",
        tag="Numbers",
        summary="Change a number",
        answer="The number as it is now.",
        headers={"ETag": _TAG},
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "NumbersView.destroy": Described(
        id="deleteNumber",
        tag="Numbers",
        summary="Remove a number",
        success=204,
        answer="It is gone.",
        problems=(
            "conflict",
            "in_use",
        ),
        takes=(IF_MATCH,),
    ),
    "WebhooksView.list": Described(
        id="listWebhooks",
        tag="Webhooks",
        summary="List webhooks",
        answer="A page of webhooks.",
    ),
    "WebhooksView.create": Described(
        id="createWebhook",
        tag="Webhooks",
        summary="Add a webhook",
        more=(
            "Messages are signed as Standard Webhooks has it (`webhook-id`, `webhook-timestamp`, "
            "`webhook-signature`) and sent until they are answered with 2xx, for about three days."
        ),
        success=201,
        answer="The webhook with its secret.",
        headers={**_NEW, "ETag": _TAG},
        links={
            "readWebhook": {"id": "$response.body#/id"},
            "changeWebhook": {"id": "$response.body#/id"},
            "rotateWebhookSecret": {"id": "$response.body#/id"},
            "listWebhookDeliveries": {"webhook_id": "$response.body#/id"},
            "deleteWebhook": {"id": "$response.body#/id"},
        },
        problems=("conflict",),
    ),
    "WebhooksView.retrieve": Described(
        id="readWebhook",
        tag="Webhooks",
        summary="Read a webhook",
        more="One that is not active says since when in `disabled_at`, and why.",
        answer="The webhook.",
        headers={"ETag": _TAG},
        takes=(IF_NONE_MATCH,),
    ),
    "WebhooksView.update": Described(
        id="replaceWebhook",
        tag="Webhooks",
        summary="Replace a webhook",
        answer="The webhook as it is now.",
        headers={"ETag": _TAG},
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "WebhooksView.partial_update": Described(
        id="changeWebhook",
        tag="Webhooks",
        summary="Change a webhook",
        answer="The webhook as it is now.",
        headers={"ETag": _TAG},
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "WebhooksView.destroy": Described(
        id="deleteWebhook",
        tag="Webhooks",
        summary="Remove a webhook",
        success=204,
        answer="It is gone.",
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "WebhooksView.rotate": Described(
        id="rotateWebhookSecret",
        tag="Webhooks",
        summary="Replace a webhook's secret",
        more="The body, if any, is not read.",
        answer="The new secret.",
        takes=(IF_MATCH,),
        problems=("conflict",),
    ),
    "WebhookDeliveriesView.list": Described(
        id="listWebhookDeliveries",
        tag="Webhooks",
        summary="List a webhook's deliveries",
        answer="A page of deliveries.",
    ),
    "DeliveriesView.list": Described(
        id="listDeliveries",
        tag="Webhooks",
        summary="List deliveries",
        answer="A page of deliveries.",
    ),
    "DeliveriesView.retrieve": Described(
        id="readDelivery",
        tag="Webhooks",
        summary="Read a delivery",
        answer="The delivery.",
    ),
    "DeliveriesView.replay": Described(
        id="replayDelivery",
        tag="Webhooks",
        summary="Replay a delivery",
        more="Refused while its webhook is switched off. The body, if any, is not read.",
        success=202,
        answer="The delivery as it is now.",
        problems=("invalid_request",),
    ),
    "RefusalsView.list": Described(
        id="listRefusals",
        tag="History",
        summary="List refused requests",
        answer="A page of refusals.",
    ),
    "StatisticsView.retrieve": Described(
        id="readStatistics",
        tag="History",
        summary="Read figures",
        answer="The figures.",
        problems=("invalid_request",),
        parameters={
            "since": Parameter(
                description="Calls requested then or later; by default 30 days before `until`.",
                schema=_MOMENT,
            ),
            "until": Parameter(
                description="Calls requested earlier; by default now. At most 366 days later.",
                schema=_MOMENT,
            ),
            "endpoint": Parameter(description="Only of this endpoint.", schema=ID),
            "time_zone": Parameter(
                description="Whose midnights the days begin at; by default UTC.",
                schema={"type": "string", "minLength": 1, "maxLength": 64},
            ),
        },
    ),
}

PATH_VARIABLES = {
    "endpoint_id": "The endpoint's id.",
    "call_id": "The call's id.",
    "webhook_id": "The webhook's id.",
}
# What may be sent along, by the header's name.
REQUEST_HEADERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    IF_MATCH: (
        "Go on only if the object still has this `ETag`; otherwise 412.",
        {"type": "string"},
    ),
    IF_NONE_MATCH: (
        "Answer 304 without a body if the object still has this `ETag`.",
        {"type": "string"},
    ),
    IDEMPOTENCY_KEY: (
        "Your own name for this request, such as a UUID; kept for your account.",
        {"type": "string", "pattern": "^[!-~]{1,128}$"},
    ),
}
ANSWER_HEADERS: Mapping[str, Mapping[str, Any]] = {
    "Location": ADDRESS,
    "ETag": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
    "Content-Disposition": {"type": "string"},
    "Retry-After": {"type": "integer", "minimum": 0},
    "WWW-Authenticate": {"type": "string", "const": "Bearer"},
}
