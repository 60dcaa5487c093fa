"""What every view of the API shares: who asks, what that takes, whose objects there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clicktocall.accounts.rights import Need, Rights
from clicktocall.api.authentication import ApiKeyAuthentication, StaffSession, rights_of
from clicktocall.api.contract.openapi import OperationSchema
from clicktocall.api.errors import PreconditionFailed, error_answer
from clicktocall.api.filters import KnownParametersOnly
from clicktocall.api.pagination import NewestFirst
from clicktocall.exceptions import NotAllowed
from clicktocall.models import Role, Scope
from clicktocall.rest.etags import etag_of, names
from clicktocall.rest.views import JSONView

DOOR = "api"

_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def reading(permission: str) -> Need:
    return Need(Scope.READ, Role.VIEWER, f"view_{permission}")


def calling(permission: str) -> Need:
    return Need(Scope.CALL, Role.EDITOR, permission)


def managing(permission: str, role: Role = Role.EDITOR) -> Need:
    return Need(Scope.MANAGE, role, permission)


class ApiViewSet(JSONView, GenericViewSet[Any]):
    """A view names for each of its actions what that takes; nothing else is let in."""

    authentication_classes = (ApiKeyAuthentication, StaffSession)
    filter_backends: Any = (KnownParametersOnly,)
    http_method_names = [name for name in JSONView.http_method_names if name != "options"]
    pagination_class: Any = NewestFirst
    schema = OperationSchema()

    needs: ClassVar[Mapping[str, Need]] = {}
    account_lookup = "account_id"  # from the model to its account

    rights: Rights

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.rights = rights_of(request)
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        self.rights.accounts(self.need)

    @property
    def need(self) -> Need:
        """What this request takes."""
        return self.needs[str(self.action)]

    def get_exception_handler(self) -> Any:
        return error_answer

    def mine(self, rows: QuerySet[Any], lookup: str | None = None) -> QuerySet[Any]:
        """Those of `rows` that the client may know of; all others do not exist for it."""
        accounts = self.rights.visible()
        if accounts is None:
            return rows
        lookup = lookup or self.account_lookup
        if len(accounts) == 1:  # an equality lets the database walk an index in order
            return rows.filter(**{lookup: next(iter(accounts))})
        return rows.filter(**{f"{lookup}__in": accounts})

    def get_queryset(self) -> QuerySet[Any]:
        return self.mine(super().get_queryset())

    def get_object(self) -> Any:
        """The object that the address names, if this may be done with it.

        Raises:
            Http404: there is none, or it is another account's.
            NotAllowed: it may be seen, but this may not be done with it.
        """
        return self._found_in(self.get_queryset())

    def locked_object(self) -> Any:
        """`get_object`, which nobody else can change before the transaction around is through.

        Raises:
            PreconditionFailed: it is not as the client has seen it.
        """
        found = self._found_in(self.get_queryset().select_for_update(of=("self",)))
        self.check_precondition(found)
        return found

    def _found_in(self, rows: QuerySet[Any]) -> Any:
        found = rows.filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise not_found()
        self.rights.allow(self.need, self.account_of(found))
        return found

    def read_body(self, *, partial: bool = False) -> dict[str, Any]:
        """What the body says, by the names of the model.

        Raises:
            ValidationError: naming each field that is wrong.
        """
        body = self.get_serializer(data=self.request.data, partial=partial)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def answer_page(self) -> Response:
        """One page of the client's own objects, narrowed as the query asks."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def shown(self, found: Any) -> dict[str, Any]:
        """The object as it is answered."""
        return dict(self.get_serializer(found).data)

    def answer_with_tag(self, found: Any, status: int = 200) -> Response:
        """The object, and the `ETag` that `If-Match` takes."""
        shown = self.shown(found)
        answer = Response(shown, status=status)
        answer["ETag"] = etag_of(shown)
        return answer

    def account_of(self, found: Any) -> str:
        return str(found.account_id)

    def account_for_new(self, named: str | None) -> str:
        """The account that something new is to belong to.

        Raises:
            ValidationError: none was named where several are possible, or it is not the client's.
        """
        visible = self.rights.visible()
        if named is None:
            if visible is not None and not visible:
                raise NotAllowed("You belong to no account.")
            if visible is None or len(visible) != 1:
                raise ValidationError({"account": ["You have several accounts; name one."]})
            named = next(iter(visible))
        elif not self.rights.knows(named):
            raise ValidationError({"account": ["There is no such account."]})
        self.rights.allow(self.need, named)
        return named

    def check_precondition(self, found: Any) -> None:
        """Go on only if the client has seen the object as it is now, or does not care.

        Raises:
            PreconditionFailed: `If-Match` names another version.
        """
        asked = self.request.headers.get("If-Match")
        if asked is None or asked.strip() == "*":
            return
        if not names(self.request, "If-Match", etag_of(self.shown(found))):
            raise PreconditionFailed

    def idempotency_key(self) -> str | None:
        """The client's `Idempotency-Key`.

        Raises:
            ValidationError: it is not one that can be kept.
        """
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not _KEY.fullmatch(key):
            message = "Send 1 to 128 printable ASCII characters without spaces, such as a UUID."
            raise ValidationError({"Idempotency-Key": [message]})
        return key


def same_account_only(changes: dict[str, Any], found: Model) -> None:
    """Take the account out of `changes`; it is given once.

    Raises:
        ValidationError: it is another one than before.
    """
    named = changes.pop("account_id", None)
    if named is not None and named != found.account_id:  # type: ignore[attr-defined]
        raise ValidationError({"account": ["This stays with its account."]})


def not_found() -> Http404:
    return Http404("There is nothing here.")


class NothingHereView(JSONView):
    """Every other address below this door, whatever the method."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.path.endswith("/"):
            raise Http404(
                "There is nothing here; ids are 32 digits of 0-9 and a-f, without dashes."
            )
        raise Http404("There is nothing here. Every address of this API ends with a slash.")

    def get_exception_handler(self) -> Any:
        return error_answer
