"""People who use the API with the admin's login."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from clicktocall.models import Account, Membership


class Staff:
    """Somebody who is logged in, with or without Django's permissions on this app."""

    def __init__(
        self,
        *roles: tuple[Account, str],
        is_staff: bool = True,
        permitted: bool = True,
        superuser: bool = False,
    ) -> None:
        name = f"user-{User.objects.count()}"
        self.user = User.objects.create(username=name, is_staff=is_staff, is_superuser=superuser)
        if permitted:
            ours = Permission.objects.filter(content_type__app_label="clicktocall")
            self.user.user_permissions.set(ours)
        for account, role in roles:
            Membership.objects.create(account=account, user=self.user, role=role)
        self.client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        self.client.force_login(self.user)
        self.client.cookies["csrftoken"] = "t" * 32

    def send(
        self, method: str, address: str, body: Any = None, *, csrf: bool = True, **headers: str
    ) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if csrf:
            sent["X-CSRFToken"] = "t" * 32
        raw = b"" if body is None else json.dumps(body).encode()
        content_type = "" if body is None else "application/json"
        return self.client.generic(method, address, raw, content_type=content_type, headers=sent)
