"""Who asks: a server by its key, or somebody who is logged in to the admin."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from clicktocall.accounts.keys import LONGEST_KEY, find_key
from clicktocall.accounts.rights import KeyRights, Rights, StaffRights
from clicktocall.models import ApiKey

_SCHEME = "bearer"
_SAY_WHO = "No API key was sent. Send the header “Authorization: Bearer” with one."


class InvalidKey(exceptions.AuthenticationFailed):
    default_code = "invalid_key"
    default_detail = "This API key is unknown, expired or revoked."


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <api key>` (RFC 6750, section 2.1)."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        secret = secret.strip()
        if scheme.lower() != _SCHEME or not secret:
            raise exceptions.NotAuthenticated(_SAY_WHO)
        key = find_key(secret) if len(secret) <= LONGEST_KEY else None
        if key is None:
            raise InvalidKey
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class StaffSession(SessionAuthentication):
    """The admin's login, with Django's protection against forged requests."""

    def authenticate(self, request: Request) -> Any:
        known = super().authenticate(request)
        return known if known and known[0].is_staff else None


def rights_of(request: Request) -> Rights:
    """What the authenticated request may do.

    Raises:
        NotAuthenticated: nobody is known to ask.
    """
    if isinstance(request.auth, ApiKey):
        return KeyRights(request.auth)
    if request.user and request.user.is_authenticated:
        return StaffRights(request.user)
    raise exceptions.NotAuthenticated(_SAY_WHO)
