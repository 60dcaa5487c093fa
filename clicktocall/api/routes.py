"""What the contract describes: every address once, with what each method does there."""

from django.urls import path

from clicktocall.api.views.bulks import BulksView
from clicktocall.api.views.calls import CallEventsView, CallsView, EndpointHistoryView
from clicktocall.api.views.connect import ConnectView
from clicktocall.api.views.endpoints import EndpointsView
from clicktocall.api.views.history import RefusalsView, StatisticsView
from clicktocall.api.views.numbers import NumbersView
from clicktocall.api.views.webhooks import DeliveriesView, WebhookDeliveriesView, WebhooksView
from clicktocall.api.views.whitelist import WhitelistView
from clicktocall.rest import converters  # noqa: F401  (registers them)

_COLLECTION = {"get": "list", "post": "create"}
_ONE = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}

routes = [
    path("endpoints/", EndpointsView.as_view(_COLLECTION), name="api-endpoints"),
    path("endpoints/<ctc_id:pk>/", EndpointsView.as_view(_ONE), name="api-endpoint"),
    path(
        "endpoints/<ctc_id:endpoint_id>/connect/",
        ConnectView.as_view({"post": "create"}),
        name="api-connect",
    ),
    path(
        "endpoints/<ctc_id:endpoint_id>/history/",
        EndpointHistoryView.as_view({"get": "list"}),
        name="api-history",
    ),
    path(
        "endpoints/<ctc_id:endpoint_id>/whitelist/",
        WhitelistView.as_view(_COLLECTION),
        name="api-whitelist",
    ),
    path(
        "endpoints/<ctc_id:endpoint_id>/whitelist/<ctc_row:pk>/",
        WhitelistView.as_view(_ONE),
        name="api-whitelist-entry",
    ),
    path("calls/", CallsView.as_view({"get": "list"}), name="api-calls"),
    path("calls/<ctc_id:pk>/", CallsView.as_view({"get": "retrieve"}), name="api-call"),
    path(
        "calls/<ctc_id:call_id>/events/",
        CallEventsView.as_view({"get": "list"}),
        name="api-call-events",
    ),
    path(
        "calls/<ctc_id:pk>/cancel/", CallsView.as_view({"post": "cancel"}), name="api-call-cancel"
    ),
    path(
        "calls/<ctc_id:pk>/recording/",
        CallsView.as_view({"get": "recording"}),
        name="api-call-recording",
    ),
    path("bulks/", BulksView.as_view(_COLLECTION), name="api-bulks"),
    path("bulks/<ctc_id:pk>/", BulksView.as_view({"get": "retrieve"}), name="api-bulk"),
    *(
        path(
            f"bulks/<ctc_id:pk>/{action}/",
            BulksView.as_view({"post": action}),
            name=f"api-bulk-{action}",
        )
        for action in ("pause", "resume", "reschedule", "cancel")
    ),
    path("numbers/", NumbersView.as_view(_COLLECTION), name="api-numbers"),
    path("numbers/<ctc_row:pk>/", NumbersView.as_view(_ONE), name="api-number"),
    path("webhooks/", WebhooksView.as_view(_COLLECTION), name="api-webhooks"),
    path("webhooks/<ctc_id:pk>/", WebhooksView.as_view(_ONE), name="api-webhook"),
    path(
        "webhooks/<ctc_id:pk>/rotate/",
        WebhooksView.as_view({"post": "rotate"}),
        name="api-webhook-rotate",
    ),
    path(
        "webhooks/<ctc_id:webhook_id>/deliveries/",
        WebhookDeliveriesView.as_view({"get": "list"}),
        name="api-webhook-deliveries",
    ),
    path("deliveries/", DeliveriesView.as_view({"get": "list"}), name="api-deliveries"),
    path(
        "deliveries/<ctc_id:pk>/", DeliveriesView.as_view({"get": "retrieve"}), name="api-delivery"
    ),
    path(
        "deliveries/<ctc_id:pk>/replay/",
        DeliveriesView.as_view({"post": "replay"}),
        name="api-delivery-replay",
    ),
    path("refusals/", RefusalsView.as_view({"get": "list"}), name="api-refusals"),
    path("statistics/", StatisticsView.as_view({"get": "retrieve"}), name="api-statistics"),
]
