"""Which accounts a user of the site may see and change."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from clicktocall.models import Account, Role

_ROLES_AT_LEAST = {
    Role.VIEWER: (Role.VIEWER, Role.EDITOR, Role.MANAGER),
    Role.EDITOR: (Role.EDITOR, Role.MANAGER),
    Role.MANAGER: (Role.MANAGER,),
}


def accounts_of(user: Any, role: Role = Role.VIEWER) -> QuerySet[Account]:
    """The accounts where `user` has at least `role`; all of them for a superuser."""
    if user.is_superuser:
        return Account.objects.all()
    return Account.objects.filter(
        memberships__user_id=user.pk, memberships__role__in=_ROLES_AT_LEAST[role]
    )
