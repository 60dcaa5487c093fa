"""What a client of the API may do, and for which accounts: a server by its key, staff by login."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from clicktocall.accounts.access import accounts_of
from clicktocall.exceptions import NotAllowed
from clicktocall.models import Account, ApiKey, Role, Scope


@dataclass(frozen=True, slots=True)
class Need:
    """What one operation takes: of a key a scope, of staff a role and one of Django's permissions.

    `permission` is its code name in this app, such as `change_endpoint`.
    """

    scope: Scope
    role: Role
    permission: str


class Rights(ABC):
    """Somebody who asks, whoever it is."""

    requester: str  # who asks, for the history
    default_endpoint_id: str | None = None  # of requests that name none
    idempotency_scope: str  # within which an idempotency key of theirs is unique

    @abstractmethod
    def accounts(self, need: Need) -> frozenset[str] | None:
        """The ids of the accounts where this may be done; None stands for all of them.

        Raises:
            NotAllowed: it may be done nowhere; says what is missing.
        """

    @abstractmethod
    def visible(self) -> frozenset[str] | None:
        """The ids of the accounts that exist for whoever asks; None stands for all of them."""

    def knows(self, account_id: str) -> bool:
        accounts = self.visible()
        if accounts is None:
            return Account.objects.filter(pk=account_id).exists()
        return account_id in accounts

    def allow(self, need: Need, account_id: str) -> None:
        """Go on only if this may be done for that account.

        Raises:
            NotAllowed: it may not; says what is missing.
        """
        accounts = self.accounts(need)
        if accounts is not None and account_id not in accounts:
            raise NotAllowed(f"Your role in this account does not allow this: {need.role.label}.")

    def has(self, scope: Scope) -> bool:
        """Whether a key has this scope; staff is judged by role alone."""
        return True


class KeyRights(Rights):
    """A server: one account, and the scopes of its key."""

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.requester = f"key:{key.pk}"
        self.default_endpoint_id = key.default_endpoint_id
        # A client that gets a new key between a request and its repeat must not ring twice.
        self.idempotency_scope = f"account:{key.account_id}"

    def accounts(self, need: Need) -> frozenset[str]:
        if not self.has(need.scope):
            raise NotAllowed(f"This API key does not have the scope “{need.scope}”.")
        return frozenset((self.key.account_id,))

    def visible(self) -> frozenset[str]:
        return frozenset((self.key.account_id,))

    def has(self, scope: Scope) -> bool:
        return scope in self.key.scopes


class StaffRights(Rights):
    """A user of the admin: the accounts they belong to, and no more than the admin lets them do."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self._known: dict[Role, frozenset[str]] = {}
        self.requester = self.idempotency_scope = f"user:{user.pk}"

    def accounts(self, need: Need) -> frozenset[str] | None:
        if not self.user.has_perm(f"clicktocall.{need.permission}"):
            raise NotAllowed(f"You need the permission “clicktocall.{need.permission}”.")
        return self._accounts_with(need.role)

    def visible(self) -> frozenset[str] | None:
        return self._accounts_with(Role.VIEWER)

    def _accounts_with(self, role: Role) -> frozenset[str] | None:
        """Asked of the database once per role and request."""
        if self.user.is_superuser:
            return None
        if role not in self._known:
            accounts = accounts_of(self.user, role).values_list("pk", flat=True)
            self._known[role] = frozenset(accounts)
        return self._known[role]
